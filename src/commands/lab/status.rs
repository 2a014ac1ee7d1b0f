//! `pgchaos lab status`: on standard output, for people.

use super::print;
use crate::cli::exit::Exit;
use crate::lab::{Fault, Lab, Role, Running, Sight};
use crate::patroni::Config;

pub(super) async fn run(lab: &Lab) -> Exit {
    let mut text = format!("lab {} · {}\n\n", lab.name(), lab.folder().display());
    if !lab.is_complete() {
        text.push_str("It never worked: its up was cut off, or is still at it.\n\n");
    }
    text.push_str(&row(["member", "process", "role", "state", "timeline", "pid"], "ports"));
    for sight in lab.look().await {
        text.push_str(&line(&sight));
    }
    text.push('\n');
    text.push_str(&match lab.settings().await {
        Some(settings) => in_force(lab, &settings),
        None => "No Patroni answers: what is in force is not known.\n".to_owned(),
    });
    print(&text);
    Exit::Pass
}

/// Patroni's word, and what follows from it.
fn in_force(lab: &Lab, settings: &Config) -> String {
    let mode = if settings.synchronous_mode { "on" } else { "off" };
    let (kill, stop) = (lab.outage(Fault::Kill, settings), lab.outage(Fault::Stop, settings));
    format!(
        "In force: ttl {} s, loop_wait {} s, retry_timeout {} s, synchronous mode {mode}.\n\
         Outage to expect, from these and HAProxy's checks:\n  \
         killed leader   {kill}: its key lapses ({} to {} s), a replica is promoted\n  \
         stopped leader  {stop}: it shuts down and hands its key over\n",
        settings.ttl_s,
        settings.loop_wait_s,
        settings.retry_timeout_s,
        settings.ttl_s.saturating_sub(settings.loop_wait_s),
        settings.ttl_s,
    )
}

fn row(cells: [&str; 6], ports: &str) -> String {
    let [member, process, role, state, timeline, pid] = cells;
    format!("{member:<8}  {process:<7}  {role:<8}  {state:<8}  {timeline:>8}  {pid:>7}  {ports}\n")
}

fn line(sight: &Sight) -> String {
    let process = match sight.running {
        Running::Running => "running",
        Running::Paused => "paused",
        Running::Stopped => "stopped",
    };
    let main = sight.processes.iter().find(|process| process.role == Role::Main);
    let ports: Vec<String> = sight.ports.iter().map(u16::to_string).collect();
    let timeline = sight.timeline.map(|timeline| timeline.to_string());
    let pid = main.map(|main| main.pid.to_string());
    let known = |cell: &Option<String>| cell.clone().unwrap_or_else(|| "-".to_owned());
    row(
        [
            &sight.member.to_string(),
            process,
            &known(&sight.role),
            &known(&sight.state),
            &known(&timeline),
            &known(&pid),
        ],
        &ports.join(" "),
    )
}
