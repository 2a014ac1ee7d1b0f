//! Whether a port is free, and which process has it when it is not.

use std::ffi::OsString;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use procfs_core::net::{TcpNetEntries, TcpState};
use procfs_core::{ExplicitSystemInfo, FromBufReadSI};

use crate::lab::error::LabError;
use crate::lab::member::Member;
use crate::lab::ports::PORTS;
use crate::lab::processes::proc;
use crate::lab::processes::scan::MARK;

/// The longest part of a command line that is shown.
const COMMAND_CHARS_MAX: usize = 60;

/// Refuses the first port that is taken. `is_kept` says of the lab that it has its ports
/// already.
pub(in crate::lab) fn refuse_taken(
    lab: &str,
    is_kept: bool,
    ports: impl Iterator<Item = (u16, Member)>,
) -> Result<(), LabError> {
    for (port, member) in ports {
        if !is_free(port) {
            let (owner, owner_lab) = owner(port);
            let lab = lab.to_owned();
            return Err(LabError::PortTaken { port, member, owner, owner_lab, lab, is_kept });
        }
    }
    Ok(())
}

/// A base port from which on all ports of a lab are free now.
#[must_use]
pub fn free_base_port() -> Option<u16> {
    let mut bases = (15_000..=60_000).step_by(100);
    bases.find(|base| (*base..base + PORTS).all(is_free))
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// What listens on it, in words; and the folder of its lab, when it is a lab's.
fn owner(port: u16) -> (String, Option<PathBuf>) {
    let Some(inode) = listener(port) else {
        let unknown =
            "a process that cannot be told (nobody listens there, but it cannot be bound)";
        return (unknown.to_owned(), None);
    };
    let Some(pid) = holder(inode) else {
        return ("a process of another user".to_owned(), None);
    };
    if let Some((lab, member)) = of_lab(pid) {
        let name = lab.file_name().unwrap_or_default().display();
        return (format!("{member} of lab {name} (process {pid})"), Some(lab.clone()));
    }
    let mut command = proc::arguments(pid).join(" ");
    if let Some((end, _)) = command.char_indices().nth(COMMAND_CHARS_MAX) {
        command.truncate(end);
        command.push('…');
    }
    (format!("process {pid}: {command}"), None)
}

/// The lab and the member of a process, if it is a lab's: its mark is the member's folder, which is
/// in the lab's.
fn of_lab(pid: u32) -> Option<(PathBuf, String)> {
    let folder = PathBuf::from(OsString::from_vec(proc::variable(pid, MARK).ok()??));
    let member = folder.file_name()?.to_string_lossy().into_owned();
    Some((folder.parent()?.to_owned(), member))
}

/// The inode of the socket that listens on the port.
fn listener(port: u16) -> Option<u64> {
    ["/proc/net/tcp", "/proc/net/tcp6"]
        .into_iter()
        .find_map(|table| listener_in(&fs::read_to_string(table).ok()?, port))
}

/// The same, of a table as the kernel prints it.
fn listener_in(table: &str, port: u16) -> Option<u64> {
    // Of these, only the byte order matters for sockets.
    let system = ExplicitSystemInfo {
        boot_time_secs: 0,
        ticks_per_second: 0,
        page_size: 0,
        is_little_endian: cfg!(target_endian = "little"),
    };
    // Row by row, each after a line for the header: one that procfs-core cannot read, as in a state
    // of a newer kernel, costs it the whole table.
    let sockets = table.lines().skip(1).filter_map(|row| {
        TcpNetEntries::from_buf_read(format!("\n{row}\n").as_bytes(), &system).ok()
    });
    sockets
        .flat_map(|row| row.0)
        .find(|row| row.state == TcpState::Listen && row.local_address.port() == port)
        .map(|row| row.inode)
}

/// A process that has this socket open.
fn holder(inode: u64) -> Option<u32> {
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
        let error = refuse_taken("a", false, [(port, Member::HAPROXY)].into_iter())
            .unwrap_err()
            .to_string();
        let own = format!("process {}", std::process::id());
        assert!(error.contains(&port.to_string()) && error.contains(&own), "{error}");
        drop(listener);
        assert!(refuse_taken("a", false, [(port, Member::HAPROXY)].into_iter()).is_ok());
    }

    #[test]
    fn a_row_that_cannot_be_read_hides_no_other_row() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   \
            uid  timeout inode\n\
            0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 11 1 0\n\
            1: 0100007F:1539 00000000:0000 0D 00000000:00000000 00:00000000 00000000 0 0 12 1 0\n\
            2: a row of another shape\n\
            3: 0100007F:153A 0100007F:1538 01 00000000:00000000 00:00000000 00000000 0 0 13 1 0\n\
            4: 0100007F:153A 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 14 1 0\n";
        assert_eq!(listener_in(table, 0x1538), Some(11));
        assert_eq!(listener_in(table, 0x153A), Some(14));
        assert_eq!(listener_in(table, 0x1539), None, "no state that listens");
    }
}
