//! Silence and what only looks like it: many writes in flight wait for each other.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::clocks::{RunClock, SOON, seconds, wait_for_answers};
use crate::support::{Gen, Postgres, Session, pgchaos};

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
             $$ BEGIN PERFORM pg_sleep(0.1); RETURN new; END $$;
         CREATE TRIGGER slow BEFORE INSERT ON pgchaos.user_events
             FOR EACH ROW EXECUTE FUNCTION slow()",
    );
    let url = server.url();
    // 64 writes of 100 ms: each waits for 6.4 s, longer than a silence may be and less than the 10 s at the end, and
    // every 100 ms there is an answer.
    let load = Gen::start([
        &*url,
        "--rate=max",
        "--pipeline=64",
        "--stall-after=5s",
        "--write-timeout=60s",
    ]);
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
    let load = Gen::start([
        &*url,
        "--rate=200",
        "--pipeline=16",
        "--stall-after=500ms",
        "--write-timeout=60s",
    ]);
    let clock = RunClock::of(&load);
    wait_for_answers(&load, 0, 1, 50);
    let lock = Session::open(&url);
    lock.run("BEGIN; LOCK TABLE pgchaos.user_events");
    let locked = clock.seconds(Instant::now());
    sleep(Duration::from_secs(5));
    let freed = clock.seconds(Instant::now());
    lock.run("COMMIT");
    // A busy machine makes silences of its own: one of before or after the lock is not asked about.
    let is_of_lock = |outage: &Value| {
        let began = seconds(&outage["began_s"]);
        began < freed && began + seconds(&outage["degraded_s"]) > locked
    };
    let outage = load.wait_for_event(SOON, "the outage is over", |event| {
        event["event"] == "outage_ended" && is_of_lock(event)
    });
    assert!(seconds(&outage["duration_s"]) >= 4.0, "{outage}");
    wait_for_answers(&load, load.now(), 1, 300);
    let finished = load.interrupt_and_finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let outages = finished.summary["outages"].as_array().unwrap();
    let of_lock: Vec<_> = outages.iter().filter(|outage| is_of_lock(outage)).collect();
    assert_eq!(of_lock.len(), 1, "{}", finished.stdout);
    assert_eq!(of_lock[0]["kind"], "stall");
}
