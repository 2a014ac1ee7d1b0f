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
    assert_eq!(signs(&load.fault("lost")), ["lost", "idle", "57P01"]);
    let outage = load.recovers();
    assert_eq!(outage["kind"], "connection");
    assert_eq!(outage["errors"], json!({"lost": 1}));
    let finished = load.ends_with(&["lost"]);
    assert_eq!(finished.summary["writes"]["in_doubt"], 0);
}

#[test]
fn by_an_administrators_command_in_mid_write() {
    let server = Postgres::start();
    let load = Load::start(&server.url(), &STEADY);
    let blocker = Session::open(&server.url());
    blocker.run("BEGIN; LOCK TABLE pgchaos.user_events IN SHARE MODE");
    let waiting = "SELECT count(*) FROM pg_stat_activity
                    WHERE application_name = 'pgchaos' AND wait_event_type = 'Lock'";
    wait_until(SOON, "a write waits for the lock", || server.psql(waiting) == "1");
    load.terminate(&server);
    let fault = load.fault("lost");
    assert_eq!(signs(&fault), ["lost", "write", "57P01"]);
    assert_eq!(fault["in_doubt"].as_array().expect("one write").len(), 1, "{fault}");
    blocker.run("ROLLBACK");
    load.recovers();
    let finished = load.ends_with(&["lost"]);
    assert_eq!(finished.summary["verification"]["absent"], 1, "FATAL proves nothing by itself");
}

#[test]
fn by_a_fin() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let load = Load::start(&proxy.url(), &QUIET);
    proxy.cut();
    assert_eq!(signs(&load.fault("lost")), ["lost", "idle", "-"]);
    assert_eq!(load.recovers()["kind"], "connection");
    load.ends_with(&["lost"]);
}

#[test]
fn by_an_rst() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let load = Load::start(&proxy.url(), &QUIET);
    proxy.reset();
    let fault = load.fault("lost");
    assert_eq!(signs(&fault), ["lost", "idle", "-"]);
    let message = fault["fault"]["message"].as_str().unwrap();
    assert!(message.contains("reset"), "{message}");
    load.recovers();
    load.ends_with(&["lost"]);
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
    let before = rows();
    wait_until(SOON, "a write without its answer", || rows() > before);
    proxy.reset();
    assert_eq!(signs(&load.fault("lost")), ["lost", "write", "-"]);
    proxy.pass();
    load.recovers();
    let finished = load.ends_with(&["lost"]);
    assert_eq!(finished.summary["verification"]["recovered"], 1);
}

#[test]
fn by_an_immediate_shutdown() {
    let server = Postgres::start();
    let load = Load::start(&server.url(), &QUIET);
    server.stop(Stop::Immediate);
    // What it says on the way is a warning, and the driver takes that for a notice.
    assert_eq!(signs(&load.fault("lost")), ["lost", "idle", "-"]);
    assert_eq!(signs(&load.fault("refused")), ["refused", "connect", "-"]);
    server.start_again();
    assert_eq!(load.recovers()["kind"], "restart");
    load.ends_with_some_of(&["lost", "refused"], &PASSING);
}

#[test]
fn by_a_fast_shutdown() {
    let server = Postgres::start();
    let load = Load::start(&server.url(), &QUIET);
    server.stop(Stop::Fast);
    assert_eq!(signs(&load.fault("lost")), ["lost", "idle", "57P01"]);
    load.fault("refused");
    server.start_again();
    assert_eq!(load.recovers()["kind"], "restart");
    load.ends_with_some_of(&["lost", "refused"], &PASSING);
}

#[test]
fn by_the_kill_of_the_postmaster() {
    let server = Postgres::start();
    let load = Load::start(&server.url(), &QUIET);
    server.kill_postmaster();
    assert_eq!(signs(&load.fault("lost")), ["lost", "idle", "57P01"], "its orphan says why");
    load.fault("refused");
    server.start_again();
    assert_eq!(load.recovers()["kind"], "restart");
    load.ends_with_some_of(&["lost", "refused"], &PASSING);
}

#[test]
fn by_the_kill_of_its_own_process() {
    let server = Postgres::start();
    let load = Load::start(&server.url(), &QUIET);
    kill(Pid::from_raw(load.backend()), Signal::SIGKILL).unwrap();
    assert_eq!(signs(&load.fault("lost")), ["lost", "idle", "-"], "it had no time for words");
    // The server ends all sessions and recovers, under the same postmaster.
    assert_eq!(load.recovers()["kind"], "connection");
    load.ends_with_some_of(&["lost"], &PASSING);
}
