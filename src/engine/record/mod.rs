//! The record on disk, which never holds the load up.
//!
//! - [`mod@file`]: made, read and found: one file a run, in the folder of runs.
//! - [`overview`]: what its first line and its end tell, without reading it all.
//! - [`removal`]: removed, where no run writes it.
//! - `queue`: the way of a run's lines to it: it never waits.
//! - [`process`]: the process that alone waits for the disk.

pub mod file;
pub mod overview;
pub mod process;
pub(crate) mod queue;
pub mod removal;
