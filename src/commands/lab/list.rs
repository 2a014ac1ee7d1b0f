//! `pgchaos lab list`: every lab of the state folder, on standard output.

use futures_util::future::join_all;

use super::super::output::print;
use super::super::problem::Problem;
use crate::cli::exit::Exit;
use crate::lab::{Lab, LabError, MemberNow, Running};

/// One lab: name, write port, read port, state, leader.
type Row = [String; 5];

pub(super) async fn run() -> Result<Exit, Problem> {
    let labs = Lab::all()?;
    if labs.is_empty() {
        print("There is no lab: pgchaos lab up makes one.\n")?;
        return Ok(Exit::Pass);
    }
    let head = ["lab", "write", "read", "state", "leader"].map(str::to_owned);
    let rows = join_all(labs.into_iter().map(|(name, lab)| row(name, lab))).await;
    print(&table(&[vec![head], rows].concat()))?;
    Ok(Exit::Pass)
}

async fn row(name: String, lab: Result<Lab, LabError>) -> Row {
    let unknown = || "-".to_owned();
    let Ok(lab) = lab else {
        return [name, unknown(), unknown(), "unreadable".to_owned(), unknown()];
    };
    let sights = lab.look().await;
    let leads =
        |sight: &&MemberNow| sight.timeline.is_some() && sight.role.as_deref() == Some("leader");
    let leader = sights.iter().find(leads).map(|sight| sight.member.to_string());
    let state = state(&lab, &sights);
    let ports = [lab.write_port(), lab.read_port()].map(|port| port.to_string());
    let [write, read] = ports;
    [name, write, read, state, leader.unwrap_or_else(unknown)]
}

fn state(lab: &Lab, sights: &[MemberNow]) -> String {
    let count = |state| sights.iter().filter(|sight| sight.running == state).count();
    let running = count(Running::Running);
    match () {
        () if count(Running::OutOfSight) > 0 => "unseen".to_owned(),
        () if lab.is_removed_in_part() => "removed in part".to_owned(),
        () if !lab.is_complete() => "never worked".to_owned(),
        () if running == sights.len() => "running".to_owned(),
        () if count(Running::Stopped) == sights.len() => "down".to_owned(),
        () => format!("{running} of {} run", sights.len()),
    }
}

fn table(rows: &[Row]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths = [0, 1, 2, 3].map(width);
    let line = |[name, write, read, state, leader]: &Row| {
        let [name_w, write_w, read_w, state_w] = widths;
        format!(
            "{name:<name_w$}  {write:>write_w$}  {read:>read_w$}  {state:<state_w$}  {leader}\n"
        )
    };
    rows.iter().map(line).collect()
}
