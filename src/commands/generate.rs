//! `pgchaos gen`: the load, the failover log, the verdict.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::files;
use super::gen_log::{Log, start_log};
use super::output::{Reports, print_summary};
use super::problem::Problem;
use super::signals::cancel_on_signals;
use crate::cli::exit::Exit;
use crate::cli::gen_args::GenArgs;
use crate::engine::run::{Plan, Stop, run as run_plan};
use crate::model::event::Header;
use crate::model::options::Target;
use crate::model::record::FORMAT;
use crate::model::summing_up::sum_up;
use crate::pg::settings::{
    Address, ConnectSettings, Environment, Explicit, Resolved, TargetSession, resolve,
};

/// Events that wait for the terminal.
const EVENTS_WAITING: usize = 8192;

/// How long the end of the run waits for the log's last lines.
const LOG_DEADLINE: Duration = Duration::from_secs(2);

/// Runs the command.
///
/// # Errors
/// A [`Problem`].
pub async fn run(args: GenArgs) -> Result<Exit, Problem> {
    let plan = plan(&args)?;
    let reports = Reports::check(&args.output)?;
    let settings = Arc::clone(&plan.settings);
    let record = plan.record.clone();
    let (watcher, events) = mpsc::channel(EVENTS_WAITING);
    let log = start_log(events, Log::new(&args.log, &plan.header))?;
    let stop = Stop::default();
    let signals = tokio::spawn(cancel_on_signals(stop.writing.clone(), stop.everything.clone()));
    let finished = run_plan(plan, watcher, stop).await;
    signals.abort();
    // The log ends with the events, unless nobody reads what it writes.
    let _ = tokio::time::timeout(LOG_DEADLINE, log).await;
    let finished = finished.map_err(|error| Problem::of_run(error, &settings))?;
    let summary = sum_up(&finished.run);
    print_summary(&summary, args.output.summary, record.as_deref())?;
    reports.write(&summary)?;
    Ok(if finished.stopped_now { Exit::StoppedNow } else { summary.verdict.into() })
}

/// What is asked for, checked before anything is touched.
fn plan(args: &GenArgs) -> Result<Plan, Problem> {
    let environment = Environment::of_process();
    let Resolved { settings, warnings } =
        resolve(&args.connection.explicit(args.dsn.as_ref()), &environment)?;
    check_writable(&settings)?;
    let mut warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    let read_settings = read_settings(args, &environment, &mut warnings)?;
    let options = args.load_options(settings.connect_timeout).map_err(Problem::usage)?;
    let started_at = Utc::now();
    let run_id = args.record.run_id.unwrap_or_else(Uuid::new_v4);
    let record = record_path(args, started_at, run_id)?;
    Ok(Plan {
        header: Header {
            format: FORMAT,
            pgchaos: env!("CARGO_PKG_VERSION").to_owned(),
            run_id,
            generator: args.record.generator,
            first_writer: args.first_writer(),
            own_writers: args.own_writers(),
            started_at,
            target: target(&settings),
            options,
            thresholds: args.thresholds(),
        },
        settings: Arc::new(settings),
        read_settings: read_settings.map(Arc::new),
        patroni: args.cluster.patroni.clone(),
        record,
        warnings,
        notes: None,
    })
}

fn check_writable(settings: &ConnectSettings) -> Result<(), Problem> {
    match settings.target_session_attrs {
        Some(TargetSession::ReadOnly | TargetSession::Standby | TargetSession::PreferStandby) => {
            Err(Problem::usage("target_session_attrs asks for a server that takes no writes")
                .try_this("leave it out: gen looks for the primary by itself; --read-dsn reads"))
        }
        _ => Ok(()),
    }
}

fn read_settings(
    args: &GenArgs,
    environment: &Environment,
    warnings: &mut Vec<String>,
) -> Result<Option<ConnectSettings>, Problem> {
    let explicit = match (&args.load.read_port, &args.load.read_dsn) {
        (Some(port), _) => {
            Explicit { port: Some(port.clone()), ..args.connection.explicit(args.dsn.as_ref()) }
        }
        (None, Some(dsn)) => Explicit { dsn: Some(dsn.clone()), ..Explicit::default() },
        (None, None) => return Ok(None),
    };
    let resolved = resolve(&explicit, environment)?;
    warnings.extend(resolved.warnings.iter().map(ToString::to_string));
    warnings.dedup();
    Ok(Some(resolved.settings))
}

fn record_path(
    args: &GenArgs,
    started_at: DateTime<Utc>,
    run_id: Uuid,
) -> Result<Option<PathBuf>, Problem> {
    match (&args.record.record, args.record.no_record) {
        (_, true) => Ok(None),
        (Some(path), false) => Ok(Some(path.clone())),
        (None, false) => files::new_record(started_at, run_id, args.record.generator).map(Some),
    }
}

/// What the record and the reports call the target.
pub(super) fn target(settings: &ConnectSettings) -> Target {
    let hosts: Vec<String> = settings
        .hosts
        .iter()
        .map(|host| match &host.address {
            Address::Tcp(name) => name.clone(),
            Address::Unix(folder) => folder.display().to_string(),
        })
        .collect();
    Target {
        host: hosts.join(","),
        port: settings.hosts.first().map_or(0, |host| host.port),
        endpoints: settings.display_target(),
        dbname: settings.dbname.clone(),
        user: settings.user.clone(),
    }
}
