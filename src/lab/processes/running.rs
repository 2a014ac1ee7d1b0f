//! Whether a member runs: by its processes, and by its log where none of them is seen.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::lab::error::LabError;
use crate::lab::files::folders::Folders;
use crate::lab::member::Member;
use crate::lab::processes::log_lock::is_held;
use crate::lab::processes::scan::{Process, ProcessRole, of, scan};

/// Whether a member runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Running {
    /// It does.
    Running,
    /// Its processes are frozen.
    Paused,
    /// It has no process.
    Stopped,
    /// It has processes where they cannot be seen from here: in another PID namespace.
    OutOfSight,
}

/// A process that executes another program is not recognized for a moment, and the log of one that
/// has ended is unlocked a moment later.
const CLEAR_WITHIN: Duration = Duration::from_millis(500);

const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Whether a member runs: by its processes, and by its log where none is seen.
pub(in crate::lab) fn running(folders: &Folders, member: Member) -> Running {
    let end = Instant::now() + CLEAR_WITHIN;
    loop {
        let by_processes = by_processes(&of(folders, member));
        if by_processes != Running::Stopped || !is_held(folders, member) {
            return by_processes;
        }
        if Instant::now() > end {
            return Running::OutOfSight;
        }
        sleep(LOOK_EVERY);
    }
}

/// Refuses a lab with members that live where they cannot be seen.
///
/// # Errors
/// [`LabError::OutOfSight`], with these members.
pub(in crate::lab) fn must_be_seen(folders: &Folders) -> Result<(), LabError> {
    let members: Vec<String> = out_of_sight(folders).iter().map(Member::to_string).collect();
    match members.is_empty() {
        true => Ok(()),
        false => Err(LabError::OutOfSight { lab: folders.name(), members: members.join(", ") }),
    }
}

/// The members that live, by their log, and have no process here.
pub(in crate::lab) fn out_of_sight(folders: &Folders) -> Vec<Member> {
    let end = Instant::now() + CLEAR_WITHIN;
    loop {
        let seen = scan(folders);
        let unseen = Member::all().filter(|member| !seen.contains_key(member));
        let hidden: Vec<Member> = unseen.filter(|member| is_held(folders, *member)).collect();
        if hidden.is_empty() || Instant::now() > end {
            return hidden;
        }
        sleep(LOOK_EVERY);
    }
}

/// Whether a member runs, by its main process, or else by any other.
pub(in crate::lab) fn by_processes(own: &[Process]) -> Running {
    let main = own.iter().find(|process| process.role == ProcessRole::Main);
    match main.or(own.first()) {
        None => Running::Stopped,
        Some(process) if process.is_paused => Running::Paused,
        Some(_) => Running::Running,
    }
}
