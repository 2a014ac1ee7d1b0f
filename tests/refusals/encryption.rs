//! TLS that is demanded and not to be had, and a server that refuses every connection without it.

use std::fs;

use crate::hopeless::is_refused;
use crate::support::{Gen, Postgres, speak_tls};

#[test]
fn a_server_without_tls() {
    let server = Postgres::shared();
    let endpoint = format!("127.0.0.1:{}", server.port());
    for mode in ["require", "verify-ca", "verify-full"] {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/src/pg/settings/tests/root.pem");
        let url = format!("{}?sslmode={mode}&sslrootcert={root}", server.url());
        let message =
            format!("{endpoint}: the server does not offer TLS, which sslmode={mode} demands");
        is_refused(&[&url], &message, &["sslmode=prefer", "ssl = on"]);
    }
}

/// What was only preferred and failed is told: the session is in the clear.
#[test]
fn tls_that_fails_where_it_is_preferred() {
    let server = Postgres::start();
    speak_tls(&server);
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/src/pg/settings/tests/root.pem");
    let url = format!("{}?sslmode=prefer&sslrootcert={root}", server.url());
    let finished = Gen::start(["--writes", "1", "--log-format", "text", &url]).finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let passed_over = &finished.recorded();
    let passed_over =
        passed_over.iter().find(|line| line["event"] == "passed_over").expect("it is recorded");
    assert_eq!(passed_over["fault"]["class"], "tls");
    assert!(finished.stderr.contains("it serves without TLS"), "{}", finished.stderr);
}

#[test]
fn a_server_that_lets_nobody_in_without_tls() {
    let server = Postgres::start();
    speak_tls(&server);
    let lines = "local all all trust\nhostssl all all all scram-sha-256\n";
    fs::write(server.data_dir().join("pg_hba.conf"), lines).unwrap();
    server.psql("SELECT pg_reload_conf()");
    let url = |mode| format!("{}?sslmode={mode}", server.url());
    let finished = Gen::start([url("disable").as_str()]).finish();
    assert_eq!(finished.code, 4, "{}", finished.stderr);
    let fault = &finished.event("refused")["fault"];
    assert_eq!([&fault["class"], &fault["sqlstate"]], ["auth", "28000"]);
    assert!(fault["message"].as_str().unwrap().contains("no encryption"), "{fault}");
    assert!(finished.stderr.contains("sslmode=require"), "{}", finished.stderr);
    for mode in ["allow", "prefer", "require"] {
        let finished = Gen::start(["--writes", "1", url(mode).as_str()]).finish();
        assert_eq!(finished.code, 0, "{mode}: {}", finished.stderr);
        assert!(finished.events_named("passed_over").is_empty(), "{mode}: nothing failed");
    }
}

/// What the login lacks decides what to do, also where the message tells of two ways.
#[test]
fn a_binding_where_the_role_is_let_in_without_tls_alone() {
    let server = Postgres::start();
    speak_tls(&server);
    let lines = "local all all trust\nhostnossl all all all scram-sha-256\n";
    fs::write(server.data_dir().join("pg_hba.conf"), lines).unwrap();
    server.psql("SELECT pg_reload_conf()");
    let url = format!("{}?sslmode=prefer&channel_binding=require", server.url());
    let message = format!(
        "127.0.0.1:{}: without TLS: channel_binding=require, and the connection has no TLS to bind the login to; with \
         it: no pg_hba.conf entry for host \"127.0.0.1\", user \"postgres\", database \"postgres\", SSL encryption",
        server.port()
    );
    is_refused(&[&url], &message, &["channel_binding=prefer (PGCHANNELBINDING)"]);
}
