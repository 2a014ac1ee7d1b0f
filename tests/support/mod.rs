//! What the integration tests share: a PostgreSQL server of a test's own, and a proxy in front of it that breaks on order.
//!
//! Only [`Gen`], the program as a process, knows pgchaos. A test starts a [`Postgres`], puts a [`Proxy`] before it,
//! runs the program against `proxy.url()` and breaks one or the other. All clean up when they are dropped, also in
//! a test that panics; a server's files and processes go even when the test's process is killed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "support code of tests: what cannot go on fails the test, at once and in words"
)]
#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "each test crate compiles the whole of it and uses its own part"
)]

mod command;
mod encryption;
mod r#gen;
mod kept;
mod port;
mod postgres;
mod proxy;
mod session;
mod skip;
mod wait;

pub use encryption::{openssl, speak_tls, use_certificate};
pub use r#gen::{Finished, Gen, pgchaos, recorded};
pub use kept::Kept;
pub use port::{free_port, free_ports};
pub use postgres::{Postgres, Stop};
pub use proxy::{Armed, Proxy, Request, Requests, Token, Twist, Wire};
pub use session::Session;
pub use skip::{SKIP_NOTHING, skip, skips_fail};
pub use wait::wait_until;
