//! `pgchaos report`: recorded runs rendered again, one or several, without a database.

use std::path::PathBuf;

use super::output::summary_of_record;
use super::problem::Problem;
use super::report_output::{Rendered, ReportOutput};
use super::same_file::named_twice;
use super::state_folder::{named_record, record_or_latest};
use crate::cli::exit::Exit;
use crate::cli::report_args::ReportArgs;
use crate::model::comparison::Comparison;
use crate::model::run::summary::Summary;

/// Runs the command.
///
/// # Errors
/// A [`Problem`].
pub fn run(args: &ReportArgs) -> Result<Exit, Problem> {
    if args.records.is_empty() && !args.against.is_empty() {
        return Err(against_nothing());
    }
    let files =
        |named: &[PathBuf]| named.iter().map(|named| named_record(named)).collect::<Result<_, _>>();
    let records: Vec<PathBuf> = match args.records.as_slice() {
        [] => vec![record_or_latest(None)?],
        named => files(named)?,
    };
    let against: Vec<PathBuf> = files(&args.against)?;
    let all = || records.iter().chain(&against);
    if let Some(twice) = named_twice(all().map(PathBuf::as_path)) {
        return Err(given_twice(&twice.display().to_string()));
    }
    let output = ReportOutput::check(args, all().map(PathBuf::as_path))?;
    let (a, b) = (summaries(&records)?, summaries(&against)?);
    if let ([run], []) = (a.as_slice(), b.as_slice()) {
        output.write(&Rendered::Run(run))?;
        return Ok(run.verdict.into());
    }
    all_different_runs(a.iter().chain(&b))?;
    let comparison = Comparison::of(&a, &b);
    output.write(&Rendered::Runs(&comparison, a.iter().chain(&b).collect()))?;
    Ok(comparison.verdict.into())
}

fn summaries(records: &[PathBuf]) -> Result<Vec<Summary>, Problem> {
    records.iter().map(|path| summary_of_record(path)).collect()
}

/// A copy of a record is the same run: counted twice, it would make chance look smaller than it is.
fn all_different_runs<'a>(runs: impl Iterator<Item = &'a Summary>) -> Result<(), Problem> {
    let mut seen: Vec<&Summary> = Vec::new();
    for run in runs {
        if let Some(other) = seen.iter().find(|other| other.run_id == run.run_id) {
            let record = |run: &Summary| run.record.as_ref().map(|one| one.path.clone());
            let pair = [record(other), record(run)].map(Option::unwrap_or_default).join(" and ");
            return Err(given_twice(&pair));
        }
        seen.push(run);
    }
    Ok(())
}

/// `--against` takes all records that follow it, also those that were meant as the other set: the
/// latest run is not taken for them.
fn against_nothing() -> Problem {
    Problem::usage("no record is named before --against, which takes all those that follow it")
        .try_this("pgchaos report NEW… --against OLD…")
}

fn given_twice(what: &str) -> Problem {
    Problem::usage(format!("the same run is given twice: {what}"))
        .try_this("each run once: a run that counts twice proves nothing")
}
