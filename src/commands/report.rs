//! `pgchaos report`: a recorded run rendered again, without a database.

use super::files::record_or_latest;
use super::output::{Reports, print_summary};
use super::problem::Problem;
use crate::cli::ReportArgs;
use crate::cli::exit::Exit;
use crate::engine::record_file::read;
use crate::model::summing_up::sum_up;

/// Runs the command.
///
/// # Errors
/// A [`Problem`].
pub fn run(args: &ReportArgs) -> Result<Exit, Problem> {
    let reports = Reports::check(&args.output)?;
    let path = record_or_latest(args.record.as_deref())?;
    let summary = sum_up(&read(&path, |_| {})?.run);
    print_summary(&summary, args.output.summary, Some(&path))?;
    reports.write(&summary)?;
    Ok(summary.verdict.into())
}
