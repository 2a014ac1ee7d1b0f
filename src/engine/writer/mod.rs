//! One writer: a connection that writes on its schedule, loses it, and comes back.
//!
//! What it does is decided by [`Writer`](crate::model::load::writer::step::Writer), which waits for
//! nothing. Here it is waited for and done:
//!
//! - `task`: from the first session to the end.
//! - `connecting`: without a session, attempts until there is one that takes writes; `sessions`:
//!   how many it may have on one server, those included that hang there.
//! - `session_loop`: with a session, what comes is taken, and what follows is done.
//! - `shared`: what all writers share, and how they end; `to_recorder`: what they tell.

mod connecting;
mod session_loop;
mod sessions;
mod shared;
mod task;
mod to_recorder;

pub(crate) use shared::Shared;
pub(crate) use task::WriterTask;
