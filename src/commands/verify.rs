//! `pgchaos verify`: account for a recorded run again, also one that was killed.

use std::collections::BTreeMap;

use super::activity::Activity;
use super::connection_options::ConnectionOptions;
use super::output::{Reports, print_summary, record_read};
use super::patroni_apis::patroni_apis;
use super::problem::Problem;
use super::session::{dialer, settings};
use super::state_folder::{is_own_record, record_or_latest};
use crate::cli::connection::ConnectionArgs;
use crate::cli::exit::Exit;
use crate::cli::verify_args::VerifyArgs;
use crate::engine::Dialer;
use crate::engine::record::file::{Recorded, lost_writes, read};
use crate::engine::record::held::HeldRecord;
use crate::engine::verification::{Site, Subject, VerificationStep, verify};
use crate::model::event::{Event, What};
use crate::model::load::target::{Target, quoted_value};
use crate::model::run::summarize::{result, sum_up_verified};
use crate::patroni::api::base_of;
use crate::patroni::{PatroniApi, PatroniError};
use crate::pg::sessions::application_name::Purpose;
use crate::pg::settings::Explicit;
use crate::report::words::{looked_at, verifying};

/// Runs the command.
///
/// # Errors
/// A [`Problem`].
pub async fn run(args: VerifyArgs) -> Result<Exit, Problem> {
    let path = record_or_latest(args.run.record.as_deref())?;
    let reports = Reports::check(&args.output, Some(&path))?;
    // A run that goes on still needs its sessions: verifying would end them. It stays held to the end: what a verification
    // beside this one found would be missing from what the run comes to.
    let held = HeldRecord::hold(&path)?;
    let activity = Activity::begin("reading the record");
    let recorded = read(&path, |_| {})?;
    let record = record_read(&path, &recorded);
    let Recorded { mut run, torn, .. } = recorded;
    if torn {
        tell!("pgchaos: the record's last line was cut off and is left out");
    }
    if !run.ended {
        tell!(
            "pgchaos: the record is incomplete: the run was not closed, it was killed or its disk \
             failed; what it did after its last flush is unaccounted for"
        );
    }
    let target = target_of_run(&args.connection, &run.header.target);
    let (is_own, names_host) = (is_own_record(&path), args.connection.host.is_some());
    let is_asked_for = is_own || names_host;
    let mut explicit = args.connection.explicit(target.as_ref());
    if target.is_some() {
        explicit.tls_of_run = tls_of_run(&run.header.target, is_own, names_host);
    }
    let mut settings = settings(&explicit)?;
    if target.is_some() && !is_asked_for {
        settings = settings.by_record_alone();
    }
    let connection = ConnectionOptions::of(&settings);
    let dialer = dialer(settings).for_purpose(run.header.run_id, Purpose::Verify);
    check_target(&dialer, &connection).await?;
    let subject = Subject::of(&run, run.closing());
    let site = Site { dialer, patroni: patroni(&args, &run.header.patroni, &explicit)? };
    activity.say("verifying");
    let mut verification = verify(&subject, &site, args.verify_timeout, |step| match step {
        VerificationStep::Waiting(what) => {
            activity.say("verifying: it waits");
            tell!("pgchaos: waiting: {what}");
        }
        VerificationStep::LookedAt { writes, of } => {
            activity.say(&verifying(writes, of));
            tell!("pgchaos: {}", looked_at(writes, of));
        }
    })
    .await;
    verification.lost_writes = lost_writes(run.header.started_at, &verification, Some(&path));
    drop(activity);
    let event = Event { at: run.elapsed, what: What::Verified(Box::new(verification)) };
    run.apply(&event);
    let mut summary = sum_up_verified(&run);
    summary.record = Some(record);
    let printed = print_summary(&summary, args.output.printed.summary);
    let written = reports.write(&summary);
    // Last, as the record's disk may hang: the summary is printed by then.
    let result = Event { at: run.elapsed, what: What::Result(result(&run)) };
    keep(held, &[event, result]);
    printed.and(written)?;
    Ok(summary.verdict.into())
}

/// The APIs that name the leader: those on the command line, else those that the run watched.
fn patroni(
    args: &VerifyArgs,
    recorded: &[String],
    connection: &Explicit,
) -> Result<Vec<PatroniApi>, Problem> {
    if args.no_patroni {
        return Ok(Vec::new());
    }
    if !args.patroni.is_empty() {
        return patroni_apis(&args.patroni, connection);
    }
    let urls: Result<Vec<String>, PatroniError> = recorded.iter().map(|url| base_of(url)).collect();
    let urls = urls.map_err(|error| Problem::could_not_run(format!("the record names {error}")))?;
    patroni_apis(&urls, connection)
}

/// The target of the run as a connection string, without what the command line says. `None` where
/// that has a connection string, which says all of it.
fn target_of_run(said: &ConnectionArgs, target: &Target) -> Option<String> {
    if said.dbname.as_deref().is_some_and(|dbname| dbname.contains(['=', '/'])) {
        return None;
    }
    let (hosts, ports): (Vec<&str>, Vec<&str>) = target
        .endpoints
        .split(',')
        .filter_map(|endpoint| endpoint.rsplit_once(':'))
        .map(|(host, port)| (host.trim_start_matches('[').trim_end_matches(']'), port))
        .unzip();
    // One port is that of every host; several belong to the hosts in their order.
    let same_port = ports.windows(2).all(|pair| pair[0] == pair[1]);
    let ports = match (same_port, &said.host) {
        (true, _) => ports.first().map(|port| (*port).to_owned()),
        (false, None) => Some(ports.join(",")),
        (false, Some(_)) => None,
    };
    // An address belongs to its host.
    let (hosts, addresses) = match said.host {
        Some(_) => (None, None),
        None => (Some(hosts.join(",")), target.hostaddr.clone()),
    };
    let values = [
        ("host", hosts),
        ("hostaddr", addresses),
        ("port", ports.filter(|_| said.port.is_none())),
        ("user", said.username.is_none().then(|| target.user.clone())),
        ("dbname", said.dbname.is_none().then(|| target.dbname.clone())),
    ];
    // A database's name may look like a connection string: quoted, it is a name.
    let word = |(keyword, value): (&str, Option<String>)| {
        value.map(|value| format!("{keyword}={}", quoted_value(&value)))
    };
    let words: Vec<String> = values.into_iter().filter_map(word).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// How the run secured its connections: a verification that asked for less would trust another server.
///
/// A record that is none of this machine's may come from anywhere. It has no say in how a host is reached that the user
/// names, and no client certificate goes to a host that it alone names.
fn tls_of_run(target: &Target, is_own: bool, names_host: bool) -> BTreeMap<String, String> {
    if is_own {
        return target.tls.clone();
    }
    if names_host {
        return BTreeMap::new();
    }
    let mut tls = target.tls.clone();
    tls.retain(|option, _| !matches!(option.as_str(), "sslcert" | "sslkey"));
    tls.insert("sslcertmode".to_owned(), "disable".to_owned());
    tls
}

/// Fails at once where waiting cannot help, as for a wrong password or database.
async fn check_target(dialer: &Dialer, connection: &ConnectionOptions) -> Result<(), Problem> {
    let Err(failures) = dialer.dial().await else { return Ok(()) };
    let hopeless = failures.iter().all(|failure| failure.fault.hopeless_before_first_success());
    if hopeless { Err(Problem::of_failures(failures, connection)) } else { Ok(()) }
}

/// Adds the verification and what the run comes to by it to the record, for later reports. A record
/// that cannot be written is told and does not change the answer.
fn keep(record: HeldRecord, events: &[Event]) {
    if let Err(error) = record.append(events) {
        tell!("pgchaos: warning: the verification is not kept: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_from_elsewhere_says_little_of_tls() {
        let tls = [("sslmode", "disable"), ("sslkey", "/k"), ("sslcert", "/c")];
        let tls = tls.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let target = Target {
            host: "db".into(),
            hostaddr: None,
            port: 5432,
            endpoints: "db:5432".into(),
            dbname: "app".into(),
            user: "app".into(),
            tls: tls.into(),
            ..Target::default()
        };
        assert_eq!(tls_of_run(&target, true, false), target.tls);
        assert_eq!(tls_of_run(&target, false, true), BTreeMap::new());
        let alone = [("sslmode", "disable"), ("sslcertmode", "disable")];
        let alone = alone.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(tls_of_run(&target, false, false), alone.into());
    }

    #[test]
    fn what_is_not_said_is_as_the_run_had_it() {
        let target = Target {
            host: "db,::1".into(),
            hostaddr: Some("10.0.0.3,".into()),
            port: 5432,
            endpoints: "db:5432,[::1]:5433".into(),
            dbname: "host='x' y=\\".into(),
            user: "app".into(),
            ..Target::default()
        };
        let said = ConnectionArgs::default();
        assert_eq!(
            target_of_run(&said, &target).unwrap(),
            r"host='db,::1' hostaddr='10.0.0.3,' port='5432,5433' user='app' dbname='host=\'x\' y=\\'"
        );
        let said = ConnectionArgs { host: Some("other".into()), ..said };
        assert_eq!(
            target_of_run(&said, &target).unwrap(),
            r"user='app' dbname='host=\'x\' y=\\'",
            "an address belongs to its host, and so does a port"
        );
        let said = ConnectionArgs { dbname: Some("host=a".into()), ..said };
        assert_eq!(target_of_run(&said, &target), None);
    }
}
