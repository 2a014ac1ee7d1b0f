//! Sessions through the driver: from an address to a session with a known server, and its end.
//!
//! - [`connect`]: one connect to one address, under one deadline.
//! - [`encryption`]: the ways in which a connect is tried, with TLS or without. `secured_below`: what the driver is
//!   told of a socket that speaks TLS already. `closed_early`: what a connection may mean that ended before the
//!   server's first word. `connect_cause`: the words for what stood between a connect and its session.
//!   `connect_progress`: how far a connect came.
//! - [`session`]: SQL under a deadline; a failed call gets the cause that the driver knows.
//! - [`identity`]: asks which server answers.
//! - [`application_name`]: what a run's sessions are called on the server.
//! - `driver_task`: moves the bytes. [`driver_error`]: finds the cause of a failure where the driver hides it. `statements`: several,
//!   each a message of its own.

pub mod application_name;
mod closed_early;
pub mod connect;
mod connect_cause;
mod connect_progress;
pub mod driver_error;
mod driver_task;
pub mod encryption;
pub mod identity;
mod secured_below;
pub mod session;
pub(in crate::pg) mod statements;
