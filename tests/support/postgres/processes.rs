//! The processes of one server: which they are, and signals to all of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::super::wait::wait_until;

const DEADLINE: Duration = Duration::from_secs(10);

/// The server that works in one data folder.
pub(super) struct Processes {
    data: PathBuf,
}

impl Processes {
    pub(super) fn of(data: PathBuf) -> Self {
        Self { data }
    }

    /// All that are alive, children of `postmaster` and orphans of one before it.
    ///
    /// On Linux a process is the server's when it works in the data folder, as each of PostgreSQL's does: that finds
    /// orphans too, and no reused pid passes for one. Elsewhere it is `postmaster` and its descendants.
    pub(super) fn alive(&self, postmaster: Option<u32>) -> Vec<Pid> {
        if has_proc() {
            all().filter(|pid| self.works_here(*pid)).collect()
        } else {
            postmaster.map(descendants).unwrap_or_default()
        }
    }

    /// Stops all of them; on Linux it returns when the kernel says that each is stopped.
    pub(super) fn freeze(&self, postmaster: u32) {
        // The postmaster first: what it cannot start any more need not be found. One that it has just started does not
        // work in the data folder before its first steps, hence the second look.
        signal(pid(postmaster), Signal::SIGSTOP);
        if !has_proc() {
            return self.signal_all(Some(postmaster), Signal::SIGSTOP);
        }
        wait_until(DEADLINE, "every process of the server is stopped", || {
            let running: Vec<_> =
                self.alive(Some(postmaster)).into_iter().filter(|pid| !is_stopped(*pid)).collect();
            for pid in &running {
                signal(*pid, Signal::SIGSTOP);
            }
            running.is_empty()
        });
    }

    pub(super) fn signal_all(&self, postmaster: Option<u32>, which: Signal) {
        for pid in self.alive(postmaster) {
            signal(pid, which);
        }
    }

    fn works_here(&self, pid: Pid) -> bool {
        fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|folder| folder == self.data)
    }
}

/// Sends it; that the process is gone already is not an error.
pub(super) fn signal(pid: Pid, which: Signal) {
    let _ = kill(pid, which);
}

pub(super) fn pid(number: u32) -> Pid {
    Pid::from_raw(number.try_into().unwrap())
}

fn all() -> impl Iterator<Item = Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| Some(Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)))
}

fn has_proc() -> bool {
    Path::new("/proc/self/cwd").exists()
}

/// Stopped, or gone in the meantime: by the letter after the name, which is in brackets and may hold anything.
fn is_stopped(pid: Pid) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| {
        let state = stat.rsplit(") ").next().unwrap_or_default();
        state.starts_with(['T', 'Z', 'X'])
    })
}

fn descendants(ancestor: u32) -> Vec<Pid> {
    let Ok(output) = Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output() else {
        return vec![pid(ancestor)];
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let pairs: Vec<(u32, u32)> = text
        .lines()
        .filter_map(|line| {
            let mut numbers = line.split_whitespace().map(str::parse);
            Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
        })
        .collect();
    let mut found = vec![ancestor];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(pairs.iter().filter(|(_, of)| *of == parent).map(|(child, _)| *child));
        next += 1;
    }
    found.into_iter().map(pid).collect()
}
