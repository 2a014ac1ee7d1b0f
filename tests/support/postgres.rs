//! A PostgreSQL server of a test's own: real, fresh, and gone with the test.

mod account;
mod binaries;
mod folder;
mod processes;
mod setup;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::command;
use super::wait::{wait_until, within};
use folder::Folder;
use processes::{Processes, pid, signal};
use setup::Setup;

/// Far more than a start, a stop or a statement takes, also on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// How the server is told to end, by PostgreSQL's own names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Lets nobody in (57P03), and waits until the last client has left.
    Smart,
    /// Ends every session (57P01), then writes a checkpoint.
    Fast,
    /// Ends every process at once (57P02); the next start recovers.
    Immediate,
}

/// A running server, with its own port on 127.0.0.1, user and password `postgres`.
///
/// TCP asks for the password (SCRAM); only the socket in its folder trusts, which [`Postgres::psql`] uses.
pub struct Postgres {
    setup: Setup,
    folder: Folder,
    processes: Processes,
    port: u16,
    postmaster: Mutex<Option<Child>>,
}

impl Postgres {
    /// A fresh server that accepts connections.
    pub fn start() -> Self {
        Self::with_settings(&[])
    }

    /// A fresh server with these lines in its postgresql.conf, after the support's own. They outlive restarts and are
    /// copied to its standbys.
    pub fn with_settings(settings: &[(&str, &str)]) -> Self {
        let setup = Setup::find();
        let folder = setup.initialise(settings);
        Self::run(setup, folder)
    }

    /// One server for all tests of a process that use it at the same time, for those that only break the way to it.
    ///
    /// It goes with the last of them. Its tables are everybody's: create what you need under a name of your own.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let fresh = Arc::new(Self::start());
            *shared = Arc::downgrade(&fresh);
            fresh
        })
    }

    /// A streaming standby of this server, on a port of its own, read-only until [`Postgres::promote`].
    pub fn standby(&self) -> Self {
        let folder = self.setup.copy_of(&self.url());
        Self::run(self.setup.clone(), folder)
    }

    fn run(setup: Setup, folder: Folder) -> Self {
        let server = Self {
            port: setup.give_port(&folder),
            processes: Processes::of(folder.data()),
            setup,
            folder,
            postmaster: Mutex::new(None),
        };
        server.start_again();
        server
    }

    /// The port on 127.0.0.1, the same over restarts; nobody else gets it while the server is down.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where its Unix socket is.
    pub fn socket_dir(&self) -> &Path {
        self.folder.path()
    }

    /// Its data folder.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.data()
    }

    /// How a client reaches it, password included.
    pub fn url(&self) -> String {
        url(self.port)
    }

    /// What `sql` gives, as `psql -AtX` prints it, trimmed. Panics with psql's words when it fails.
    #[track_caller]
    pub fn psql(&self, sql: &str) -> String {
        self.try_psql(sql)
            .unwrap_or_else(|error| panic!("psql: {sql}\n{error}"))
    }

    /// The same; a failure is psql's standard error. Statements of one call share a transaction.
    #[track_caller]
    pub fn try_psql(&self, sql: &str) -> Result<String, String> {
        let mut psql = self.setup.program("psql");
        psql.args([
            "-AtXq",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            "postgres",
            "-d",
            "postgres",
        ])
        .arg("-h")
        .arg(self.socket_dir())
        .args(["-p", &self.port.to_string(), "-c", sql])
        .env("PGCLIENTENCODING", "UTF8");
        let output = command::output(&mut psql, DEADLINE);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            Err(text(&output.stderr))
        }
    }

    /// The process id of the postmaster. Panics when the server is down.
    #[track_caller]
    pub fn postmaster_pid(&self) -> u32 {
        self.postmaster
            .lock()
            .unwrap()
            .as_ref()
            .map(Child::id)
            .expect("the server is down")
    }

    /// All that the server has logged.
    pub fn log(&self) -> String {
        let bytes = fs::read(self.folder.log()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

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
        wait_until(
            DEADLINE,
            "the processes of the last server are gone",
            || self.processes.alive(None).is_empty(),
        );
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

    /// SIGSTOP for all of its processes: connections stay open and new ones are accepted by the kernel, but nobody answers.
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
        self.processes
            .signal_all(Some(self.postmaster_pid()), Signal::SIGCONT);
        now
    }

    /// Makes a standby a primary, on a timeline of its own; returns when it is writable.
    #[track_caller]
    pub fn promote(&self) {
        assert_eq!(self.psql("SELECT pg_promote(true, 60)"), "t", "promoted");
    }

    /// By the last line of postmaster.pid, which `pg_ctl --wait` reads too: a standby is ready when it can be read.
    fn is_ready(&self) -> bool {
        let text = fs::read_to_string(self.data_dir().join("postmaster.pid")).unwrap_or_default();
        let line = |number: usize| text.lines().nth(number).unwrap_or_default().trim();
        line(0) == self.postmaster_pid().to_string() && line(7) == "ready"
    }

    fn has_ended(&self) -> bool {
        let mut postmaster = self.postmaster.lock().unwrap();
        postmaster
            .as_mut()
            .is_none_or(|child| child.try_wait().unwrap().is_some())
    }

    fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

/// How a client reaches the server, or a proxy before it, on `port`.
pub(super) fn url(port: u16) -> String {
    format!("postgresql://postgres:postgres@127.0.0.1:{port}/postgres")
}

impl Drop for Postgres {
    /// An immediate stop, the kill of what is left after it, and nothing that can panic: a test may be panicking already.
    fn drop(&mut self) {
        let postmaster = self
            .postmaster
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        let id = postmaster.as_ref().map(Child::id);
        if let Some(mut child) = postmaster.take() {
            self.processes.signal_all(id, Signal::SIGCONT);
            signal(pid(child.id()), Signal::SIGQUIT);
            within(Duration::from_secs(5), || {
                !matches!(child.try_wait(), Ok(None))
            });
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
    let id = text
        .lines()
        .nth(6)
        .and_then(|line| line.split_whitespace().nth(1));
    if let Some(id) = id {
        let mut ipcrm = Command::new("ipcrm");
        let _ = ipcrm.args(["-m", id]).stderr(Stdio::null()).status();
    }
}
