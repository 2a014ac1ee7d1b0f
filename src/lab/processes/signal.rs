//! Signals that reach the process that was meant, or none: by pidfd, after its start is compared.

use std::io;

use crate::lab::processes::scan::Process;

/// A signal for a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lab) enum ProcessSignal {
    /// End in good order: SIGTERM.
    Terminate,
    /// PostgreSQL's fast shutdown: SIGINT.
    Interrupt,
    /// PostgreSQL's immediate shutdown: SIGQUIT.
    Quit,
    /// SIGKILL.
    Kill,
    /// SIGSTOP.
    Stop,
    /// SIGCONT.
    Continue,
}

/// Sends a signal; returns whether the process was there to get it.
///
/// # Errors
/// When the system does not allow it.
#[cfg(target_os = "linux")]
pub(in crate::lab) fn send(process: &Process, signal: ProcessSignal) -> io::Result<bool> {
    use crate::lab::processes::proc;
    use rustix::io::Errno;
    use rustix::process::{Pid, PidfdFlags, Signal as Number, pidfd_open, pidfd_send_signal};

    let number = match signal {
        ProcessSignal::Terminate => Number::TERM,
        ProcessSignal::Interrupt => Number::INT,
        ProcessSignal::Quit => Number::QUIT,
        ProcessSignal::Kill => Number::KILL,
        ProcessSignal::Stop => Number::STOP,
        ProcessSignal::Continue => Number::CONT,
    };
    let Some(pid) = i32::try_from(process.pid).ok().and_then(Pid::from_raw) else {
        return Ok(false);
    };
    let told = pidfd_open(pid, PidfdFlags::empty()).and_then(|descriptor| {
        // The process id may have been used again before it was opened; after that it cannot.
        let found = proc::stat(process.pid);
        if found.is_none_or(|found| found.started_ticks != process.started_ticks) {
            return Err(Errno::SRCH);
        }
        pidfd_send_signal(descriptor, number)
    });
    match told {
        Ok(()) => Ok(true),
        Err(Errno::SRCH) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// There is no `/proc` to find a process by.
#[cfg(not(target_os = "linux"))]
pub(in crate::lab) fn send(_: &Process, _: ProcessSignal) -> io::Result<bool> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::process::{Child, Command};

    use super::*;
    use crate::lab::processes::proc;
    use crate::lab::processes::scan::ProcessRole;

    fn sleeper() -> (Child, Process) {
        let child = Command::new("sleep").arg("60").spawn().unwrap();
        let stat = proc::stat(child.id()).unwrap();
        let process = Process {
            pid: stat.pid,
            started_ticks: stat.started_ticks,
            role: ProcessRole::Other,
            is_paused: false,
        };
        (child, process)
    }

    #[test]
    fn the_process_that_was_meant_gets_it() {
        let (mut child, process) = sleeper();
        assert!(send(&process, ProcessSignal::Kill).unwrap());
        child.wait().unwrap();
        assert!(!send(&process, ProcessSignal::Kill).unwrap(), "it has ended");
    }

    #[test]
    fn another_one_with_the_same_number_does_not() {
        let (mut child, process) = sleeper();
        let other = Process { started_ticks: process.started_ticks - 1, ..process };
        assert!(!send(&other, ProcessSignal::Kill).unwrap());
        assert!(child.try_wait().unwrap().is_none(), "it still runs");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
