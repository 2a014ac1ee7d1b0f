//! Every class of errors by its real cause: what the log, the record and the summary call it, that the load outlives it,
//! and that it writes again once the cause is mended.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod support;

#[path = "error_classes/connection_lost.rs"]
mod connection_lost;
#[path = "error_classes/load.rs"]
mod load;
#[path = "error_classes/logins.rs"]
mod logins;
#[path = "error_classes/no_way.rs"]
mod no_way;
#[path = "error_classes/not_now.rs"]
mod not_now;
#[path = "error_classes/statements.rs"]
mod statements;
