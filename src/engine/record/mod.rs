//! The record on disk, which never holds the load up.
//!
//! - [`mod@file`]: made, read and found: one file a run, in the folder of runs.
//! - `queue`: the way of a run's lines to it: it never waits.
//! - [`process`]: the process that alone waits for the disk.

pub mod file;
pub mod process;
pub(crate) mod queue;
