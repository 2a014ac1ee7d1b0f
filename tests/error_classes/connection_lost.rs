//! `lost`: a session that was up ended.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::load::{Load, PASSING, QUIET, SOON, STEADY, signs};
use crate::support::{Postgres, Proxy, Session, Stop, wait_until};

#[test]
fn by_an_administrators_command_while_idle() {
    let server = Postgres::shared();
    let load = Load::start(&server.url(), &QUIET);
    load.terminate(&server);
    assert_eq!(signs(&load.fault("connection_lost")), ["connection_lost", "idle", "57P01"]);
    let outage = load.recovers();
    assert_eq!(outage["kind"], "terminated");
    assert_eq!(outage["errors"], json!({"connection_lost": 1}));
    let finished = load.ends_with(&["connection_lost"]);
    assert_eq!(finished.summary["writes"]["in_doubt"], 0);
}

#[test]
fn by_an_administrators_command_in_mid_write() {
    let server = Postgres::start();
    let load = Load::start(&server.url(), &STEADY);
    let blocker = Session::open(&server.url());
    blocker.run("BEGIN; LOCK TABLE pgchaos.user_events IN SHARE MODE");
    let waiting = "SELECT count(*) FROM pg_stat_activity
                    WHERE application_name LIKE 'pgchaos:%' AND wait_event_type = 'Lock'";
    wait_until(SOON, "a write waits for the lock", || server.psql(waiting) == "1");
    load.terminate(&server);
    let fault = load.fault("connection_lost");
    assert_eq!(signs(&fault), ["connection_lost", "write", "57P01"]);
    assert_eq!(fault["in_doubt"].as_array().expect("one write").len(), 1, "{fault}");
    blocker.run("ROLLBACK");
    load.recovers();
    let finished = load.ends_with(&["connection_lost"]);
    assert_eq!(finished.summary["verification"]["absent"], 1, "FATAL proves nothing by itself");
}

#[test]
fn by_a_fin() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let load = Load::start(&proxy.url(), &QUIET);
    proxy.cut();
    assert_eq!(signs(&load.fault("connection_lost")), ["connection_lost", "idle", "-"]);
    assert_eq!(load.recovers()["kind"], "connection");
    load.ends_with(&["connection_lost"]);
}

#[test]
fn by_an_rst() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let load = Load::start(&proxy.url(), &QUIET);
    proxy.reset();
    let fault = load.fault("connection_lost");
    assert_eq!(signs(&fault), ["connection_lost", "idle", "-"]);
    let message = fault["fault"]["message"].as_str().unwrap();
    assert!(message.contains("reset"), "{message}");
    load.recovers();
    load.ends_with(&["connection_lost"]);
}

#[test]
fn by_an_rst_in_mid_write_that_was_committed() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let load = Load::start(&proxy.url(), &STEADY);
    proxy.hold_answers();
    // In the table, and unknown to the client.
    let run = load.run_id();
    let rows = format!("SELECT count(*) FROM pgchaos.user_events WHERE run_id = '{run}'");
    let rows = || server.psql(&rows).parse::<usize>().unwrap();
    // Its row may be there before the first look.
    let told = proxy.wire().acknowledged;
    let told = told.iter().filter(|token| token.run.to_string() == run).count();
    wait_until(SOON, "a write without its answer", || rows() > told);
    proxy.reset();
    assert_eq!(signs(&load.fault("connection_lost")), ["connection_lost", "write", "-"]);
    proxy.pass();
    load.recovers();
    let finished = load.ends_with(&["connection_lost"]);
    assert_eq!(finished.summary["verification"]["recovered"], 1);
}

#[test]
fn by_an_immediate_shutdown() {
    let server = Postgres::start();
    let load = Load::start(&server.url(), &QUIET);
    server.stop(Stop::Immediate);
    // It says so in a mere warning, before the end of the connection.
    let said = load.fault("connection_lost");
    assert!(["57P01", "57P02"].contains(&signs(&said)[2]), "{said}");
    assert_eq!(signs(&load.fault("refused")), ["refused", "connect", "-"]);
    server.start_again();
    assert_eq!(load.recovers()["kind"], "restart");
    load.ends_with_some_of(&["connection_lost", "refused"], &PASSING);
}

#[test]
fn by_a_fast_shutdown() {
    let server = Postgres::start();
    let load = Load::start(&server.url(), &QUIET);
    server.stop(Stop::Fast);
    assert_eq!(signs(&load.fault("connection_lost")), ["connection_lost", "idle", "57P01"]);
    load.fault("refused");
    server.start_again();
    assert_eq!(load.recovers()["kind"], "restart");
    load.ends_with_some_of(&["connection_lost", "refused"], &PASSING);
}

#[test]
fn by_the_kill_of_the_postmaster() {
    let server = Postgres::start();
    let load = Load::start(&server.url(), &QUIET);
    server.kill_postmaster();
    let fault = load.fault("connection_lost");
    assert_eq!(signs(&fault), ["connection_lost", "idle", "57P01"], "its orphan says why");
    assert_eq!(fault["fault"]["postmaster_died"], true, "and that is no goodbye: {fault}");
    load.fault("refused");
    server.start_again();
    assert_eq!(load.recovers()["kind"], "restart");
    load.ends_with_some_of(&["connection_lost", "refused"], &PASSING);
}

#[test]
fn by_the_kill_of_its_own_process() {
    // A postmaster that gets no processor just then takes the writer back before it notices the kill, which is another
    // story: the first outage is then one of the connection alone.
    let is_told = (0..5).any(|_| is_restart_by_the_kill_of_its_own_process());
    assert!(is_told, "five times the postmaster was late");
}

/// Whether the server had ended all sessions before the writer was back.
fn is_restart_by_the_kill_of_its_own_process() -> bool {
    let server = Postgres::start();
    let load = Load::start(&server.url(), &QUIET);
    kill(Pid::from_raw(load.backend()), Signal::SIGKILL).unwrap();
    assert_eq!(
        signs(&load.fault("connection_lost")),
        ["connection_lost", "idle", "-"],
        "it had no time for words"
    );
    // The server ends all sessions and recovers, under the same postmaster.
    let outage = load.recovers();
    if outage["kind"] == "connection" {
        return false;
    }
    assert_eq!(outage["kind"], "restart");
    load.ends_with_some_of(&["connection_lost"], &PASSING);
    true
}
