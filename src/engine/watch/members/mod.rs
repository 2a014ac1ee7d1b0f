//! Watches each member's PostgreSQL at its own address, beside the load: role, timeline, start, and how far its
//! write-ahead log is; and has a witness write to each that is no replica, where that is asked for.
//!
//! - `plan`: which members, and how they are connected to.
//! - `watcher`: one task owns what is known, and starts the looks.
//! - `looker`: a task a member looks at it, so that one that is frozen delays no other.
//! - `discovery`: members that only Patroni names, where they can be reached from here.

mod discovery;
mod looker;
mod plan;
mod watcher;

pub(super) use looker::state;
pub use plan::{MembersPlan, NamedMember};
pub(crate) use watcher::MembersWatcher;
