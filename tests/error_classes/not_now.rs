//! `read_only`, `starting` and `overloaded`: there is a server, and it cannot take writes now.

use std::fs;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use pgchaos::pg::sessions::connect::{Wanted, look_up, open};
use pgchaos::pg::settings::{Environment, Explicit, resolve};

use crate::load::{Load, QUIET, SOON, STEADY, signs};
use crate::support::{Postgres, Proxy, Session, Stop, wait_until};

#[test]
fn read_only_on_an_established_session_and_on_new_ones() {
    let server = Postgres::start();
    let load = Load::start(&server.url(), &STEADY);
    server.psql("ALTER SYSTEM SET default_transaction_read_only = on");
    server.psql("SELECT pg_reload_conf()");
    let first = load.fault("read_only");
    assert_eq!(signs(&first), ["read_only", "write", "25006"]);
    assert_eq!(first["rejected"].as_array().expect("one write").len(), 1, "{first}");
    assert_eq!(first["in_doubt"], json!(null), "an ERROR proves that it is not committed");
    assert_eq!(signs(&load.faults("read_only", 4)), ["read_only", "check", "-"], "new sessions");
    server.psql("ALTER SYSTEM RESET default_transaction_read_only");
    server.psql("SELECT pg_reload_conf()");
    assert_eq!(load.recovers()["kind"], "read_only");
    let finished = load.ends_with(&["read_only"]);
    assert_eq!(finished.summary["writes"]["rejected"], 1);
    assert_eq!(finished.summary["writes"]["in_doubt"], 0);
}

#[test]
fn read_only_on_a_standby_until_it_is_promoted() {
    let primary = Postgres::start();
    let proxy = Proxy::start(primary.port());
    let load = Load::start(&proxy.url(), &STEADY);
    let standby = primary.standby();
    proxy.retarget(standby.port());
    proxy.cut();
    let fault = load.faults("read_only", 3);
    assert_eq!(signs(&fault), ["read_only", "check", "-"]);
    // What was acknowledged until now is on its way to the standby.
    let end = primary.psql("SELECT pg_current_wal_lsn()");
    let caught_up = format!("SELECT pg_last_wal_replay_lsn() >= '{end}'::pg_lsn");
    wait_until(SOON, "the standby has all", || standby.psql(&caught_up) == "t");
    standby.promote();
    let outage = load.recovers();
    assert_eq!(outage["kind"], "failover");
    assert_eq!([&outage["from"]["timeline"], &outage["to"]["timeline"]], [1, 2]);
    load.ends_with(&["connection_lost", "read_only"]);
}

#[test]
fn starting_while_it_shuts_down() {
    let server = Postgres::start();
    let load = Load::start(&server.url(), &QUIET);
    let last_client = Session::open(&server.url());
    server.begin_stop(Stop::Smart);
    wait_until(SOON, "the server lets nobody in", || {
        Session::try_open(&server.url()).is_err_and(|error| error.code().is_some())
    });
    kill(Pid::from_raw(load.backend()), Signal::SIGTERM).unwrap();
    assert_eq!(signs(&load.fault("connection_lost")), ["connection_lost", "idle", "57P01"]);
    assert_eq!(signs(&load.faults("starting", 3)), ["starting", "authenticate", "57P03"]);
    drop(last_client);
    server.wait_stopped();
    load.fault("refused");
    server.start_again();
    assert_eq!(load.recovers()["kind"], "restart");
    load.ends_with_some_of(&["connection_lost", "refused", "starting"], &["no_backend"]);
}

/// A standby that is told to refuse every connection says the same as one that is starting: 57P03.
#[test]
fn starting_while_it_is_in_recovery() {
    let primary = Postgres::start();
    let proxy = Proxy::start(primary.port());
    let load = Load::start(&proxy.url(), &STEADY);
    let standby = primary.standby();
    let end = primary.psql("SELECT pg_current_wal_lsn()");
    let caught_up = format!("SELECT pg_last_wal_replay_lsn() >= '{end}'::pg_lsn");
    wait_until(SOON, "the standby has the schema", || standby.psql(&caught_up) == "t");
    standby.psql("ALTER SYSTEM SET hot_standby = off");
    standby.stop(Stop::Fast);
    standby.begin_start();
    wait_until(SOON, "it says that it is starting", || {
        Session::try_open(&standby.url())
            .is_err_and(|error| error.code().is_some_and(|code| code.code() == "57P03"))
    });
    proxy.refuse();
    load.fault("refused");
    proxy.retarget(standby.port());
    proxy.pass();
    assert_eq!(signs(&load.faults("starting", 3)), ["starting", "authenticate", "57P03"]);
    // For the second time: then the primary waits with its end until the standby has all.
    let streams = || standby.log().matches("started streaming WAL from primary").count();
    wait_until(SOON, "the standby streams again", || streams() == 2);
    primary.stop(Stop::Fast);
    promote_by_file(&standby);
    assert_eq!(load.recovers()["kind"], "failover");
    load.ends_with_some_of(&["connection_lost", "refused", "starting"], &["read_only"]);
}

#[test]
fn overloaded_when_no_connection_is_left() {
    let server = Postgres::with_settings(&[("max_connections", "5")]);
    let proxy = Proxy::start(server.port());
    let load = Load::start(&proxy.url(), &QUIET);
    proxy.refuse();
    load.fault("refused");
    let mut crowd = Vec::new();
    wait_until(SOON, "no connection is left", || match Session::try_open(&server.url()) {
        Ok(session) => {
            crowd.push(session);
            false
        }
        Err(error) => error.code().is_some_and(|code| code.code() == "53300"),
    });
    assert!(crowd.len() <= 5, "{}", crowd.len());
    proxy.pass();
    assert_eq!(signs(&load.faults("overloaded", 3)), ["overloaded", "authenticate", "53300"]);
    crowd.clear();
    // The way was closed first, which explains the outage as much.
    assert_eq!(load.recovers()["kind"], "unknown");
    load.ends_with(&["connection_lost", "overloaded", "refused"]);
}

/// As `pg_ctl promote` does it, which needs no session.
fn promote_by_file(standby: &Postgres) {
    fs::write(standby.data_dir().join("promote"), "").unwrap();
    let postmaster = Pid::from_raw(standby.postmaster_pid().try_into().unwrap());
    kill(postmaster, Signal::SIGUSR1).unwrap();
}

/// How many sessions a server has places for, by the role: the reserved ones are for some.
#[tokio::test]
async fn places_that_are_reserved_for_some_roles() {
    const DEADLINE: Duration = Duration::from_secs(30);
    // Since PostgreSQL 16.
    let asked = "SELECT count(*) FROM pg_settings WHERE name = 'reserved_connections'";
    let has_role = Postgres::shared().psql(asked) == "1";
    let mut settings = vec![("max_connections", "20"), ("superuser_reserved_connections", "3")];
    if has_role {
        settings.push(("reserved_connections", "5"));
    }
    let server = Postgres::with_settings(&settings);
    server.psql(
        "CREATE ROLE plain LOGIN PASSWORD 'postgres'; CREATE ROLE member LOGIN PASSWORD 'postgres'",
    );
    if has_role {
        server.psql("GRANT pg_use_reserved_connections TO member");
    }
    let plain = if has_role { 12 } else { 17 };
    for (user, places) in [("postgres", 20), ("member", 17), ("plain", plain)] {
        let port = server.port();
        let dsn =
            format!("host=127.0.0.1 port={port} user={user} password=postgres dbname=postgres");
        let explicit = Explicit { dsn: Some(dsn), ..Explicit::default() };
        let settings = resolve(&explicit, &Environment::empty()).unwrap().settings;
        let found = look_up(&settings.hosts[0], DEADLINE).await.unwrap();
        let opened = open(&settings, &found[0], Wanted::Any, DEADLINE).await.unwrap();
        let limit = opened.session.server.session_limit.as_ref().map(|limit| limit.max);
        assert_eq!(limit, Some(places), "{user}");
        opened.session.close().await;
    }
}
