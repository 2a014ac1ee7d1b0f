//! `pgchaos runs`: the recorded runs of the state folder.

mod list;
mod overviews;
mod prune;

use super::activity::Activity;
use super::output::{print_summary, summary_of_record};
use super::problem::Problem;
use super::state_folder::record_or_latest;
use crate::cli::exit::Exit;
use crate::cli::runs_args::{RunsArgs, RunsCommand, ShowRunArgs};
use crate::cli::summary_args::SummaryFormat;

/// Runs the command.
///
/// # Errors
/// A [`Problem`].
pub(super) fn run(args: &RunsArgs) -> Result<Exit, Problem> {
    match &args.command {
        None => list::run(args.json),
        Some(RunsCommand::Show(args)) => show(args),
        Some(RunsCommand::Prune(args)) => prune::run(args),
    }
}

/// The summary of one run, as `pgchaos report` prints it.
fn show(args: &ShowRunArgs) -> Result<Exit, Problem> {
    let path = record_or_latest(args.run.record.as_deref())?;
    let reading = Activity::begin("reading the record");
    let summary = summary_of_record(&path)?;
    drop(reading);
    print_summary(&summary, SummaryFormat::Text)?;
    Ok(summary.verdict.into())
}
