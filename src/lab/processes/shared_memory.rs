//! What a killed PostgreSQL server leaves outside of its folder: a System V segment of a few
//! bytes, which only its `postmaster.pid` still names.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Gives it back, if it is this server's and no process is attached to it. No server may run on
/// `data` meanwhile.
pub(in crate::lab) fn release(data: &Path) {
    let text = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
    let table = fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
    if let Some(id) = orphan(&text, &table) {
        let mut ipcrm = Command::new("ipcrm");
        let _ = ipcrm.args(["-m", &id]).stdin(Stdio::null()).stderr(Stdio::null()).status();
    }
}

/// The segment that `postmaster.pid` names by key and number, made by the process that it names,
/// and attached to by none.
fn orphan(postmaster_pid: &str, table: &str) -> Option<String> {
    let mut lines = postmaster_pid.lines();
    let pid = lines.next()?.trim();
    let mut names = lines.nth(5)?.split_whitespace();
    let (key, id) = (names.next()?, names.next()?);
    let is_it = |line: &&str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields.len() > 6 && (fields[0], fields[1], fields[4], fields[6]) == (key, id, pid, "0")
    };
    table.lines().find(is_it).map(|_| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PID_FILE: &str =
        "4711\n/data\n1700000000\n5432\n\nlocalhost\n  5432001        12\nready\n";

    fn table(line: &str) -> String {
        format!(
            "       key      shmid perms                  size  cpid  lpid nattch   uid\n{line}\n"
        )
    }

    #[test]
    fn only_its_own_and_unused_segment_is_found() {
        let own = table("5432001 12 600 56 4711 4711 0 101 104");
        assert_eq!(orphan(PID_FILE, &own), Some("12".to_owned()));
        for other in [
            "5432001 12 600 56 4711 4711 1 101 104",
            "5432001 12 600 56 4712 4711 0 101 104",
            "5432001 13 600 56 4711 4711 0 101 104",
            "5432002 12 600 56 4711 4711 0 101 104",
        ] {
            assert_eq!(orphan(PID_FILE, &table(other)), None, "{other}");
        }
        assert_eq!(orphan("", &own), None);
    }
}
