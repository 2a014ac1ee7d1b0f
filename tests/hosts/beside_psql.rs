//! The same connection by psql and by pgchaos: which server each of them reaches.

use std::process::Command;

use crate::support::{Postgres, pgchaos};

/// The port of the server that was reached, 0 by a Unix socket; or the words of the error.
pub(crate) type Reached = Result<u16, String>;

/// What psql reaches, with these variables.
pub(crate) fn psql_with(
    server: &Postgres,
    connection: &str,
    prepare: impl FnOnce(&mut Command),
) -> Reached {
    let home = tempfile::tempdir().unwrap();
    let mut psql = server.program("psql");
    psql.env("HOME", home.path()).args(["-AtX", "-d", connection, "-c"]);
    psql.arg("SELECT coalesce(inet_server_port(), 0)");
    prepare(&mut psql);
    let output = psql.output().unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().parse().unwrap())
}

/// What psql reaches.
pub(crate) fn psql(server: &Postgres, connection: &str) -> Reached {
    psql_with(server, connection, |_| {})
}

/// What `pgchaos init` reaches, with these variables.
pub(crate) fn init_with(connection: &str, prepare: impl FnOnce(&mut Command)) -> Reached {
    let home = tempfile::tempdir().unwrap();
    let mut init = pgchaos(home.path(), ["init", connection]);
    prepare(&mut init);
    let output = init.output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        assert!(matches!(output.status.code(), Some(2 | 4)), "{connection}: {words}");
        return Err(words);
    }
    let place = words.rsplit_once(" in database ").expect("where it is").1;
    let (_, place) = place.split_once(" on ").expect("on which server");
    if place.starts_with("a local socket") {
        return Ok(0);
    }
    let endpoint = place.split(" · ").next().unwrap();
    Ok(endpoint.rsplit_once(':').unwrap().1.trim().parse().unwrap())
}

/// What `pgchaos init` reaches.
pub(crate) fn init(connection: &str) -> Reached {
    init_with(connection, |_| {})
}
