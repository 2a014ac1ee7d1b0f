//! A Patroni cluster of plain processes on this machine: three etcd, three Patroni with
//! PostgreSQL, one HAProxy, from the system's own packages and the templates in `cluster/`.
//!
//! [`Lab::up`] (`bring_up/start_all.rs`) is the place to start reading. Its rooms; each imports
//! only what is below it:
//!
//! - `injections`: members that are stopped, killed, frozen and started. `bring_up/`: from nothing
//!   to two ports that work. `take_down`: the end of a lab.
//! - `handle`: [`Lab`] itself. `status/`: what its members are now, which of them a selector means,
//!   and which labs run.
//! - `processes/`: the processes of a lab, found in `/proc` each time (`scan`); whether a member
//!   runs, also where `/proc` does not show it (`running`, by `log_lock`); signals that reach the
//!   process that was meant or none; the end of a member (`ending`).
//! - `files/`: the folders of a lab, what is kept of it between two commands (`state`), the lock
//!   by which one command at a time changes it, the user that its members run as (`os_user`).
//! - `member`, `ports`, `spec`, `superuser`: the seven members, their ports, and how fast they fail
//!   over. `programs` and `needs`: the programs that are run, and those that are missing;
//!   [`dependencies`]: the packages that have them.
//!
//! It knows no load, no drill and no report. It is for Linux.

mod bring_up;
pub mod dependencies;
mod error;
mod files;
mod handle;
mod injections;
mod member;
mod needs;
mod ports;
mod processes;
mod programs;
mod progress;
mod spec;
mod status;
mod superuser;
mod take_down;

pub use error::{Down, LabError, LogTail};
pub use handle::{Lab, NamedLab};
pub use member::{Member, MemberKind};
pub use needs::{MissingPrograms, Need};
pub use ports::Ports;
pub use processes::ending::MemberEnding;
pub use processes::port_owner::free_base_port;
pub use processes::running::Running;
pub use processes::scan::{Process, ProcessRole};
pub use progress::TellProgress;
pub use spec::{Checks, DEFAULT_NAME, LabSpec, Profile, Timing};
pub use status::members::MemberNow;
