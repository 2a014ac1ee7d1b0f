//! Sessions and SQL: everything that is said to a PostgreSQL server, and what its answers mean.
//!
//! - [`settings`]: where to connect, as whom and how, by psql's conventions.
//! - [`application_name`]: what a run's sessions are called on the server.
//! - [`host_address`]: the addresses of a host. [`socket`], [`connect`], [`session`]: from one of
//!   them to a session that is known to take writes, with one deadline over all of it; [`guards`]
//!   names what ended a wait, [`own_limits`] what pgchaos itself ran out of; [`driver_error`] finds the cause of a failure where
//!   the driver hides it; `frames` limits what a server can send, below all that reads it, and tells
//!   a pooler; [`identity`] asks a server for its identity.
//! - [`load`]: a session that writes, without the driver, which only had its socket as a loan
//!   ([`lent_socket`]); [`answers`] reads what the server
//!   answers it, [`server_error`] an error of it.
//! - [`schema`]: the database objects, from `seeds/`; [`tables`]: what is wrong with tables that are
//!   there already. [`setting_origin`]: whose a session's setting is; [`identifier`]: names in SQL.
//! - `statements`: several, each a message of its own.
//! - [`user_events`]: the write and the read of the load.
//! - [`presence`]: which writes of a run are there, compared in the server.
//! - [`activity`]: the sessions of a run on the server, what they wait for, and the replicas that
//!   stream from it.
//!
//! It is not the place for retries, pacing or accounts: those are the engine's.

pub mod activity;
pub mod answers;
pub mod application_name;
pub mod connect;
pub mod driver_error;
mod frames;
pub mod guards;
pub mod host_address;
pub mod identifier;
pub mod identity;
pub mod lent_socket;
pub mod load;
pub mod own_limits;
pub mod presence;
pub mod schema;
pub mod server_error;
pub mod session;
pub mod setting_origin;
pub mod settings;
pub mod socket;
mod statements;
pub mod tables;
pub mod user_events;
