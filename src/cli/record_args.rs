//! The record of a run that is over, on the command line.

use std::path::PathBuf;

use clap::Args;

use super::file_name::file_name;

/// A recorded run.
#[derive(Debug, Args)]
pub struct RecordedRunArgs {
    /// The run's record [default: the latest in the state folder]
    #[arg(value_name = "RECORD", value_parser = file_name())]
    pub record: Option<PathBuf>,
}
