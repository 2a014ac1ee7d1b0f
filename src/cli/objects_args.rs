//! `pgchaos init` and `pgchaos clean` on the command line.

use clap::Args;
use uuid::Uuid;

use super::connection::TargetArgs;

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
    /// Remove the rows of this run
    #[arg(
        long,
        value_name = "UUID",
        env = "PGCHAOS_RUN_ID",
        conflicts_with = "schema",
        required_unless_present = "schema",
        help_heading = "What to remove, one of the two"
    )]
    pub run_id: Option<Uuid>,
    /// Remove the schema pgchaos, with the rows of every run
    #[arg(long, env = "PGCHAOS_SCHEMA", help_heading = "What to remove, one of the two")]
    pub schema: bool,
}
