//! `pgchaos init` and `pgchaos clean` on the command line.

use super::connection::TargetArgs;
use super::run_id::{SaidRunId, run_id};
use clap::Args;

/// `pgchaos init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Where to.
    #[command(flatten)]
    pub target: TargetArgs,
}

/// `pgchaos clean`.
#[derive(Debug, Args)]
pub struct CleanArgs {
    /// Where to.
    #[command(flatten)]
    pub target: TargetArgs,
    /// Remove the rows of this run: its id, or the first characters of it, 4 at least, for a run in the
    /// state folder (pgchaos runs lists them)
    #[arg(
        long,
        value_name = "ID",
        value_parser = run_id,
        env = "PGCHAOS_RUN_ID",
        conflicts_with = "schema",
        required_unless_present = "schema",
        help_heading = "What to remove, one of the two"
    )]
    pub run_id: Option<SaidRunId>,
    /// Remove the schema pgchaos, with the rows of every run
    #[arg(long, env = "PGCHAOS_SCHEMA", help_heading = "What to remove, one of the two")]
    pub schema: bool,
}
