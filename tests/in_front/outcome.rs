//! How a run ends through what stands in front, and what psql gets there.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Finished, Gen, Postgres, pgchaos};

/// Far more than any of it takes.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// How TLS is wished for.
pub(crate) const WISHES: [&str; 4] =
    ["sslmode=disable", "sslmode=prefer", "sslmode=require", DIRECT];

/// TLS from the first byte.
pub(crate) const DIRECT: &str = "sslmode=require sslnegotiation=direct";

/// The connection to this port.
pub(crate) fn connection(port: u16, more: &str) -> String {
    format!(
        "host=localhost hostaddr=127.0.0.1 port={port} user=postgres password=postgres dbname=postgres {more}"
    )
}

/// The number before the first point of the server's version, which is that of its psql.
pub(crate) fn major(server: &Postgres) -> u32 {
    let number: u32 = server.psql("SHOW server_version_num").parse().unwrap();
    number / 10_000
}

/// Whether psql gets a session, and its words; `None` for one that does not know the option.
pub(crate) fn by_psql(server: &Postgres, connection: &str) -> Option<(bool, String)> {
    if connection.contains("sslnegotiation") && major(server) < 17 {
        return None;
    }
    let home = tempfile::tempdir().unwrap();
    let mut psql: Command = server.program("psql");
    let output =
        psql.env("HOME", home.path()).args(["-AtX", "-d", connection, "-c", "SELECT 1"]).output();
    let output = output.unwrap();
    Some((output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned()))
}

/// A run of some writes, each of which is acknowledged and found again; psql gets in as well.
#[track_caller]
pub(crate) fn writes(server: &Postgres, connection: &str) {
    let finished = Gen::start(["--writes", "20", "--rate", "max", connection]).finish();
    assert_eq!(finished.code, 0, "{connection}: {}", finished.stderr);
    assert_eq!(finished.summary["writes"]["acknowledged"], 20, "{connection}: {}", finished.stdout);
    assert_eq!(finished.summary["verdict"], "pass", "{connection}: {}", finished.stdout);
    let psql = by_psql(server, connection);
    assert!(psql.as_ref().is_none_or(|(got_in, _)| *got_in), "{connection}: {psql:?}");
}

/// What a run says that goes on trying: the first line of its log, and the first fault of its record. psql gets no
/// session there.
#[track_caller]
pub(crate) fn goes_on_trying(server: &Postgres, connection: &str) -> (String, Value) {
    let load = Gen::start(["--log-format", "text", connection]);
    let log = load.wait_for_text(SOON, "retrying");
    let finished = load.interrupt_and_finish();
    let line = log.lines().find(|line| line.contains("retrying")).unwrap().to_owned();
    let recorded = finished.recorded();
    let fault = recorded.iter().find(|event| event["event"] == "fault").unwrap();
    let psql = by_psql(server, connection);
    assert!(psql.as_ref().is_none_or(|(got_in, _)| !got_in), "{connection}: {psql:?}");
    (line, fault["fault"].clone())
}

/// What a run says that is refused, its remedies included. psql gets no session there.
#[track_caller]
pub(crate) fn refused(server: &Postgres, connection: &str) -> Finished {
    let finished = Gen::start(["--log-format", "text", connection]).finish();
    assert_eq!(finished.code, 4, "{connection}: {}", finished.stderr);
    let psql = by_psql(server, connection);
    assert!(psql.as_ref().is_none_or(|(got_in, _)| !got_in), "{connection}: {psql:?}");
    finished
}

/// What `pgchaos init` says, which tries once; it fails.
#[track_caller]
pub(crate) fn init_fails(connection: &str) -> String {
    let home = tempfile::tempdir().unwrap();
    let output = pgchaos(home.path(), ["init", connection]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(4), "{connection}: {said}");
    said
}

/// Panics when one of these is not in it.
#[track_caller]
pub(crate) fn says(text: &str, expected: &[&str]) {
    for words in expected {
        assert!(text.contains(words), "{words:?} in: {text}");
    }
}
