//! What to do about a lab that fails.

use std::path::Path;

use super::super::problem::Problem;
use super::name_option::name_option;
use crate::cli::exit::Exit;
use crate::lab::{Down, Lab, LabError, Member, free_base_port};

/// The command that asked for a lab, which the user is to type again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AskingCommand {
    /// `pgchaos lab`.
    Lab,
    /// `pgchaos drill run`, with these drills.
    Drill(Vec<String>),
    /// `pgchaos demo`.
    Demo,
}

impl From<LabError> for Problem {
    fn from(error: LabError) -> Self {
        of_lab(&error, &AskingCommand::Lab)
    }
}

/// The problem, with the remedy for this command.
pub(crate) fn of_lab(error: &LabError, asked_by: &AskingCommand) -> Problem {
    let mut problem = match error {
        LabError::Name { .. } | LabError::BasePort { .. } | LabError::NoMember { .. } => {
            Problem::usage(error.to_string())
        }
        _ => Problem::could_not_run(error.to_string()),
    };
    if matches!(error, LabError::Interrupted) {
        problem.exit = Exit::StoppedNow;
    }
    match remedy(error, asked_by) {
        Some(remedy) => problem.try_this(remedy),
        None => problem,
    }
}

fn remedy(error: &LabError, asked_by: &AskingCommand) -> Option<String> {
    Some(match error {
        LabError::NotLinux => "docker compose up -d --build --wait, the same cluster".to_owned(),
        LabError::Missing(_) => "pgchaos lab install-deps".to_owned(),
        LabError::PortTaken { owner_lab, lab, is_kept, .. } => {
            port_taken(owner_lab.as_deref(), lab, *is_kept, asked_by)
        }
        LabError::OtherPorts { lab, runs, .. } => other_ports(lab, *runs, asked_by),
        LabError::OtherSettings { lab, .. } => {
            let named = name_option(lab);
            format!("pgchaos lab down{named}, then up again: the data is kept")
        }
        LabError::OutOfSight { lab, .. } => format!(
            "the same command where lab {lab} was brought up: outside of this namespace, or inside \
             of that container"
        ),
        LabError::ForeignProc => {
            "mount -t proc proc /proc, or unshare with --mount-proc".to_owned()
        }
        LabError::State { .. } => {
            "the pgchaos that made it; or end its processes and remove the folder".to_owned()
        }
        LabError::Busy { .. } => "the same again when that one has ended".to_owned(),
        LabError::Paused { lab, member } => {
            format!("pgchaos lab resume {member}{}", name_option(lab))
        }
        LabError::NoProcess { lab, member, what: "process" } => {
            format!("pgchaos lab start {member}{}", name_option(lab))
        }
        LabError::NoProcess { lab, .. } => format!("pgchaos lab status{}", name_option(lab)),
        LabError::NoSwitchover { lab, .. } => {
            format!("pgchaos lab status{0}; pgchaos lab switchover{0}", name_option(lab))
        }
        LabError::NotOneDown { lab, state, members, .. } => not_one_down(lab, *state, members),
        LabError::Unsupported(_) => {
            "pause, which freezes it; or the Compose cluster, whose members have networks"
                .to_owned()
        }
        LabError::NobodyIs { lab, .. } => {
            format!("pgchaos lab status{}; a failover takes a while", name_option(lab))
        }
        LabError::NotInTime { lab, member, .. } | LabError::Ended { lab, member, .. } => {
            format!("less {}, which is all of that log", log_of(lab, *member))
        }
        _ => return None,
    })
}

/// The log, also of a lab that is not there any more.
fn log_of(lab: &str, member: Member) -> String {
    Lab::log_of(lab, member)
        .map_or_else(|_| format!("{member}.log"), |log| log.display().to_string())
}

/// The same command, on other ports.
fn on_ports(lab: &str, base: u16, asked_by: &AskingCommand) -> String {
    let named = name_option(lab);
    match asked_by {
        AskingCommand::Lab => format!("pgchaos lab up{named} --base-port {base}"),
        AskingCommand::Drill(drills) => {
            format!("pgchaos drill run {}{named} --base-port {base}", drills.join(" "))
        }
        AskingCommand::Demo => format!("pgchaos demo --base-port {base}"),
    }
}

fn port_taken(
    owner_lab: Option<&Path>,
    lab: &str,
    is_kept: bool,
    asked_by: &AskingCommand,
) -> String {
    let end_owner = owner_lab.map_or_else(|| "end that process".to_owned(), down);
    let Some(base) = free_base_port() else { return end_owner };
    let moved = on_ports(lab, base, asked_by);
    match is_kept {
        false => format!("{moved}\nor {end_owner}"),
        // Its ports are part of its data.
        true => format!(
            "{end_owner}\nor give the data of lab {lab} up: pgchaos lab down --wipe{}, then {moved}",
            name_option(lab)
        ),
    }
}

/// Ends the lab in this folder, which may be another user's or another state folder's.
fn down(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let is_here = Lab::find(&name).ok().flatten().is_some_and(|lab| lab.folder() == folder);
    // …/pgchaos/labs/NAME.
    let state = folder.ancestors().nth(3).filter(|_| !is_here);
    let elsewhere = state.map(|state| format!("XDG_STATE_HOME={} ", state.display()));
    format!("{}pgchaos lab down{}", elsewhere.unwrap_or_default(), name_option(&name))
}

fn other_ports(lab: &str, runs: bool, asked_by: &AskingCommand) -> String {
    let named = name_option(lab);
    let as_it_is = match asked_by {
        AskingCommand::Lab => format!("pgchaos lab up{named}"),
        AskingCommand::Drill(drills) => format!("pgchaos drill run {}{named}", drills.join(" ")),
        AskingCommand::Demo => "pgchaos demo".to_owned(),
    };
    let base = free_base_port().unwrap_or(15_000);
    match runs {
        // What runs may be in use: it is not ended by the way.
        true => format!(
            "{as_it_is}, on the ports that it has; or another lab: pgchaos lab up --name two \
             --base-port {base}"
        ),
        false => format!(
            "{as_it_is}, on the ports that it has; or give its data up: pgchaos lab down \
             --wipe{named}"
        ),
    }
}

fn not_one_down(lab: &str, state: Down, members: &[Member]) -> String {
    let named = name_option(lab);
    if members.is_empty() {
        return format!("pgchaos lab status{named}");
    }
    let verb = match state {
        Down::Stopped => "start",
        Down::Frozen => "resume",
    };
    let names: Vec<String> = members.iter().map(Member::to_string).collect();
    format!("pgchaos lab {verb} {}{named}, or one of them", names.join(" "))
}
