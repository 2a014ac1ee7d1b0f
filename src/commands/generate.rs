//! `pgchaos gen`: the load, the failover log, the verdict.

use std::path::{PathBuf, absolute};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::console_log::{ConsoleLog, start_log};
use super::haproxy_page::haproxy_page;
use super::lab_hint;
use super::members;
use super::output::{Reports, print_summary};
use super::patroni_apis::patroni_apis;
use super::predict::configured;
use super::problem::Problem;
use super::recorded_target::target;
use super::signals::cancel_on_signals;
use super::state_folder;
use super::writable_target;
use crate::cli::environment;
use crate::cli::exit::Exit;
use crate::cli::gen_args::GenArgs;
use crate::engine::descriptors;
use crate::engine::run::{Plan, Stop, run as run_plan};
use crate::engine::subscribers::Subscribers;
use crate::model::cluster::witness;
use crate::model::event::{Beside, Header, MemberToWatch};
use crate::model::run::record_format::{FORMAT, takes_header};
use crate::model::run::summarize::sum_up;
use crate::patroni::PatroniApi;
use crate::pg::settings::{Environment, Explicit, Resolved, resolve};

/// How long the end of the run waits for the log's last lines.
const LOG_DEADLINE: Duration = Duration::from_secs(2);

/// What is said again and again where nothing answers and no lab is known of.
const ANOTHER_SERVER: &str =
    "-h HOST and -p PORT say where one is, pgchaos lab up makes a cluster to try";

/// Runs the command.
///
/// # Errors
/// A [`Problem`].
pub async fn run(args: GenArgs) -> Result<Exit, Problem> {
    let plan = plan(&args)?;
    let reports = Reports::check(&args.output, plan.record.as_deref())?;
    let settings = Arc::clone(&plan.settings);
    let subscribers = Subscribers::default();
    let log = start_log(&subscribers, ConsoleLog::new(&args.log, &plan.header))?;
    let stop = Stop::default();
    let signals = tokio::spawn(cancel_on_signals(stop.writing.clone(), stop.everything.clone()));
    let finished = run_plan(plan, subscribers, stop).await;
    signals.abort();
    // The log ends with the events, unless its terminal takes no more lines.
    let _ = tokio::time::timeout(LOG_DEADLINE, log).await;
    let finished = finished.map_err(|error| Problem::of_run(error, &settings))?;
    let mut summary = sum_up(&finished.run);
    summary.record = finished.record;
    // A summary that cannot be printed does not keep the reports from being written.
    let printed = print_summary(&summary, args.output.printed.summary);
    reports.write(&summary)?;
    printed?;
    Ok(if finished.stopped_now { Exit::StoppedNow } else { summary.verdict.into() })
}

/// The plan of the run, checked before anything is touched.
fn plan(args: &GenArgs) -> Result<Plan, Problem> {
    let environment = Environment::of_process();
    let resolved = resolve(&args.target.explicit(), &environment)?;
    let target = target(&resolved);
    let Resolved { settings, warnings, .. } = resolved;
    writable_target::check(&settings)?;
    let mut warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    warnings.extend(environment::misspelt());
    let of_a_lab = lab_hint::other_port(&settings, "pgchaos gen");
    warnings.extend(of_a_lab.clone());
    let read = read_settings(args, &environment, &mut warnings)?;
    if args.thresholds.max_lag.is_some() && read.is_none() {
        return Err(Problem::usage("--max-lag limits what replicas show, and none is read")
            .try_this("add --read-port PORT or --read-dsn DSN: where replicas answer"));
    }
    let verify = verify_settings(args, &environment, &mut warnings)?;
    let (members, members_said) = members::plan(args, &settings, &environment, &mut warnings)?;
    let options = args.load_options(settings.connect_timeout).map_err(Problem::usage)?;
    descriptors::provide(&options)?;
    let started_at = Utc::now();
    let run_id = Uuid::new_v4();
    let record = record_path(args, started_at, run_id)?;
    let header = Header {
        format: FORMAT,
        pgchaos: env!("CARGO_PKG_VERSION").to_owned(),
        run_id,
        group: args.record.group.clone(),
        name: args.record.name.clone(),
        part_of: None,
        started_at,
        target,
        patroni: args.cluster.patroni.clone(),
        haproxy: args.cluster.haproxy.as_ref().map(ToString::to_string),
        proxy_checks: configured(&args.haproxy_settings)?.map(|(checks, _)| checks),
        beside: beside(args, members_said, read.as_ref(), verify.as_ref()),
        witness: args.cluster.witness.then(|| witness::run_id_of(run_id)),
        options,
        thresholds: args.thresholds(),
    };
    if record.is_some() && !takes_header(&header) {
        return Err(Problem::usage(
            "what is asked beside the load is longer than the first line of a record (64 KiB)",
        )
        .try_this("fewer --members, or shorter connection strings; or --no-record"));
    }
    Ok(Plan {
        header,
        settings: Arc::new(settings),
        read_settings: read.map(|read| Arc::new(read.settings)),
        verify_settings: verify.map(|verify| Arc::new(verify.settings)),
        members,
        patroni: patroni_apis(&args.cluster.patroni, &args.target.explicit())?,
        haproxy: haproxy_page(args.cluster.haproxy.as_ref(), &args.target.explicit())?,
        record,
        warnings,
        waiting_hint: Some(of_a_lab.unwrap_or_else(|| ANOTHER_SERVER.to_owned())),
        notes: None,
    })
}

/// What is asked beside the load, as it was said.
fn beside(
    args: &GenArgs,
    members: Vec<MemberToWatch>,
    read: Option<&Resolved>,
    verify: Option<&Resolved>,
) -> Beside {
    // From another folder the same file is meant.
    let whole = |path: &PathBuf| absolute(path).unwrap_or_else(|_| path.clone());
    let proxy = &args.haproxy_settings;
    Beside {
        members,
        read: read.map(target),
        verify: verify.map(target),
        haproxy_config: proxy.haproxy_config.as_ref().map(|path| whole(path).display().to_string()),
        haproxy_backend: proxy.haproxy_backend.clone(),
        haproxy_port: proxy.haproxy_port,
    }
}

fn read_settings(
    args: &GenArgs,
    environment: &Environment,
    warnings: &mut Vec<String>,
) -> Result<Option<Resolved>, Problem> {
    let explicit = match (&args.load.read_port, &args.load.read_dsn) {
        (Some(port), _) => Explicit { port: Some(port.clone()), ..args.target.explicit() },
        (None, Some(dsn)) => Explicit { dsn: Some(dsn.clone()), ..Explicit::default() },
        (None, None) => return Ok(None),
    };
    // Which server writes are for says nothing of reads.
    let environment = environment.clone().without_variable("PGTARGETSESSIONATTRS");
    let mut resolved = resolve(&explicit, &environment)?;
    if args.load.read_port.is_some() {
        resolved.settings.target_session_attrs = None;
    }
    warnings.extend(resolved.warnings.iter().map(ToString::to_string));
    warnings.dedup();
    Ok(Some(resolved))
}

fn verify_settings(
    args: &GenArgs,
    environment: &Environment,
    warnings: &mut Vec<String>,
) -> Result<Option<Resolved>, Problem> {
    let Some(dsn) = &args.waits.verify_dsn else { return Ok(None) };
    let explicit = Explicit { dsn: Some(dsn.clone()), ..Explicit::default() };
    let resolved = resolve(&explicit, environment)?;
    warnings.extend(resolved.warnings.iter().map(ToString::to_string));
    warnings.dedup();
    Ok(Some(resolved))
}

/// The APIs' URLs, as the record has them.
pub(super) fn urls(apis: &[PatroniApi]) -> Vec<String> {
    apis.iter().map(|api| api.url().to_owned()).collect()
}

fn record_path(
    args: &GenArgs,
    started_at: DateTime<Utc>,
    run_id: Uuid,
) -> Result<Option<PathBuf>, Problem> {
    match (&args.record.record, args.record.no_record) {
        (_, true) => Ok(None),
        (Some(path), false) => Ok(Some(path.clone())),
        (None, false) => {
            state_folder::new_record(started_at, run_id, args.record.name.as_deref()).map(Some)
        }
    }
}
