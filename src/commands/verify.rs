//! `pgchaos verify`: account for a recorded run again, also one that was killed.

use std::path::Path;

use super::files::record_or_latest;
use super::output::{Reports, print_summary};
use super::problem::Problem;
use super::session::{dialer, settings};
use crate::cli::VerifyArgs;
use crate::cli::connection::ConnectionArgs;
use crate::cli::exit::Exit;
use crate::engine::record_file::{RecordWriter, Recorded, date_losses, read};
use crate::engine::verification::{Subject, verify};
use crate::model::event::{Event, Verification, What};
use crate::model::loss_times::LossTimes;
use crate::model::options::Target;
use crate::model::run::Run;
use crate::model::summing_up::sum_up;

/// Runs the command.
///
/// # Errors
/// A [`Problem`].
pub async fn run(args: VerifyArgs) -> Result<Exit, Problem> {
    let reports = Reports::check(&args.output)?;
    let path = record_or_latest(args.record.as_deref())?;
    let Recorded { mut run, torn } = read(&path, |_| {})?;
    if torn {
        eprintln!("pgchaos: the record's last line was cut off and is left out");
    }
    if !run.ended {
        eprintln!(
            "pgchaos: the run was not closed: what it did after its last flush is unaccounted for"
        );
    }
    let connection = connection(&args.connection, &run.header.target);
    let dialer = dialer(settings(&connection, None)?);
    let subject = Subject::of(&run, run.closing());
    let mut verification = verify(&subject, &dialer, args.verify_timeout, |step| {
        eprintln!("pgchaos: {step}");
    })
    .await;
    verification.lost_writes = lost_writes(&path, &run, &verification)?;
    let event = Event { at: run.elapsed, what: What::Verified(Box::new(verification)) };
    run.apply(&event);
    keep(&path, &event);
    let summary = sum_up(&run);
    print_summary(&summary, args.output.summary, Some(&path))?;
    reports.write(&summary)?;
    Ok(summary.verdict.into())
}

/// Where the run wrote to, unless something else was said.
fn connection(said: &ConnectionArgs, target: &Target) -> ConnectionArgs {
    if !said.is_empty() {
        return said.clone();
    }
    let (hosts, ports): (Vec<&str>, Vec<&str>) = target
        .endpoints
        .split(',')
        .filter_map(|endpoint| endpoint.rsplit_once(':'))
        .map(|(host, port)| (host.trim_start_matches('[').trim_end_matches(']'), port))
        .unzip();
    ConnectionArgs {
        host: Some(hosts.join(",")),
        port: Some(ports.join(",")),
        username: Some(target.user.clone()),
        dbname: Some(target.dbname.clone()),
    }
}

fn lost_writes(
    path: &Path,
    run: &Run,
    verification: &Verification,
) -> Result<Vec<crate::model::summary::LostWrites>, Problem> {
    match &verification.account {
        Some(account) if account.lost > 0 => {
            let times = LossTimes::new(run.header.started_at, &account.lost_writes);
            Ok(date_losses(path, times)?.finish())
        }
        _ => Ok(Vec::new()),
    }
}

/// The record keeps the verification, so that a report of it can tell. One that cannot be written
/// any more is no reason to withhold the answer.
fn keep(path: &Path, event: &Event) {
    let kept =
        RecordWriter::append_to(path).map_err(|error| error.to_string()).and_then(|mut record| {
            record.add(event);
            record.flush()
        });
    if let Err(error) = kept {
        eprintln!("pgchaos: warning: the verification is not kept: {error}");
    }
}
