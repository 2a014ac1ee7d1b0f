//! The record of a run that is over, on the command line.

use std::path::PathBuf;

use clap::Args;

use super::file_name::file_name;

/// A recorded run.
#[derive(Debug, Args)]
pub struct RecordedRunArgs {
    /// The run's record: a file, or else the first characters of the run's id, 4 at least, for one in
    /// the state folder (pgchaos runs lists them) [default: the latest there]
    #[arg(value_name = "RECORD", value_parser = file_name())]
    pub record: Option<PathBuf>,
}
