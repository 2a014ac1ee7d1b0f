//! The same connection by psql and by pgchaos.

use std::path::Path;
use std::process::Command;

use crate::support::{Postgres, pgchaos};

/// How a connection ended: with a session, and whether TLS was spoken on it, or not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Got {
    Tls,
    Clear,
    Nothing,
}

/// What psql gets, and its words.
pub(crate) fn by_psql(server: &Postgres, connection: &str) -> (Got, String) {
    by_psql_at(tempfile::tempdir().unwrap().path(), server, connection)
}

/// The same with this home folder.
pub(crate) fn by_psql_at(home: &Path, server: &Postgres, connection: &str) -> (Got, String) {
    let mut psql: Command = server.program("psql");
    psql.env("HOME", home).args(["-AtX", "-d", connection, "-c"]);
    psql.arg("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
    let output = psql.output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    match String::from_utf8_lossy(&output.stdout).trim() {
        "t" => (Got::Tls, words),
        "f" => (Got::Clear, words),
        _ => (Got::Nothing, words),
    }
}

/// What `pgchaos init` gets, and its words. The server logs connections, and whether TLS is spoken on them.
pub(crate) fn by_pgchaos(server: &Postgres, connection: &str) -> (Got, String) {
    by_pgchaos_at(tempfile::tempdir().unwrap().path(), server, connection)
}

/// The same with this home folder.
pub(crate) fn by_pgchaos_at(home: &Path, server: &Postgres, connection: &str) -> (Got, String) {
    let before = server.log().len();
    let output = pgchaos(home, ["init", connection]).output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        assert!(matches!(output.status.code(), Some(2 | 4)), "{connection}: {words}");
        return (Got::Nothing, words);
    }
    let log = server.log();
    let authorized: Vec<&str> =
        log[before..].lines().filter(|line| line.contains("connection authorized")).collect();
    let by_tls = authorized.iter().filter(|line| line.contains("SSL enabled")).count();
    match by_tls {
        0 if !authorized.is_empty() => (Got::Clear, words),
        some if some > 0 && some == authorized.len() => (Got::Tls, words),
        _ => panic!("{connection}: sessions of both kinds, or none:\n{authorized:#?}"),
    }
}
