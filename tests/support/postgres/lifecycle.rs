//! A server's life: how it ends, starts again, is killed and frozen, and what its drop cleans up.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::super::wait::{wait_until, within};
use super::processes::{pid, signal};
use super::{DEADLINE, Postgres};

/// How the server is told to end, by PostgreSQL's own names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Refuses new connections (57P03), and waits until the last client has left.
    Smart,
    /// Ends every session (57P01), then writes a checkpoint.
    Fast,
    /// Ends every process at once; the next start recovers. Sessions get an end of file, and before it a mere warning
    /// (57P01 since PostgreSQL 14, 57P02 before), which tokio-postgres treats as a notice.
    Immediate,
}

impl Postgres {
    /// Stops it and waits for its end. A frozen one must be thawed first.
    #[track_caller]
    pub fn stop(&self, how: Stop) {
        self.begin_stop(how);
        self.wait_stopped();
    }

    /// Tells it to stop, and does not wait: a smart stop with a client inside takes until that client leaves.
    #[track_caller]
    pub fn begin_stop(&self, how: Stop) -> Instant {
        let now = Instant::now();
        let which = match how {
            Stop::Smart => Signal::SIGTERM,
            Stop::Fast => Signal::SIGINT,
            Stop::Immediate => Signal::SIGQUIT,
        };
        signal(pid(self.postmaster_pid()), which);
        now
    }

    /// Waits for the end that was begun.
    #[track_caller]
    pub fn wait_stopped(&self) {
        wait_until(DEADLINE, "the server has stopped", || self.has_ended());
        self.postmaster.lock().unwrap().take();
    }

    /// Starts a server that was stopped or killed, and waits until it accepts connections.
    #[track_caller]
    pub fn start_again(&self) {
        self.begin_start();
        wait_until(DEADLINE, "the server accepts connections", || {
            assert!(!self.has_ended(), "the server ended:\n{}", self.log_tail());
            self.is_ready()
        });
    }

    /// Starts it and does not wait: it may be in recovery, or wait for something, for as long as a test needs.
    #[track_caller]
    pub fn begin_start(&self) {
        let mut postmaster = self.postmaster.lock().unwrap();
        assert!(postmaster.is_none(), "the server runs already");
        // Orphans of a killed postmaster hold its shared memory for a moment, and a new one refuses to start by them.
        wait_until(DEADLINE, "the processes of the last server are gone", || {
            self.processes.alive(None).is_empty()
        });
        *postmaster = Some(self.setup.spawn(&self.folder));
    }

    /// A fast stop, and a start.
    #[track_caller]
    pub fn restart(&self) {
        self.stop(Stop::Fast);
        self.start_again();
    }

    /// SIGKILL for the postmaster; its children notice by themselves, and end.
    #[track_caller]
    pub fn kill_postmaster(&self) -> Instant {
        let now = Instant::now();
        signal(pid(self.postmaster_pid()), Signal::SIGKILL);
        self.wait_stopped();
        now
    }

    /// SIGSTOP for all of its processes: connections stay open and new ones are accepted by the kernel, but never answered.
    #[track_caller]
    pub fn freeze(&self) -> Instant {
        let now = Instant::now();
        self.processes.freeze(self.postmaster_pid());
        now
    }

    /// SIGCONT for all of them: it goes on where it was.
    #[track_caller]
    pub fn thaw(&self) -> Instant {
        let now = Instant::now();
        self.processes.signal_all(Some(self.postmaster_pid()), Signal::SIGCONT);
        now
    }

    /// By the last line of postmaster.pid, which `pg_ctl --wait` reads too: a standby is ready when it can be read.
    fn is_ready(&self) -> bool {
        let text = fs::read_to_string(self.data_dir().join("postmaster.pid")).unwrap_or_default();
        let line = |number: usize| text.lines().nth(number).unwrap_or_default().trim();
        line(0) == self.postmaster_pid().to_string() && line(7) == "ready"
    }

    fn has_ended(&self) -> bool {
        let mut postmaster = self.postmaster.lock().unwrap();
        postmaster.as_mut().is_none_or(|child| child.try_wait().unwrap().is_some())
    }

    fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

impl Drop for Postgres {
    /// An immediate stop, the kill of what is left after it, and nothing that can panic: a test may be panicking already.
    fn drop(&mut self) {
        let postmaster = self.postmaster.get_mut().unwrap_or_else(PoisonError::into_inner);
        let id = postmaster.as_ref().map(Child::id);
        if let Some(mut child) = postmaster.take() {
            self.processes.signal_all(id, Signal::SIGCONT);
            signal(pid(child.id()), Signal::SIGQUIT);
            within(Duration::from_secs(5), || !matches!(child.try_wait(), Ok(None)));
            if matches!(child.try_wait(), Ok(None)) {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
        // Not by the postmaster's id, which is free for others by now.
        within(Duration::from_secs(5), || {
            self.processes.signal_all(None, Signal::SIGKILL);
            self.processes.alive(None).is_empty()
        });
        remove_shared_memory(&self.data_dir());
    }
}

/// A postmaster that was killed leaves its file behind, and a System V segment that only this file still names.
fn remove_shared_memory(data: &Path) {
    let text = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
    let id = text.lines().nth(6).and_then(|line| line.split_whitespace().nth(1));
    if let Some(id) = id {
        let mut ipcrm = Command::new("ipcrm");
        let _ = ipcrm.args(["-m", id]).stderr(Stdio::null()).status();
    }
}
