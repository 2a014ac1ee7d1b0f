//! `pgchaos verify`: account for a recorded run again, also one that was killed.

use std::path::Path;

use super::files::record_or_latest;
use super::output::{Reports, print_summary};
use super::problem::Problem;
use super::session::{dialer, settings};
use crate::cli::VerifyArgs;
use crate::cli::connection::ConnectionArgs;
use crate::cli::exit::Exit;
use crate::engine::Dialer;
use crate::engine::record_file::{RecordWriter, Recorded, lost_writes, read};
use crate::engine::setup;
use crate::engine::verification::{Step, Subject, verify};
use crate::model::event::{Event, What};
use crate::model::options::Target;
use crate::model::summing_up::sum_up;
use crate::report::words::looked_at;

/// Runs the command.
///
/// # Errors
/// A [`Problem`].
pub async fn run(args: VerifyArgs) -> Result<Exit, Problem> {
    let reports = Reports::check(&args.output)?;
    let path = record_or_latest(args.record.as_deref())?;
    let Recorded { mut run, torn } = read(&path, |_| {})?;
    if torn {
        tell!("pgchaos: the record's last line was cut off and is left out");
    }
    if !run.ended {
        tell!(
            "pgchaos: the run was not closed: what it did after its last flush is unaccounted for"
        );
    }
    let connection = connection(&args.connection, &run.header.target);
    let settings = settings(&connection, None)?;
    let (role, dbname) = (settings.user.clone(), settings.dbname.clone());
    let dialer = dialer(settings);
    check_target(&dialer, &role, &dbname).await?;
    let subject = Subject::of(&run, run.closing());
    let mut verification = verify(&subject, &dialer, args.verify_timeout, |step| match step {
        Step::Waiting(what) => tell!("pgchaos: waiting: {what}"),
        Step::LookedAt { writes, of } => tell!("pgchaos: {}", looked_at(writes, of)),
    })
    .await;
    verification.lost_writes = lost_writes(run.header.started_at, &verification, Some(&path));
    let event = Event { at: run.elapsed, what: What::Verified(Box::new(verification)) };
    run.apply(&event);
    keep(&path, &event);
    let summary = sum_up(&run);
    print_summary(&summary, args.output.summary, Some(&path))?;
    reports.write(&summary)?;
    Ok(summary.verdict.into())
}

/// Where the run wrote to, but for what was said. A connection string says all of it.
fn connection(said: &ConnectionArgs, target: &Target) -> ConnectionArgs {
    if said.dbname.as_deref().is_some_and(|dbname| dbname.contains(['=', '/'])) {
        return said.clone();
    }
    let (hosts, ports): (Vec<&str>, Vec<&str>) = target
        .endpoints
        .split(',')
        .filter_map(|endpoint| endpoint.rsplit_once(':'))
        .map(|(host, port)| (host.trim_start_matches('[').trim_end_matches(']'), port))
        .unzip();
    // One port goes with every host, several go with theirs.
    let same_port = ports.windows(2).all(|pair| pair[0] == pair[1]);
    let ports = match (same_port, &said.host) {
        (true, _) => ports.first().map(|port| (*port).to_owned()),
        (false, None) => Some(ports.join(",")),
        (false, Some(_)) => None,
    };
    ConnectionArgs {
        host: said.host.clone().or_else(|| Some(hosts.join(","))),
        port: said.port.clone().or(ports),
        username: said.username.clone().or_else(|| Some(target.user.clone())),
        dbname: said.dbname.clone().or_else(|| Some(target.dbname.clone())),
    }
}

/// A password or a database that is wrong will not become right by waiting.
async fn check_target(dialer: &Dialer, role: &str, dbname: &str) -> Result<(), Problem> {
    let Err(mut failures) = dialer.dial().await else { return Ok(()) };
    let hopeless =
        failures.iter().all(|failure| failure.fault.class.hopeless_before_first_success());
    match failures.pop() {
        Some(failure) if hopeless => {
            Err(Problem::of_fault(setup::Step::Connect, failure.fault, role, dbname))
        }
        _ => Ok(()),
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
        tell!("pgchaos: warning: the verification is not kept: {error}");
    }
}
