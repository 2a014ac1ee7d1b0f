//! `pgchaos runs` on the command line.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::record_args::RecordedRunArgs;
use crate::model::load::values;

/// `pgchaos runs`.
#[derive(Debug, Args)]
#[command(
    disable_help_subcommand = true,
    args_conflicts_with_subcommands = true,
    after_help = "\
Only the two ends of a record are read, so a list of many long ones is quick. A
run that was killed has no verdict at its end: a short record is read whole for
it, a long one is told as unknown, and pgchaos report has the answer.

The state folder is $XDG_STATE_HOME/pgchaos (~/.local/state/pgchaos by default),
and its records are in runs/: those of gen, of drills and of the demo. One that
gen wrote elsewhere (--record FILE) is in no list."
)]
pub struct RunsArgs {
    /// What to do [default: list them]
    #[command(subcommand)]
    pub command: Option<RunsCommand>,
    /// Print the list as JSON
    #[arg(long, env = "PGCHAOS_JSON")]
    pub json: bool,
}

/// The commands of `pgchaos runs`.
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// Show the summary of one run
    Show(ShowRunArgs),
    /// Remove old records, never one that a running pgchaos writes
    ///
    /// Only records of pgchaos's are removed: what cannot be read, and what a newer version wrote,
    /// stays, and is told. Rows in databases stay too: `pgchaos clean` removes them.
    Prune(PruneArgs),
}

/// `pgchaos runs show`.
#[derive(Debug, Args)]
pub struct ShowRunArgs {
    /// Which run.
    #[command(flatten)]
    pub run: RecordedRunArgs,
}

/// `pgchaos runs prune`. What it removes is said where it is typed: no variable is read, as
/// `PGCHAOS_KEEP` is the lab's.
#[derive(Debug, Args)]
pub struct PruneArgs {
    /// Keep the N newest records, remove the others
    #[arg(
        long,
        value_name = "N",
        conflicts_with = "older_than",
        required_unless_present = "older_than",
        help_heading = "What to remove, one of the two"
    )]
    pub keep: Option<usize>,
    /// Remove the records of runs that began longer ago, such as 30d or 12h
    #[arg(long, value_name = "D", value_parser = values::duration,
          help_heading = "What to remove, one of the two")]
    pub older_than: Option<Duration>,
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    pub dry_run: bool,
}
