//! `pgchaos lab status`: on standard output, for people.

use super::super::output::print;
use super::super::problem::Problem;
use super::super::terminal::Terminal;
use crate::cli::exit::Exit;
use crate::lab::{Lab, MemberNow, ProcessRole, Running};
use crate::model::prediction::client_waits::ClientWaits;
use crate::model::prediction::expected;
use crate::model::prediction::fault_kind::PredictedFault;
use crate::model::prediction::in_force::{PatroniInForce, in_force};
use crate::report::layout::fitted;
use crate::report::prediction::span_words::outage_words;
use crate::report::prediction::text::adjusted_words;
use crate::report::words::shell_word;

pub(super) async fn run(lab: &Lab) -> Result<Exit, Problem> {
    let mut text = format!("lab {} · {}\n\n", lab.name(), lab.folder().display());
    if lab.is_removed_in_part() {
        text.push_str("Its removal was cut off, or is still at it: lab down --wipe ends it.\n\n");
    } else if !lab.is_complete() {
        text.push_str("It never worked: its up was cut off, or is still at it.\n\n");
    }
    let head = ["member", "process", "role", "state", "timeline", "pid", "ports"];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(lab.look().await.iter().map(row));
    text.push_str(&table(&rows));
    text.push('\n');
    text.push_str(&match lab.told().await {
        Some((told, release)) => to_expect(lab, &in_force(&told, release)),
        None => match lab.tls_client() {
            Err(error) => format!("No Patroni can be asked: {error}.\n"),
            Ok(_) => "No Patroni answers: what is in force is not known.\n".to_owned(),
        },
    });
    print(&fitted(&text, Terminal::stdout().width))?;
    Ok(Exit::Pass)
}

/// The faults of a leader, as they are called here.
const OF_LEADER: [(PredictedFault, &str); 4] = [
    (PredictedFault::LeaderKilled, "killed leader"),
    (PredictedFault::LeaderStopped, "stopped leader"),
    (PredictedFault::LeaderFrozen, "frozen leader"),
    (PredictedFault::Switchover, "switchover"),
];

/// Patroni's settings, and the outages to expect from them.
fn to_expect(lab: &Lab, patroni: &PatroniInForce) -> String {
    let settings = &patroni.settings;
    let mode = if settings.synchronous_mode { "on" } else { "off" };
    let mut text = format!(
        "In force: ttl {} s, loop_wait {} s, retry_timeout {} s, synchronous mode {mode}.\n",
        settings.ttl_s, settings.loop_wait_s, settings.retry_timeout_s,
    );
    text.extend(patroni.adjusted.iter().map(adjusted_words));
    text.push_str("Outage to expect, from these and HAProxy's checks:\n");
    let (proxy, client) = (lab.proxy_checks(), ClientWaits::default());
    for (fault, called) in OF_LEADER {
        let outage = outage_words(&expected(patroni, Some(&proxy), &client, fault));
        text.push_str(&format!("  {called:<16}{outage}\n"));
    }
    let named = shell_word(lab.name());
    text.push_str(&format!("pgchaos predict --lab {named} says why, and what would shorten it.\n"));
    text
}

/// Words to the left, numbers to the right.
fn table(rows: &[[String; 7]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths = [0, 1, 2, 3, 4, 5].map(width);
    let line = |[member, process, role, state, timeline, pid, ports]: &[String; 7]| {
        let [a, b, c, d, e, f] = widths;
        format!(
            "{member:<a$}  {process:<b$}  {role:<c$}  {state:<d$}  {timeline:>e$}  {pid:>f$}  \
             {ports}\n"
        )
    };
    rows.iter().map(line).collect()
}

fn row(sight: &MemberNow) -> [String; 7] {
    let process = match sight.running {
        Running::Running => "running",
        Running::Paused => "paused",
        Running::Stopped => "stopped",
        Running::OutOfSight => "unseen",
    };
    let main = sight.processes.iter().find(|process| process.role == ProcessRole::Main);
    let timeline = sight.timeline.map(|timeline| timeline.to_string());
    let pid = main.map(|main| main.pid.to_string());
    let known = |cell: Option<String>| cell.unwrap_or_else(|| "-".to_owned());
    [
        sight.member.to_string(),
        process.to_owned(),
        known(sight.role.clone()),
        known(sight.state.clone()),
        known(timeline),
        known(pid),
        ports(&sight.ports),
    ]
}

/// Those that follow each other as a range.
fn ports(ports: &[u16]) -> String {
    match ports {
        [first, .., last] if ports.len() > 2 && usize::from(last - first) == ports.len() - 1 => {
            format!("{first}-{last}")
        }
        _ => ports.iter().map(u16::to_string).collect::<Vec<_>>().join(" "),
    }
}
