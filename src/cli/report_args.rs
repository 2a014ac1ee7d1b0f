//! `pgchaos report` on the command line.

use clap::Args;

use super::record_args::RecordedRunArgs;
use super::summary_args::SummaryArgs;

/// `pgchaos report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Which run.
    #[command(flatten)]
    pub run: RecordedRunArgs,
    /// What to print, and into which files.
    #[command(flatten)]
    pub output: SummaryArgs,
}
