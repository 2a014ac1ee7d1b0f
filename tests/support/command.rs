//! Running a helper program to its end, within a deadline.

use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Runs `command` and returns what it said; kills it and panics when it takes longer than `deadline`, as a client of
/// a frozen server does.
#[track_caller]
pub(super) fn output(command: &mut Command, deadline: Duration) -> Output {
    let shown = format!("{command:?}");
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run {shown}: {error}"));
    let pid = Pid::from_raw(child.id().try_into().unwrap());
    let (done, end) = mpsc::channel();
    thread::spawn(move || done.send(child.wait_with_output()));
    match end.recv_timeout(deadline) {
        Ok(output) => output.unwrap_or_else(|error| panic!("{shown}: {error}")),
        Err(_) => {
            // Best effort: it may have ended in this moment.
            let _ = kill(pid, Signal::SIGKILL);
            panic!("no end within {deadline:?}: {shown}");
        }
    }
}

/// The same for a program that must succeed; panics with all it printed when it does not.
#[track_caller]
pub(super) fn succeed(command: &mut Command, deadline: Duration) -> Output {
    let output = output(command, deadline);
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}
