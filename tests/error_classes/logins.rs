//! `auth` and `tls`: the server refuses a role, or the way it connects. After the first success they do not end the load.

use std::fs;

use crate::load::{Load, PASSING, QUIET, signs};
use crate::support::{Postgres, Stop};

#[test]
fn auth_by_a_password_that_was_changed_in_mid_run() {
    let server = Postgres::start();
    let load = Load::start(&server.url(), &QUIET);
    server.psql("ALTER ROLE postgres PASSWORD 'another'");
    load.terminate(&server);
    assert_eq!(signs(&load.fault("auth")), ["auth", "authenticate", "28P01"]);
    load.faults("auth", 5);
    server.psql("ALTER ROLE postgres PASSWORD 'postgres'");
    let outage = load.recovers();
    assert!(outage["errors"]["auth"].as_u64() >= Some(5), "{outage}");
    load.ends_with(&["auth", "connection_lost"]);
}

#[test]
fn auth_by_a_line_that_was_taken_out_of_pg_hba() {
    let server = Postgres::start();
    let load = Load::start(&server.url(), &QUIET);
    let hba = server.data_dir().join("pg_hba.conf");
    let lines = fs::read_to_string(&hba).unwrap();
    fs::write(&hba, "local all all trust\n").unwrap();
    server.psql("SELECT pg_reload_conf()");
    load.terminate(&server);
    assert_eq!(signs(&load.faults("auth", 3)), ["auth", "authenticate", "28000"]);
    fs::write(&hba, lines).unwrap();
    server.psql("SELECT pg_reload_conf()");
    load.recovers();
    load.ends_with(&["auth", "connection_lost"]);
}

#[test]
fn auth_by_a_role_that_may_not_log_in_any_more() {
    let server = Postgres::start();
    server.psql("CREATE ROLE app LOGIN SUPERUSER PASSWORD 'app'");
    let load = Load::start(&server.url().replace("postgres:postgres@", "app:app@"), &QUIET);
    server.psql("ALTER ROLE app NOLOGIN");
    load.terminate(&server);
    assert_eq!(signs(&load.faults("auth", 3)), ["auth", "authenticate", "28000"]);
    server.psql("ALTER ROLE app LOGIN");
    load.recovers();
    load.ends_with(&["auth", "connection_lost"]);
}

/// TLS is for TCP alone, so that a run can begin on a socket and meet a server that has none later.
#[test]
fn tls_that_a_server_does_not_speak() {
    let (server, without_tls) = (Postgres::start(), Postgres::shared());
    let dsn = format!(
        "host={},127.0.0.1 port={},{} user=postgres password=postgres sslmode=require",
        server.socket_dir().display(),
        server.port(),
        without_tls.port()
    );
    let load = Load::start(&dsn, &QUIET);
    server.stop(Stop::Fast);
    let fault = load.faults("tls", 3);
    assert_eq!(signs(&fault), ["tls", "authenticate", "-"]);
    assert_eq!(fault["fault"]["endpoint"], format!("127.0.0.1:{}", without_tls.port()));
    server.start_again();
    assert_eq!(load.recovers()["kind"], "restart");
    load.ends_with_some_of(&["connection_lost", "refused", "tls"], &PASSING);
}
