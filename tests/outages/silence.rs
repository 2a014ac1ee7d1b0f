//! Silence and what only looks like it: many writes in flight wait for each other.

use std::time::Duration;

use crate::clocks::{SOON, wait_for_answers};
use crate::support::{Gen, Postgres, pgchaos};

/// A server with the tables of the load.
fn prepared() -> Postgres {
    let server = Postgres::start();
    let home = tempfile::tempdir().unwrap();
    let init = pgchaos(home.path(), ["init", &server.url()]).output().unwrap();
    assert!(init.status.success(), "{init:?}");
    server
}

#[test]
fn a_deep_pipeline_on_a_slow_server_is_no_outage() {
    let server = prepared();
    server.psql(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN PERFORM pg_sleep(0.05); RETURN new; END $$;
         CREATE TRIGGER slow BEFORE INSERT ON pgchaos.user_events
             FOR EACH ROW EXECUTE FUNCTION slow()",
    );
    let url = server.url();
    // 64 writes of 50 ms: each waits for 3.2 s, and every 50 ms there is an answer.
    let load = Gen::start([&*url, "--rate=max", "--pipeline=64", "--stall-after=2s"]);
    wait_for_answers(&load, 0, 1, 80);
    let finished = load.interrupt_and_finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert_eq!(
        finished.summary["outages"].as_array().map(Vec::len),
        Some(0),
        "{}",
        finished.stdout
    );
}

#[test]
fn one_silence_is_one_outage_however_deep_the_pipeline() {
    let server = prepared();
    let url = server.url();
    let load = Gen::start([&*url, "--rate=200", "--pipeline=16", "--stall-after=500ms"]);
    wait_for_answers(&load, 0, 1, 50);
    server.psql("BEGIN; LOCK TABLE pgchaos.user_events; SELECT pg_sleep(2); COMMIT");
    let outage =
        load.wait_for_event(SOON, "the outage is over", |event| event["event"] == "outage_ended");
    let length = Duration::from_secs_f64(outage["duration_s"].as_f64().unwrap());
    assert!(length >= Duration::from_millis(1900), "{outage}");
    wait_for_answers(&load, load.now(), 1, 300);
    let finished = load.interrupt_and_finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert_eq!(
        finished.summary["outages"].as_array().map(Vec::len),
        Some(1),
        "{}",
        finished.stdout
    );
    assert_eq!(finished.summary["outages"][0]["kind"], "stall");
}
