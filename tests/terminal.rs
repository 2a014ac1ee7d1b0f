//! What pgchaos shows on a terminal while something takes long, and that nothing of it stays when the terminal is resized:
//! in tmux, which breaks rows that are too wide into several, and keeps what scrolls away.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests, and what they share"
)]

mod support;

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use support::{Postgres, free_port, pgchaos, skip, wait_until};

const SOON: Duration = Duration::from_secs(40);

/// What the rows of progress are made of, and lines are not.
const OF_ROWS: [&str; 4] = ["━", "──", "╸", "verifying: it waits"];

/// pgchaos in a terminal of its own, which ends with this value.
struct Terminal {
    home: TempDir,
}

impl Terminal {
    /// Runs pgchaos in 80 columns and 24 rows; none where there is no tmux.
    fn start<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Option<Self> {
        if Command::new("tmux").arg("-V").output().is_err() {
            skip("a terminal that is resized: there is no tmux here");
            return None;
        }
        let home = tempfile::Builder::new().prefix("pgchaos-tmux-").tempdir().unwrap();
        let terminal = Self { home };
        let pgchaos = pgchaos(terminal.home.path(), args);
        let mut tmux = terminal.tmux(&["new-session", "-d", "-x", "80", "-y", "24"]);
        for (name, value) in pgchaos.get_envs() {
            match value {
                Some(value) => tmux.env(name, value),
                None => tmux.env_remove(name),
            };
        }
        let quoted = |word: &OsStr| format!("'{}'", word.to_str().unwrap());
        let words = [pgchaos.get_program()].into_iter().chain(pgchaos.get_args());
        let words: Vec<String> = words.map(quoted).collect();
        // What it said stays to be read.
        let output =
            tmux.arg(format!("{}; echo END $?; sleep 600", words.join(" "))).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        Some(terminal)
    }

    fn tmux(&self, args: &[&str]) -> Command {
        let mut tmux = Command::new("tmux");
        tmux.arg("-S").arg(self.home.path().join("socket")).args(["-f", "/dev/null"]).args(args);
        tmux.stdin(Stdio::null());
        tmux
    }

    fn output(&self, args: &[&str]) -> Output {
        let output = self.tmux(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
        output
    }

    fn resize(&self, columns: u16) {
        self.output(&["resize-window", "-x", &columns.to_string()]);
    }

    /// Sends SIGINT to what the shell in it runs.
    fn interrupt(&self) {
        let shell = self.output(&["list-panes", "-F", "#{pane_pid}"]).stdout;
        let shell = String::from_utf8(shell).unwrap();
        let shell = shell.trim();
        let children =
            std::fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).unwrap();
        let pgchaos = Pid::from_raw(children.trim().parse().unwrap());
        kill(pgchaos, Signal::SIGINT).unwrap();
    }

    /// All that it shows, and what has scrolled away: rows that it broke are one line.
    fn lines(&self) -> Vec<String> {
        let said = self.output(&["capture-pane", "-p", "-J", "-S", "-"]).stdout;
        let said = String::from_utf8(said).unwrap();
        let lines = said.lines().map(|line| line.trim_end().to_owned());
        lines.filter(|line| !line.is_empty()).collect()
    }

    fn wait_for(&self, words: &str) {
        wait_until(SOON, words, || self.lines().iter().any(|line| line.contains(words)));
    }

    /// Shows less and more, while something is shown.
    fn resize_all_over(&self) {
        for columns in [50, 40, 100, 37, 80] {
            self.resize(columns);
            // Long enough for the row to be drawn anew: that it is drawn is not asserted here.
            std::thread::sleep(Duration::from_millis(450));
        }
    }

    /// The lines that remain, of which none is a row of progress.
    fn remaining(&self) -> Vec<String> {
        self.wait_for("END");
        let lines = self.lines();
        for line in &lines {
            let left = OF_ROWS.iter().find(|of_row| line.contains(**of_row));
            assert!(left.is_none(), "{line:?} is left in\n{}", lines.join("\n"));
        }
        lines
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.tmux(&["kill-server"]).output();
    }
}

#[test]
fn a_bounded_run_leaves_log_lines_alone_in_a_terminal_that_is_resized() {
    let server = Postgres::start();
    let port = server.port().to_string();
    let load = ["--rate", "20", "-T", "60", "--no-record"];
    let args = ["gen", "-h", "127.0.0.1", "-p", &port].into_iter().chain(load);
    let Some(terminal) = Terminal::start(args) else { return };
    terminal.wait_for(" of 60 s");
    terminal.wait_for("acknowledged");
    terminal.resize_all_over();
    terminal.wait_for(" of 60 s");
    terminal.interrupt();
    let lines = terminal.remaining();
    let end = lines.iter().position(|line| line.starts_with("--- pgchaos 0")).unwrap();
    for line in &lines[..end] {
        let is_of_log = ["--- ", "[", "    "].iter().any(|start| line.starts_with(start));
        assert!(is_of_log, "{line:?} is no line of the log:\n{}", lines.join("\n"));
        assert!(!line.contains(" of 60 s"), "{line:?} is left");
    }
    assert!(lines.iter().any(|line| line.starts_with("PASS")), "{lines:?}");
}

/// The record of a run of five writes, on a server that is gone by now.
fn recorded(home: &Path) -> String {
    let server = Postgres::start();
    let port = server.port().to_string();
    let record = home.join("run.jsonl").display().to_string();
    let words =
        ["gen", "-h", "127.0.0.1", "-p", &port, "-n", "5", "--rate", "50", "--record", &record];
    assert!(pgchaos(home, words).output().unwrap().status.success());
    record
}

#[test]
fn a_verification_that_waits_says_so_on_a_row_that_goes_away() {
    let home = tempfile::tempdir().unwrap();
    let record = &recorded(home.path());
    let nowhere = free_port().to_string();
    let verify = ["verify", record, "-p", &nowhere, "--verify-timeout", "15s"];
    let Some(terminal) = Terminal::start(verify) else { return };
    terminal.wait_for("verifying: it waits");
    terminal.resize_all_over();
    let lines = terminal.remaining();
    assert!(lines.iter().any(|line| line.starts_with("pgchaos: waiting: ")), "{lines:?}");
}

#[test]
fn a_verification_that_is_interrupted_takes_its_row_away() {
    let home = tempfile::tempdir().unwrap();
    let record = &recorded(home.path());
    let before = std::fs::read(record).unwrap();
    let nowhere = free_port().to_string();
    let Some(terminal) = Terminal::start(["verify", record, "-p", &nowhere]) else { return };
    terminal.wait_for("verifying: it waits");
    terminal.interrupt();
    let lines = terminal.remaining();
    assert!(lines.iter().any(|line| line == "END 130"), "{lines:?}");
    assert_eq!(std::fs::read(record).unwrap(), before);
}

#[test]
fn a_pipe_gets_lines_alone() {
    let server = Postgres::start();
    let home = tempfile::tempdir().unwrap();
    let port = server.port().to_string();
    let load = ["--rate", "20", "-n", "20", "--backlog", "catch-up", "--no-record"];
    let words = ["gen", "-h", "127.0.0.1", "-p", &port].into_iter().chain(load);
    let output = pgchaos(home.path(), words).env("TERM", "xterm-256color").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("VERIFIED"), "{said}");
    assert!(!said.contains(['\u{1b}', '\r', '━', '╸']), "{said:?}");
}
