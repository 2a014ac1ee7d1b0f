//! The server: it is real, it breaks as told, and it comes back.

use tokio::time::timeout;

use crate::client::{A_WHILE, SOON, bare, connect, try_connect};
use crate::support::{Postgres, Stop, wait_until};

fn code(error: &tokio_postgres::Error) -> &str {
    error.code().expect("an SQLSTATE").code()
}

#[tokio::test]
async fn lets_in_over_tcp_by_password_only() {
    let server = Postgres::shared();
    assert_eq!(connect(&server.url()).await.one().await, 1);
    let wrong = server.url().replace(":postgres@", ":wrong@");
    let error = try_connect(&wrong).await.err().expect("an error");
    assert_eq!(code(&error), "28P01");
    let socket = format!(".s.PGSQL.{}", server.port());
    assert!(server.socket_dir().join(socket).exists());
    assert!(server.log().contains("password authentication failed"));
}

#[test]
fn psql_returns_text_or_fails() {
    let server = Postgres::shared();
    assert_eq!(server.psql("SELECT 1, 'Иван' UNION SELECT 2, NULL ORDER BY 1"), "1|Иван\n2|");
    let error = server.try_psql("SELECT 1/0").expect_err("an error");
    assert!(error.contains("division by zero"), "{error}");
}

#[test]
#[should_panic(expected = "division by zero")]
fn psql_panics_with_the_reason() {
    Postgres::shared().psql("SELECT 1/0");
}

#[test]
fn settings_and_rows_outlive_every_kind_of_end() {
    let server = Postgres::with_settings(&[("max_connections", "17"), ("cluster_name", "it's")]);
    let (port, first) = (server.port(), server.postmaster_pid());
    server.psql("CREATE TABLE kept AS SELECT 1 AS id");
    server.restart();
    server.stop(Stop::Immediate);
    assert!(bare(port).is_err(), "nobody listens");
    server.start_again();
    server.kill_postmaster();
    // A child that it had just forked still has its socket for a moment.
    wait_until(SOON, "nobody listens", || bare(port).is_err());
    server.start_again();
    assert_eq!(server.psql("SHOW max_connections; SHOW cluster_name"), "17\nit's");
    assert_eq!(server.psql("SELECT id FROM kept"), "1");
    assert_eq!(server.port(), port);
    assert_ne!(server.postmaster_pid(), first);
    let log = server.log();
    for line in ["fast shutdown request", "immediate shutdown request", "not properly shut down"] {
        assert!(log.contains(line), "{line} in:\n{log}");
    }
}

#[tokio::test]
async fn each_stop_ends_sessions_in_its_way() {
    let server = Postgres::start();
    let session = connect(&server.url()).await;
    server.begin_stop(Stop::Smart);
    let refused = || server.log().contains("smart shutdown request");
    wait_until(SOON, "the server has heard", refused);
    assert_eq!(session.one().await, 1, "who is in stays");
    let error = try_connect(&server.url()).await.err().expect("an error");
    assert_eq!(code(&error), "57P03", "and nobody else gets in");
    session.leave().await;
    server.wait_stopped();

    for (how, sqlstate) in [(Stop::Fast, Some("57P01")), (Stop::Immediate, None)] {
        server.start_again();
        let session = connect(&server.url()).await;
        server.stop(how);
        assert_eq!(session.end().await.as_deref(), sqlstate, "{how:?}");
    }
}

#[tokio::test]
async fn a_frozen_server_accepts_and_is_silent_until_it_thaws() {
    let server = Postgres::start();
    let session = connect(&server.url()).await;
    server.freeze();
    assert!(bare(server.port()).is_ok(), "the kernel accepts");
    let mut answer = Box::pin(session.one());
    assert!(timeout(A_WHILE, &mut answer).await.is_err(), "nobody answers");
    let url = server.url();
    let mut newcomer = Box::pin(connect(&url));
    assert!(timeout(A_WHILE, &mut newcomer).await.is_err(), "nor lets in");
    server.thaw();
    assert_eq!(answer.await, 1);
    assert_eq!(newcomer.await.one().await, 1);
}

#[test]
fn a_standby_follows_and_takes_over() {
    let primary = Postgres::with_settings(&[("synchronous_standby_names", "")]);
    primary.psql("CREATE TABLE kept (id int)");
    let standby = primary.standby();
    assert_ne!(standby.port(), primary.port());
    primary.psql("INSERT INTO kept VALUES (1)");
    wait_until(SOON, "the standby has the row", || {
        standby.psql("SELECT count(*) FROM kept") == "1"
    });
    let error = standby.try_psql("INSERT INTO kept VALUES (2)").expect_err("read-only");
    assert!(error.contains("read-only transaction"), "{error}");
    primary.kill_postmaster();
    standby.promote();
    standby.psql("INSERT INTO kept VALUES (2)");
    let timeline =
        "SELECT ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int";
    assert_eq!(standby.psql(timeline), "2");
}

#[test]
fn servers_are_not_copies_of_each_other() {
    let identifier = "SELECT system_identifier FROM pg_control_system()";
    let (one, other) = (Postgres::start(), Postgres::shared());
    assert_ne!(one.psql(identifier), other.psql(identifier));
}
