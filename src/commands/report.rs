//! `pgchaos report`: a recorded run rendered again, without a database.

use super::output::{Reports, print_summary, record_read};
use super::problem::Problem;
use super::state_folder::record_or_latest;
use crate::cli::exit::Exit;
use crate::cli::report_args::ReportArgs;
use crate::engine::record::file::read;
use crate::model::run::summarize::sum_up;

/// Runs the command.
///
/// # Errors
/// A [`Problem`].
pub fn run(args: &ReportArgs) -> Result<Exit, Problem> {
    let path = record_or_latest(args.run.record.as_deref())?;
    let reports = Reports::check(&args.output, Some(&path))?;
    let recorded = read(&path, |_| {})?;
    let mut summary = sum_up(&recorded.run);
    summary.record = Some(record_read(&path, &recorded));
    let printed = print_summary(&summary, args.output.printed.summary);
    reports.write(&summary)?;
    printed?;
    Ok(summary.verdict.into())
}
