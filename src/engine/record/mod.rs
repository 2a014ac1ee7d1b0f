//! The record on disk, which never holds the load up.
//!
//! - [`mod@file`]: made, read and found: one file a run, in the folder of runs.
//! - [`overview`]: what its first line and its end tell, without reading it all.
//! - [`removal`]: removed, where no run writes it.
//! - [`held`]: held while it is verified, and added to at the end.
//! - `lock`: the lock by which one pgchaos knows that another has it in use.
//! - `queue`: the way of a run's lines to it: it never waits.
//! - [`process`]: the process that alone waits for the disk.

pub mod file;
pub mod held;
mod lock;
pub mod overview;
pub mod process;
pub(crate) mod queue;
pub mod removal;
