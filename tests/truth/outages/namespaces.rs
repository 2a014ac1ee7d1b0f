//! Namespaces of a case's own: names with addresses of its choice, and a network that loses packets. They are the
//! thread's, and all that it starts has them; with the last of that they are gone. They take root.

use std::path::Path;
use std::process::Command;

use nix::sched::{CloneFlags, unshare};

use crate::harness::Skipped;

/// From here on this thread, and what it starts, finds these lines in /etc/hosts. An error where that is not allowed.
pub(crate) fn hosts(folder: &Path, lines: &str) -> Result<(), Skipped> {
    enter(CloneFlags::CLONE_NEWNS)?;
    let file = folder.join("hosts");
    std::fs::write(&file, lines).unwrap();
    run("mount --make-rprivate /");
    run(&format!("mount --bind {} /etc/hosts", file.display()));
    Ok(())
}

/// From here on this thread, and what it starts, has a network of its own, with loopback alone. An error where that is
/// not allowed.
pub(crate) fn network() -> Result<(), Skipped> {
    enter(CloneFlags::CLONE_NEWNET)?;
    run("ip link set lo up");
    Ok(())
}

/// Runs a line of the shell where this thread is; panics when it fails.
#[track_caller]
pub(crate) fn run(line: &str) {
    let output = Command::new("sh").args(["-c", line]).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Packets to and from this port are lost, without a word.
#[track_caller]
pub(crate) fn cut_off(port: u16) {
    run(&format!(
        "iptables -A INPUT -p tcp --dport {port} -j DROP; iptables -A INPUT -p tcp --sport {port} -j DROP"
    ));
}

/// They come through again.
#[track_caller]
pub(crate) fn mend() {
    run("iptables -F");
}

fn enter(which: CloneFlags) -> Result<(), Skipped> {
    unshare(which)
        .map_err(|error| Skipped(format!("no namespace of its own, which takes root: {error}")))
}
