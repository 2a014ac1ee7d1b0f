//! Sessions and SQL: everything that is said to a PostgreSQL server, and what its answers mean.
//!
//! - [`settings`]: where to connect, as whom and how, by psql's conventions.
//! - [`socket`], [`connect`], [`session`]: from a host's name to a session that is known to take
//!   writes, with one deadline over all of it; [`driver_error`] finds the cause of a failure where
//!   the driver hides it; [`identity`] asks who answered.
//! - [`load`]: a session that writes, without the driver, which only had its socket as a loan
//!   ([`lent_socket`]); [`answers`] reads what the server
//!   answers it, [`server_error`] an error of it.
//! - [`schema`]: the database objects, from `seeds/`.
//! - [`user_events`]: the write and the read of the load.
//! - [`presence`]: which writes of a run are there, compared in the server.
//! - [`activity`]: who still works for a run, and who streams from the primary.
//!
//! It is not the place for retries, pacing or accounts: those are the engine's.

pub mod activity;
pub mod answers;
pub mod connect;
pub mod driver_error;
pub mod identity;
pub mod lent_socket;
pub mod load;
pub mod presence;
pub mod schema;
pub mod server_error;
pub mod session;
pub mod settings;
pub mod socket;
pub mod user_events;
