//! The PostgreSQL that is measured against: the tests' own, set as a server that matters.

use std::fs;
use std::time::Duration;

use serde_json::Value;

use super::child::{self, Ended};
use super::support::{Postgres, pgchaos, recorded, speak_tls};

/// Commits reach the disk, and nothing goes on in the background that comes when it likes.
const SETTINGS: [(&str, &str); 7] = [
    ("fsync", "on"),
    ("shared_buffers", "256MB"),
    ("min_wal_size", "1GB"),
    ("max_wal_size", "4GB"),
    ("checkpoint_timeout", "1h"),
    ("autovacuum", "off"),
    ("max_connections", "100"),
];

/// A server with pgchaos's tables, which speaks TLS to a client that asks for it.
pub(crate) struct Server {
    pub(crate) postgres: Postgres,
}

/// How a client reaches the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    PlainText,
    /// The server's certificate is not verified: that costs once a session, and not by the write.
    Tls,
}

impl Way {
    /// Said to both clients: libpq prefers TLS by itself.
    pub(crate) fn sslmode(self) -> &'static str {
        match self {
            Self::PlainText => "disable",
            Self::Tls => "require",
        }
    }
}

impl Server {
    pub(crate) fn start() -> Self {
        let server = Self { postgres: Postgres::with_settings(&SETTINGS) };
        let home = tempfile::tempdir().unwrap();
        child::run(&mut pgchaos(home.path(), ["init", &server.url()]));
        speak_tls(&server.postgres);
        server
    }

    /// In plain text.
    pub(crate) fn url(&self) -> String {
        self.url_by(Way::PlainText)
    }

    pub(crate) fn url_by(&self, way: Way) -> String {
        format!("{}?sslmode={}", self.postgres.url(), way.sslmode())
    }

    /// The same start for everybody: no rows, nothing left to be written out. Each statement in a
    /// transaction of its own, as some of them must be.
    pub(crate) fn reset(&self, synchronous_commit: bool) {
        let setting = on_off(synchronous_commit);
        self.postgres.psql(&format!("ALTER DATABASE postgres SET synchronous_commit = {setting}"));
        self.postgres.psql("TRUNCATE pgchaos.user_events RESTART IDENTITY");
        self.postgres.psql("CHECKPOINT");
    }

    pub(crate) fn rows(&self) -> u64 {
        self.postgres.psql("SELECT count(*) FROM pgchaos.user_events").parse().unwrap()
    }
}

pub(crate) fn on_off(is_on: bool) -> &'static str {
    if is_on { "on" } else { "off" }
}

/// A run of `pgchaos gen` that ended by itself.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) ended: Ended,
    pub(crate) summary: Value,
    /// Every event of its record.
    pub(crate) record: Vec<Value>,
    pub(crate) record_bytes: u64,
}

impl Load {
    /// `gen URL` with these arguments, and its record kept, in a home of its own.
    #[track_caller]
    pub(crate) fn run(url: &str, arguments: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let record = home.path().join("run.jsonl");
        let mut command = pgchaos(home.path(), ["gen", url, "--summary", "json", "-q", "--record"]);
        let ended = child::run(command.arg(&record).args(arguments));
        let summary: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(summary["outages"], Value::Array(Vec::new()), "nothing went wrong: {summary}");
        let record_bytes = fs::metadata(&record).unwrap().len();
        Self { summary, record: recorded(&record), record_bytes, ended }
    }

    pub(crate) fn writes(&self, outcome: &str) -> u64 {
        self.summary["writes"][outcome].as_u64().unwrap()
    }

    /// How long it wrote: from the last writer's session, as they begin together, to the end,
    /// without start and verification. pgbench leaves the time that connecting took out too.
    pub(crate) fn wrote_for(&self) -> Duration {
        let connected = self.record.iter().filter(|line| line["event"] == "connected");
        let last_s = connected.filter_map(|line| line["at_s"].as_f64()).fold(0.0, f64::max);
        self.at("stopping") - Duration::from_secs_f64(last_s)
    }

    /// When this event first came.
    #[track_caller]
    pub(crate) fn at(&self, event: &str) -> Duration {
        let found = self.record.iter().find(|line| line["event"] == event);
        let at = found.and_then(|line| line["at_s"].as_f64());
        Duration::from_secs_f64(at.unwrap_or_else(|| panic!("no {event} in the record")))
    }
}
