//! A program that a test runs beside a server, such as a pooler: it goes with the test, also with one that is killed.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use super::Postgres;

/// Ends the program when its standard input ends: by the signal, and what is left of its group after 5 s.
const KEEPER: &str = r#"
signal=$1 log=$2; shift 2
set -m
"$@" </dev/null >"$log" 2>&1 &
while read -r _; do :; done
kill -"$signal" $!
for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 $! 2>/dev/null || break; sleep 0.5; done
kill -KILL -$! 2>/dev/null
"#;

/// A running program. Its drop ends it.
pub struct Kept {
    keeper: Child,
    log: PathBuf,
}

impl Kept {
    /// Starts it as the server's account and in its folder, where its log is `NAME.log`. `signal` is what ends it at
    /// once.
    #[track_caller]
    pub fn start(
        server: &Postgres,
        name: &str,
        program: &str,
        signal: &str,
        args: &[String],
    ) -> Self {
        let there = Path::new(program).exists();
        assert!(
            there,
            "{program} is missing: tests/run installs it, or apt-get install haproxy pgpool2 pgbouncer"
        );
        let log = server.socket_dir().join(format!("{name}.log"));
        let keeper = server
            .program_beside(Path::new("sh"))
            .args(["-c", KEEPER, "keeper", signal])
            .arg(&log)
            .arg(program)
            .args(args)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { keeper, log }
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}
