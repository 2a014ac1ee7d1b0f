//! Sessions and SQL: everything that is said to a PostgreSQL server, and what its answers mean.
//!
//! The rooms, each importing only those below it:
//!
//! ```text
//! presence_query · activity · objects/   which writes are there · sessions of a run · schema and tables
//! member_look · witness_write      a look at one member · a witness's write to it
//! sessions/                        through the driver: connect, identity, SQL under a deadline
//! wire/                            below the driver: socket, limits, answers, the load's session
//! failure/ · user_events           what a failure is · the write and the read of the load
//! settings/                        where to connect, as which role and how, by psql's conventions
//! ```
//!
//! - [`settings`] is complete in itself: it opens no socket.
//! - [`failure`]: [`SessionFailure`](failure::SessionFailure) is the one type for what failed on
//!   the way to a session or on one. With a phase and an [`Endpoint`](wire::endpoint::Endpoint) it
//!   is a [`Fault`](crate::model::fault::Fault), which has a class.
//! - [`wire`]: bytes. A socket limits what a server can send, for the driver and for a
//!   [`LoadSession`](wire::load_session::LoadSession), which writes without the driver.
//! - [`sessions`]: [`connect::open`](sessions::connect::open) leads from an address to a
//!   [`Session`](sessions::session::Session) with a known server.
//! - [`objects`]: makes, checks, tries and removes the schema `pgchaos`, from `seeds/`.
//! - [`presence_query`]: which writes of a run are there, compared in the server. [`activity`]: the
//!   sessions of a run on the server, what they wait for, and the replicas that stream from it.
//!
//! - [`member_look`]: what a member is, a few times a second, and how far its log is; [`witness_write`]: a row beside
//!   the load, to a member's own address.
//!
//! It is not the place for retries, pacing or accounts: those are the engine's.

pub mod activity;
pub mod failure;
pub mod member_look;
pub mod objects;
pub mod presence_query;
pub mod sessions;
pub mod settings;
pub mod user_events;
pub mod wire;
pub mod witness_write;
