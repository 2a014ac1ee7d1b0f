//! What `/proc` says about processes. Formats with traps are read by `procfs_core`; that parses
//! bytes, so that pgchaos compiles also where there is no `/proc`.
//!
//! Some are read here on purpose: a command line need not be UTF-8, one field of `status` is needed
//! and the others may be missing in a container, and a namespace that may not be seen is no error.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use procfs_core::FromRead;
use procfs_core::process::Stat;

use crate::lab::processes::log_lock::identity;

/// A process as it was at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lab) struct ProcessStat {
    pub(in crate::lab) pid: u32,
    pub(in crate::lab) parent: u32,
    /// As `ps` shows it: R, S, D, T, Z and others.
    pub(in crate::lab) state: char,
    /// Ticks from the system's start: with the pid it names one process, also when the number is
    /// used again.
    pub(in crate::lab) started_ticks: u64,
}

/// All processes that have not ended. Zombies have.
pub(in crate::lab) fn living() -> Vec<ProcessStat> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(stat).filter(|stat| !matches!(stat.state, 'Z' | 'X')).collect()
}

/// One process; `None` when there is none.
pub(in crate::lab) fn stat(pid: u32) -> Option<ProcessStat> {
    parse(&fs::read(format!("/proc/{pid}/stat")).ok()?)
}

fn parse(text: &[u8]) -> Option<ProcessStat> {
    let stat = Stat::from_read(text).ok()?;
    Some(ProcessStat {
        pid: stat.pid.try_into().ok()?,
        parent: stat.ppid.try_into().ok()?,
        state: stat.state,
        started_ticks: stat.starttime,
    })
}

/// The value of a variable that the process was started with; `None` when it has none of that
/// name.
///
/// # Errors
/// When it may not be seen: another user's process, and pgchaos is not root, or root of a
/// container.
pub(in crate::lab) fn variable(pid: u32, name: &str) -> io::Result<Option<Vec<u8>>> {
    let variables = fs::read(format!("/proc/{pid}/environ"))?;
    let mut variables = variables.split(|byte| *byte == 0);
    let value =
        variables.find_map(|variable| variable.strip_prefix(name.as_bytes())?.strip_prefix(b"="));
    Ok(value.map(<[u8]>::to_vec))
}

/// Its owner's user id.
pub(in crate::lab) fn user(pid: u32) -> Option<u32> {
    fs::metadata(format!("/proc/{pid}")).ok().map(|about| about.uid())
}

/// Its command line; a PostgreSQL process shows there what it does.
pub(in crate::lab) fn arguments(pid: u32) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let arguments = bytes.split(|byte| *byte == 0).filter(|argument| !argument.is_empty());
    arguments.map(|argument| String::from_utf8_lossy(argument).into_owned()).collect()
}

/// The name of its program's file.
pub(in crate::lab) fn program(pid: u32) -> Option<String> {
    let path = link(pid, "exe")?;
    Some(path.file_name()?.to_string_lossy().into_owned())
}

/// Its working folder.
pub(in crate::lab) fn folder(pid: u32) -> Option<PathBuf> {
    link(pid, "cwd")
}

/// The files that its standard output and error are, by device and inode.
pub(in crate::lab) fn outputs(pid: u32) -> Vec<(u64, u64)> {
    let about = |number| fs::metadata(format!("/proc/{pid}/fd/{number}"));
    [1, 2].into_iter().filter_map(|number| about(number).ok()).map(|file| identity(&file)).collect()
}

/// Whether the numbers in `/proc` are those by which this process reaches others: after
/// `unshare --pid` it shows those of the namespace outside, until it is mounted anew.
pub(in crate::lab) fn shows_our_pids() -> bool {
    let Ok(status) = fs::read_to_string("/proc/self/status") else { return false };
    match status.lines().find_map(|line| line.strip_prefix("NSpid:")) {
        Some(pids) => pids.split_whitespace().eq([std::process::id().to_string()]),
        // Older than Linux 4.1.
        None => true,
    }
}

/// Where the link leads, or led to before that was removed.
fn link(pid: u32, name: &str) -> Option<PathBuf> {
    let path = fs::read_link(format!("/proc/{pid}/{name}")).ok()?;
    let bytes = path.as_os_str().as_bytes();
    Some(PathBuf::from(OsStr::from_bytes(bytes.strip_suffix(b" (deleted)").unwrap_or(bytes))))
}

/// Whether a process sees the same processes and files as this one, as far as that can be told.
pub(in crate::lab) fn shares_our_namespaces(pid: u32) -> bool {
    ["pid", "mnt"].iter().all(|namespace| {
        let of = |process: &str| fs::read_link(format!("/proc/{process}/ns/{namespace}"));
        match (of(&pid.to_string()), of("self")) {
            (Ok(theirs), Ok(ours)) => theirs == ours,
            // Where root may not look, in a container, no process from outside is seen.
            (Err(error), _) => error.kind() == ErrorKind::PermissionDenied,
            _ => true,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_hold_what_it_likes() {
        let rest = "20 0 1 0 12345 0 0 18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0";
        let text = format!("7 (a) R (b) S 1 7 7 0 -1 4194560 0 0 0 0 0 0 0 0 {rest}");
        let stat = parse(text.as_bytes()).unwrap();
        assert_eq!(stat, ProcessStat { pid: 7, parent: 1, state: 'S', started_ticks: 12_345 });
        assert_eq!(parse(b"7 (a"), None);
        assert_eq!(parse(b"7 (a) S 1"), None);
    }

    #[test]
    fn this_process_is_seen() {
        let pid = std::process::id();
        let own = stat(pid).unwrap();
        assert!(
            living().contains(&ProcessStat { state: 'R', ..own })
                || living().iter().any(|p| p.pid == pid)
        );
        assert_eq!(folder(pid), std::env::current_dir().ok());
        assert!(!arguments(pid).is_empty() && program(pid).is_some());
        let path = variable(pid, "PATH").unwrap().unwrap();
        assert_eq!(Some(path), std::env::var_os("PATH").map(|path| path.as_bytes().to_vec()));
        assert_eq!(variable(pid, "PGCHAOS_NO_SUCH_VARIABLE").unwrap(), None);
    }
}
