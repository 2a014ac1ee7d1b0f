//! Watches Patroni's APIs beside the load: which member leads, what members are called, and how a
//! leader stopped being one. It changes nothing of the load and of its verdict.
//!
//! - `watcher`: one task owns what is known.
//! - `looker`: a task for each member looks at it, so that one that is frozen delays no other.
//! - `discovery`: which members there are.
//! - `handle`: what the other parts of a run see of it.
//! - `bounds`: deadlines, pauses and how many members are asked.

mod bounds;
mod discovery;
mod handle;
mod looker;
mod watcher;

pub use bounds::DEADLINE;
pub(crate) use handle::{NamedServer, PatroniWatch};
pub(crate) use watcher::{PatroniWatcher, watcher};
