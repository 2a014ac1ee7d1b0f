//! pgbench with the load of pgchaos: the same statement with the same five parameters, prepared.

use std::fmt::Write;
use std::fs;
use std::time::Duration;

use super::child::{self, Ended};
use super::server::{Server, Way};

const INSERT: &str = "\
INSERT INTO pgchaos.user_events (run_id, writer, seq, user_id, event_type) \
VALUES (:run_id, :client_id, :seq, :user_id, :event_type) RETURNING id;";

/// What differs from write to write, as pgchaos has it: the next seq, a random user.
const NEXT: &str = "\\set seq :seq + 1\n\\set user_id random(1, 10)";

/// The first version in which a pipeline can have a transaction for each write.
const SYNCPIPELINE_SINCE: u32 = 17;

/// What one run of pgbench came to.
#[derive(Debug)]
pub(crate) struct Pgbench {
    pub(crate) ended: Ended,
    /// Acknowledged writes.
    pub(crate) writes: u64,
    /// Per second, without the time that connecting took.
    pub(crate) writes_per_s: f64,
}

/// Whether this server's pgbench can have several writes in flight, each its own transaction.
pub(crate) fn has_syncpipeline(server: &Server) -> bool {
    let version = server.postgres.psql("SHOW server_version_num");
    version.parse::<u32>().unwrap() / 10_000 >= SYNCPIPELINE_SINCE
}

impl Pgbench {
    /// Runs it. A pipeline of 1 is none.
    #[track_caller]
    pub(crate) fn run(
        server: &Server,
        way: Way,
        connections: u32,
        pipeline: u32,
        lasts: Duration,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("write.sql");
        fs::write(&path, script(pipeline)).unwrap();
        let mut command = server.postgres.program("pgbench");
        command
            .args(["--no-vacuum", "--protocol=prepared", "--file"])
            .arg(&path)
            .args(["-h", "127.0.0.1", "-U", "postgres"])
            .arg(format!("--port={}", server.postgres.port()))
            .arg(format!("--client={connections}"))
            .arg(format!("--jobs={}", connections.min(2)))
            .arg(format!("--time={}", lasts.as_secs()))
            .args(["-D", "run_id=5f0c2c80-8d5e-4d3c-9f0e-3a1b6f1d2e4a"])
            .args(["-D", "event_type=click", "-D", "seq=0"])
            // Not by -d, which before PostgreSQL 16 is a line of debugging output for every step.
            .arg("postgres")
            .env("PGPASSWORD", "postgres")
            .env("PGSSLMODE", way.sslmode());
        let ended = child::run(&mut command);
        assert_eq!(ended.stderr, "", "what it has to say costs it time");
        let scripts = number(&ended.stdout, "number of transactions actually processed: ");
        let scripts_per_s = number(&ended.stdout, "tps = ");
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        let writes = scripts as u64 * u64::from(pipeline);
        assert_eq!(server.rows(), writes, "all that it counted is there: {}", ended.stdout);
        Self { ended, writes, writes_per_s: scripts_per_s * f64::from(pipeline) }
    }
}

fn script(pipeline: u32) -> String {
    if pipeline == 1 {
        return format!("{NEXT}\n{INSERT}\n");
    }
    let mut script = "\\startpipeline\n".to_owned();
    for nth in 1..=pipeline {
        let end = if nth < pipeline { "\\syncpipeline" } else { "\\endpipeline" };
        writeln!(script, "{NEXT}\n{INSERT}\n{end}").unwrap();
    }
    script
}

/// The number after these words.
#[track_caller]
fn number(text: &str, after: &str) -> f64 {
    let rest = text.lines().find_map(|line| line.strip_prefix(after));
    let number = rest.and_then(|rest| rest.split([' ', '/']).next());
    number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no {after:?}: {text}"))
}
