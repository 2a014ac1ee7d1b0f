//! Whether a port is free, and who has it when it is not.

use std::ffi::OsString;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use super::error::LabError;
use super::member::Member;
use super::proc;
use super::processes::MARK;

/// The state of a socket that listens, in `/proc/net/tcp`.
const LISTENS: &str = "0A";

/// The longest part of a command line that is shown.
const COMMAND_CHARS_MAX: usize = 60;

/// Refuses the first port that somebody has.
pub(super) fn refuse_taken(ports: impl Iterator<Item = (u16, Member)>) -> Result<(), LabError> {
    for (port, member) in ports {
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err() {
            return Err(LabError::PortTaken { port, member, owner: owner(port) });
        }
    }
    Ok(())
}

/// Who listens on it, in words.
fn owner(port: u16) -> String {
    let Some(inode) = listener(port) else {
        return "a process that cannot be told (nobody listens there, but it cannot be bound)"
            .to_owned();
    };
    let Some(pid) = holder(&inode) else {
        return "a process of another user".to_owned();
    };
    if let Some((lab, member)) = of_lab(pid) {
        return format!("{member} of lab {lab} (process {pid})");
    }
    let mut command = proc::arguments(pid).join(" ");
    if let Some((end, _)) = command.char_indices().nth(COMMAND_CHARS_MAX) {
        command.truncate(end);
        command.push('…');
    }
    format!("process {pid}: {command}")
}

/// Whose it is, if it is a lab's: its mark is the folder of the member in that of the lab.
fn of_lab(pid: u32) -> Option<(String, String)> {
    let folder = PathBuf::from(OsString::from_vec(proc::variable(pid, MARK).ok()??));
    let name = |path: &Path| Some(path.file_name()?.to_string_lossy().into_owned());
    Some((name(folder.parent()?)?, name(&folder)?))
}

/// The number of the socket that listens on the port.
fn listener(port: u16) -> Option<String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"]
        .map(|path| fs::read_to_string(path).unwrap_or_default());
    tables.iter().find_map(|table| find_listener(table, port))
}

fn find_listener(table: &str, port: u16) -> Option<String> {
    let ending = format!(":{port:04X}");
    let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let is_it = |row: &Vec<&str>| row.len() > 9 && row[1].ends_with(&ending) && row[3] == LISTENS;
    rows.into_iter().find(is_it).map(|row| row[9].to_owned())
}

/// A process that has this socket open.
fn holder(inode: &str) -> Option<u32> {
    let socket = format!("socket:[{inode}]");
    let has_it = |pid: u32| {
        let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        open.filter_map(|entry| fs::read_link(entry.path()).ok())
            .any(|link| link.to_str() == Some(&socket))
    };
    proc::living().into_iter().map(|stat| stat.pid).find(|pid| has_it(*pid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_names_who_has_it() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let error = refuse_taken([(port, Member::HAPROXY)].into_iter()).unwrap_err().to_string();
        let own = format!("process {}", std::process::id());
        assert!(error.contains(&port.to_string()) && error.contains(&own), "{error}");
        drop(listener);
        assert!(refuse_taken([(port, Member::HAPROXY)].into_iter()).is_ok());
    }
}
