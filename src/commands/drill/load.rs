//! The load of a drill: its connection, its plan, and the variables that commands get of it.

use std::sync::Arc;

use chrono::Utc;
use uuid::Uuid;

use super::super::generate::urls;
use super::super::problem::Problem;
use super::super::recorded_target::{member, target};
use super::super::state_folder;
use super::super::terminal::tell_progress;
use super::super::writable_target;
use super::request::DrillRequest;
use crate::drill::cluster::DrillCluster;
use crate::drill::command::Variables;
use crate::engine::run::Plan;
use crate::engine::watch::members::{MembersPlan, NamedMember};
use crate::model::cluster::witness;
use crate::model::event::{Beside, Header, MemberToWatch};
use crate::model::load::options::Thresholds;
use crate::model::run::record_format::FORMAT;
use crate::pg::settings::{
    Address, ConnectSettings, Environment, Explicit, Host, Resolved, TargetSession, resolve,
};

/// The connection of the load: the cluster's own, or the one that the user gave.
pub(super) fn settings<C: DrillCluster>(
    request: &DrillRequest<'_>,
    cluster: &C,
) -> Result<Resolved, Problem> {
    let (explicit, environment) = match cluster.dsn(request.scenario.through) {
        // The variables are set for the user's own servers, not for this one.
        Some(dsn) => {
            let environment = Environment::empty().with_disk();
            (Explicit { dsn: Some(dsn), ..Explicit::default() }, environment)
        }
        None => (request.args.connection.explicit(None), Environment::of_process()),
    };
    let resolved = resolve(&explicit, &environment)?;
    for warning in &resolved.warnings {
        tell_progress(format!("warning: {warning}"));
    }
    writable_target::check(&resolved.settings)?;
    Ok(resolved)
}

/// The plan of the load.
pub(super) fn plan<C: DrillCluster>(
    request: &DrillRequest<'_>,
    cluster: &C,
    resolved: Resolved,
    run_id: Uuid,
) -> Result<Plan, Problem> {
    let started_at = Utc::now();
    let record = match request.args.no_record {
        true => None,
        false => Some(state_folder::new_record(started_at, run_id, None)?),
    };
    let (members, members_said) = members(cluster)?;
    let haproxy = cluster.proxy_page(request.scenario.through);
    Ok(Plan {
        header: Header {
            format: FORMAT,
            pgchaos: env!("CARGO_PKG_VERSION").to_owned(),
            run_id,
            group: None,
            name: None,
            part_of: Some(part_of(request)),
            started_at,
            target: target(&resolved),
            patroni: urls(&cluster.watched()),
            haproxy: haproxy.as_ref().map(|page| page.url().to_string()),
            proxy_checks: cluster.proxy_checks(),
            beside: Beside { members: members_said, ..Beside::default() },
            witness: members.as_ref().map(|_| witness::run_id_of(run_id)),
            options: request.scenario.load.clone(),
            thresholds: Thresholds {
                max_lost: request.scenario.expect.max_lost(),
                max_two_primaries: request.scenario.expect.two_primaries.unwrap_or_default(),
                ..Thresholds::default()
            },
        },
        settings: Arc::new(resolved.settings),
        read_settings: None,
        verify_settings: None,
        record,
        warnings: Vec::new(),
        waiting_hint: None,
        notes: None,
        members,
        patroni: cluster.watched(),
        haproxy,
    })
}

/// The members that the cluster says where they are, each with a witness.
fn members<C: DrillCluster>(
    cluster: &C,
) -> Result<(Option<MembersPlan>, Vec<MemberToWatch>), Problem> {
    let environment = Environment::empty().with_disk();
    let (mut named, mut as_said) = (Vec::new(), Vec::new());
    for (name, dsn) in cluster.members() {
        let explicit = Explicit { dsn: Some(dsn), ..Explicit::default() };
        let resolved = resolve(&explicit, &environment)?;
        let target = Some(member(&resolved));
        as_said.push(MemberToWatch { name: name.clone(), target });
        let settings = Arc::new(resolved.settings);
        named.push(NamedMember { name, settings });
    }
    Ok(((!named.is_empty()).then_some(MembersPlan { named, auto: None }), as_said))
}

/// What the run is told to be, in lists of runs.
fn part_of(request: &DrillRequest<'_>) -> String {
    match request.args.is_demo {
        true => "demo".to_owned(),
        false => format!("drill {}", request.scenario.name),
    }
}

/// The variables that a scenario's commands get: the connection, and the run.
pub(super) fn variables(resolved: &Resolved, run_id: Uuid) -> Variables {
    let settings = &resolved.settings;
    let list = |of: &dyn Fn(&Host) -> String| {
        let values: Vec<String> = settings.hosts.iter().map(of).collect();
        values.join(",")
    };
    let mut variables = vec![
        ("PGHOST".to_owned(), list(&host_name)),
        ("PGPORT".to_owned(), list(&|host| host.port.to_string())),
        ("PGUSER".to_owned(), settings.user.clone()),
        ("PGDATABASE".to_owned(), settings.dbname.clone()),
        ("PGTARGETSESSIONATTRS".to_owned(), target_session(settings).to_owned()),
        ("PGCHAOS_RUN_ID".to_owned(), run_id.to_string()),
    ];
    if settings.hosts.iter().any(|host| host.hostaddr.is_some()) {
        let address =
            |host: &Host| host.hostaddr.as_ref().map(ToString::to_string).unwrap_or_default();
        variables.push(("PGHOSTADDR".to_owned(), list(&address)));
    }
    if let Some(password) = settings.hosts.first().and_then(Host::password_by_name) {
        let password = String::from_utf8_lossy(password.as_bytes()).into_owned();
        variables.push(("PGPASSWORD".to_owned(), password));
    }
    let of_tls = resolved.tls_variables.iter();
    variables.extend(of_tls.map(|(name, value)| ((*name).to_owned(), value.clone())));
    variables
}

/// What the load looks for: of several hosts psql would take the first that answers, which may be
/// a replica.
fn target_session(settings: &ConnectSettings) -> &'static str {
    let several = settings.hosts.len() > 1;
    let wanted = if several { TargetSession::ReadWrite } else { TargetSession::Any };
    settings.target_session_attrs.unwrap_or(wanted).name()
}

fn host_name(host: &Host) -> String {
    match &host.address {
        Address::Tcp(name) => name.clone(),
        Address::Unix(folder) => folder.display().to_string(),
    }
}
