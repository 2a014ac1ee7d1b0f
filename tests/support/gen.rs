//! The program under test, as a process of its own: started, watched by its JSON log, stopped, and gone with the test.
//!
//! It sees nothing of the tester's surroundings: no PG… or PGCHAOS_… variables, and a home folder of its own.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

use super::wait::within;

/// A run ends by itself after this, should the test's process be killed and not stop it.
const LONGEST_RUN: &str = "10m";

/// Far more than the end of a run takes on a busy machine, its verification included.
const END_DEADLINE: Duration = Duration::from_secs(150);

/// `pgchaos` with these arguments, nothing of the tester's environment, and `home` as its home.
pub fn pgchaos<A: AsRef<OsStr>>(home: &Path, args: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgchaos"));
    for (name, _) in env::vars_os() {
        let ours = ["PG", "RUST_LOG", "XDG_", "NO_COLOR", "CLICOLOR"];
        if name.to_str().is_some_and(|name| ours.iter().any(|ours| name.starts_with(ours))) {
            command.env_remove(name);
        }
    }
    command.args(args).env("HOME", home).env("TZ", "UTC").stdin(Stdio::null());
    command
}

/// A running `pgchaos gen`, or another command that logs as it does. Its drop kills it.
pub struct Gen {
    child: Child,
    heard: Arc<Heard>,
    stdout: Option<JoinHandle<Vec<u8>>>,
    stderr: Option<JoinHandle<()>>,
    home: Option<TempDir>,
    record: PathBuf,
}

/// How a `pgchaos gen` ended, and all it said.
#[derive(Debug)]
pub struct Finished {
    /// Its exit code; a signal that killed it is 128 and its number, as in a shell.
    pub code: i32,
    /// The summary, `Null` when there is none.
    pub summary: Value,
    /// The events of the log, in their order.
    pub events: Vec<Value>,
    /// All of standard output.
    pub stdout: String,
    /// All of standard error, the events' lines too.
    pub stderr: String,
    /// Where its record is, or would be. It stays as long as this value.
    pub record: PathBuf,
    home: TempDir,
}

#[derive(Default)]
struct Heard {
    log: Mutex<Log>,
    more: Condvar,
}

#[derive(Default)]
struct Log {
    text: String,
    events: Vec<Value>,
    has_ended: bool,
}

impl Gen {
    /// `pgchaos gen` with these arguments beside `--log-format json --summary json --record FILE`.
    #[track_caller]
    pub fn start<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Self {
        Self::start_with(args, |_, _| {})
    }

    /// The same; `prepare` gets its home folder and its command, to add files and variables.
    #[track_caller]
    pub fn start_with<A: AsRef<OsStr>>(
        args: impl IntoIterator<Item = A>,
        prepare: impl FnOnce(&Path, &mut Command),
    ) -> Self {
        Self::start_command(&["gen"], args, prepare)
    }

    /// The same for `pgchaos drill run`; the summary is then the report of the drills.
    #[track_caller]
    pub fn start_drill<A: AsRef<OsStr>>(
        args: impl IntoIterator<Item = A>,
        prepare: impl FnOnce(&Path, &mut Command),
    ) -> Self {
        Self::start_command(&["drill", "run"], args, prepare)
    }

    #[track_caller]
    fn start_command<A: AsRef<OsStr>>(
        command: &[&str],
        args: impl IntoIterator<Item = A>,
        prepare: impl FnOnce(&Path, &mut Command),
    ) -> Self {
        let home = tempfile::Builder::new().prefix("pgchaos-gen-").tempdir().unwrap();
        let record = home.path().join("run.jsonl");
        let mut command = pgchaos(home.path(), command);
        command
            .args(args)
            .env("PGCHAOS_LOG_FORMAT", "json")
            .env("PGCHAOS_SUMMARY", "json")
            .env("PGCHAOS_RECORD", &record)
            .env("PGCHAOS_DURATION", LONGEST_RUN);
        prepare(home.path(), &mut command);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let heard = Arc::new(Heard::default());
        let stdout = read_all(child.stdout.take().unwrap());
        let stderr = listen(child.stderr.take().unwrap(), Arc::clone(&heard));
        Self { child, heard, stdout: Some(stdout), stderr: Some(stderr), home: Some(home), record }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where its record is.
    pub fn record(&self) -> &Path {
        &self.record
    }

    /// The events so far.
    pub fn events(&self) -> Vec<Value> {
        self.heard.log().events.clone()
    }

    /// How many events there are so far: a place to look from, for [`Gen::wait_for_event_after`].
    pub fn now(&self) -> usize {
        self.heard.log().events.len()
    }

    /// Whether it has ended, or has closed its log.
    pub fn has_ended(&self) -> bool {
        self.heard.log().has_ended
    }

    /// The first event of all for which `is_it` holds, waited for. Panics, naming `what`, with the log, when there is
    /// none within `deadline` or the program has ended without it.
    #[track_caller]
    pub fn wait_for_event(
        &self,
        deadline: Duration,
        what: &str,
        is_it: impl FnMut(&Value) -> bool,
    ) -> Value {
        self.wait_for_event_after(0, deadline, what, is_it)
    }

    /// The same among the events from the `from`th on.
    #[track_caller]
    pub fn wait_for_event_after(
        &self,
        from: usize,
        deadline: Duration,
        what: &str,
        mut is_it: impl FnMut(&Value) -> bool,
    ) -> Value {
        let end = Instant::now() + deadline;
        let mut log = self.heard.log();
        let mut seen = from;
        loop {
            while let Some(event) = log.events.get(seen) {
                if is_it(event) {
                    return event.clone();
                }
                seen += 1;
            }
            let left = end.saturating_duration_since(Instant::now());
            if log.has_ended || left.is_zero() {
                let why = if log.has_ended { "the log ended" } else { "not in time" };
                let text = log.text.clone();
                drop(log);
                panic!("{why} ({deadline:?}): {what}\n{text}");
            }
            log = self.heard.more.wait_timeout(log, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// All of standard error, once `words` are in it. Panics with it when they do not come within `deadline`.
    #[track_caller]
    pub fn wait_for_text(&self, deadline: Duration, words: &str) -> String {
        let came = within(deadline, || self.heard.log().text.contains(words));
        let text = self.heard.log().text.clone();
        assert!(came, "not within {deadline:?}: {words}\n{text}");
        text
    }

    /// Waits for a line of its record for which `is_it` holds: what its log or a wire tells is on disk later.
    #[track_caller]
    pub fn wait_for_record(
        &self,
        deadline: Duration,
        what: &str,
        mut is_it: impl FnMut(&Value) -> bool,
    ) {
        let came = within(deadline, || {
            let text = fs::read_to_string(&self.record).unwrap_or_default();
            // The last line may be half of one.
            let mut lines = text.lines().map_while(|line| serde_json::from_str::<Value>(line).ok());
            lines.any(|line| is_it(&line))
        });
        assert!(came, "not in the record within {deadline:?}: {what}");
    }

    /// Ctrl-C.
    pub fn interrupt(&self) {
        self.signal(Signal::SIGINT);
    }

    /// Any signal. A program that has ended is left alone.
    pub fn signal(&self, which: Signal) {
        // It was not waited for yet, so that its id is still its own.
        let _ = kill(Pid::from_raw(self.child.id().try_into().unwrap()), which);
    }

    /// Waits for its end, which something else must bring about. Panics with the log when it does not come.
    #[track_caller]
    pub fn finish(mut self) -> Finished {
        let status = self.wait();
        let stdout = self.stdout.take().unwrap().join().unwrap();
        self.stderr.take().unwrap().join().unwrap();
        let log = std::mem::take(&mut *self.heard.log());
        let stdout = String::from_utf8(stdout).unwrap();
        Finished {
            code: status.code().unwrap_or_else(|| 128 + status.signal().unwrap()),
            summary: serde_json::from_str(&stdout).unwrap_or_default(),
            events: log.events,
            stdout,
            stderr: log.text,
            record: self.record.clone(),
            home: self.home.take().unwrap(),
        }
    }

    /// [`Gen::interrupt`], then [`Gen::finish`].
    #[track_caller]
    pub fn interrupt_and_finish(self) -> Finished {
        self.interrupt();
        self.finish()
    }

    #[track_caller]
    fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        let ended = within(END_DEADLINE, || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        assert!(ended, "pgchaos has not ended within {END_DEADLINE:?}\n{}", self.heard.log().text);
        status.unwrap()
    }
}

impl Drop for Gen {
    /// Nothing here can panic: a test may be panicking already.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Finished {
    /// The events of this name.
    pub fn events_named(&self, name: &str) -> Vec<&Value> {
        self.events.iter().filter(|event| event["event"] == name).collect()
    }

    /// The first event of this name. Panics with the log when there is none.
    #[track_caller]
    pub fn event(&self, name: &str) -> &Value {
        let found = self.events.iter().find(|event| event["event"] == name);
        found.unwrap_or_else(|| panic!("no event {name}\n{}", self.stderr))
    }

    /// The record's lines. Panics when one is no JSON.
    #[track_caller]
    pub fn recorded(&self) -> Vec<Value> {
        recorded(&self.record)
    }

    /// Its home folder, with the record and what the test put there.
    pub fn home(&self) -> &Path {
        self.home.path()
    }
}

/// The lines of a record. Panics when one is no JSON.
#[track_caller]
pub fn recorded(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

impl Heard {
    fn log(&self) -> std::sync::MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read_all(mut stdout: ChildStdout) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        stdout.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

/// Takes the log as it comes: a line that is a JSON object is an event, everything else is only text.
fn listen(stderr: ChildStderr, heard: Arc<Heard>) -> JoinHandle<()> {
    thread::spawn(move || {
        let mut stderr = BufReader::new(stderr);
        let mut line = Vec::new();
        while stderr.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
            let mut log = heard.log();
            log.text.push_str(&String::from_utf8_lossy(&line));
            if let Ok(event @ Value::Object(_)) = serde_json::from_slice(&line) {
                log.events.push(event);
            }
            drop(log);
            heard.more.notify_all();
            line.clear();
        }
        heard.log().has_ended = true;
        heard.more.notify_all();
    })
}
