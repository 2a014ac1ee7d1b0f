//! Some writers are out while others write; by psql and by the server's own limits.

use serde_json::{Value, json};

use super::lengths::{assert_exact, assert_exact_within};
use crate::books::{Said, Verdict};
use crate::harness::Case;
use crate::one_server::{OneServer, SOON, start_load, wait_for, wait_for_outage};
use crate::support::Gen;

pub(crate) const CASES: &[Case] = &[
    Case::alone("outages::one_of_four_out", one_of_four_out),
    Case::alone("outages::three_of_four_out", three_of_four_out),
    Case::alone("outages::two_of_four_never_get_a_session", two_of_four_never_get_a_session),
    Case::alone("outages::partial_under_its_limit", partial_under_its_limit),
    Case::alone("outages::partial_over_its_limit", partial_over_its_limit),
    Case::alone("outages::partial_open_at_the_end", partial_open_at_the_end),
];

/// Longer than the machine may keep the load waiting, and shorter than [`A_WHILE`].
const MAX_OUTAGE: &str = "--max-outage=10s";

/// The writes of one writer in 12 s: others are out for longer than [`MAX_OUTAGE`], which counts no partial outage.
const A_WHILE: usize = 120;

/// A role that may have so many sessions, and how four writers log in by it.
fn limited(one: &OneServer, sessions: u32) -> String {
    one.server.psql(&format!("CREATE ROLE app_{0} LOGIN PASSWORD 'app'", one.database));
    one.psql(&format!("GRANT ALL ON DATABASE {0} TO app_{0}", one.database));
    limit(one, sessions);
    format!("postgresql://app_{0}:app@127.0.0.1:{1}/{0}", one.database, one.wire.port())
}

fn limit(one: &OneServer, sessions: u32) {
    one.server.psql(&format!("ALTER ROLE app_{} CONNECTION LIMIT {sessions}", one.database));
}

/// Ends so many of the writers' sessions, and lets none of them in again.
fn take_away(one: &OneServer, writers: u32) {
    limit(one, 4 - writers);
    one.psql(&format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE application_name ~ '^pgchaos:[0-9a-f-]+:[1-{writers}]$'"
    ));
}

/// The sessions of the four writers, and of whatever pgchaos looks by beside them.
fn load_of_four(one: &OneServer, args: &[&str]) -> Gen {
    let url = limited(one, 20);
    let load = start_load(&url, &[&["--writers=4", "--rate=40"], args].concat());
    one.wait_for_writes(80);
    load
}

/// How many writers the load itself says are out.
fn wait_until_out(load: &Gen, out: u64) -> f64 {
    let event = load.wait_for_event(SOON, "so many writers are out", |event| {
        event["event"] == "writers_out" && event["out"] == out && event["others_write"] == true
    });
    event["at_s"].as_f64().unwrap()
}

/// How long it was between the rows of the writers that were out, by psql, and the longest time without any row.
fn gaps(one: &OneServer, out: u32) -> (f64, f64) {
    let gap = |writers: &str| {
        one.psql(&format!(
            "SELECT max(extract(epoch FROM gap)) FROM (
                 SELECT created_at - lag(created_at) OVER (ORDER BY created_at) AS gap
                   FROM pgchaos.user_events WHERE writer {writers}) AS rows"
        ))
        .parse::<f64>()
        .unwrap()
    };
    (gap(&format!("<= {out}")), gap("> 0"))
}

fn outage(said: &Said) -> Value {
    let outages = said.summary["outages"].as_array().unwrap();
    assert_eq!(outages.len(), 1, "{}", said.words);
    outages[0].clone()
}

fn seconds(outage: &Value, name: &str) -> f64 {
    outage[name].as_f64().unwrap_or_else(|| panic!("{name}: {outage}"))
}

/// Some of four are taken away for a while: as many are out, for as long as the rows say.
fn some_of_four_out(out: u32) -> String {
    let one = OneServer::own();
    let load = load_of_four(&one, &[MAX_OUTAGE]);
    take_away(&one, out);
    wait_until_out(&load, out.into());
    one.wait_for_writes(A_WHILE * (4 - out as usize));
    limit(&one, 20);
    wait_for_outage(&load, 1);
    one.wait_for_writes(40);
    let (said, _, _) = one.end(load, Verdict::Pass);
    let outage = outage(&said);
    assert_eq!(
        (&outage["writers_out_max"], &outage["partial"], &outage["writers_out_at_end"]),
        (&json!(out), &json!(true), &json!(0)),
        "{}",
        said.words
    );
    let (of_those, of_all) = gaps(&one, out);
    let degraded = seconds(&outage, "degraded_s");
    if out == 1 {
        // A writer writes every 100 ms: so long may it be between its last row and the end of its session.
        assert_exact_within(0.1, degraded, of_those, &outage);
    }
    let duration = seconds(&outage, "duration_s");
    assert_exact(duration, duration.min(of_all), &outage);
    assert_eq!(outage["open_s"], Value::Null);
    format!("{out} of 4 out for {degraded:.3} s, {of_those:.3} s between their rows")
}

fn one_of_four_out() -> String {
    some_of_four_out(1)
}

fn three_of_four_out() -> String {
    some_of_four_out(3)
}

/// A role may have two sessions, and there are four writers: two are out from the beginning to the end.
fn two_of_four_never_get_a_session() -> String {
    let one = OneServer::own();
    let url = limited(&one, 20);
    // The schema is there already: the set-up's session is gone when the writers come.
    let load = start_load(&url, &["--writers=1", "--writes=1"]);
    assert_eq!(load.finish().code, 0);
    limit(&one, 2);
    let load = start_load(&url, &["--writers=4", "--rate=40"]);
    wait_until_out(&load, 2);
    one.wait_for_writes(100);
    let finished = load.interrupt_and_finish();
    let outage = &finished.summary["outages"][0];
    assert_eq!(outage["writers_out_at_end"], 2, "{}", finished.stderr);
    assert_eq!(outage["open_s"], Value::Null, "others wrote: {outage}");
    format!("told as 2 of 4 writers out for {} s", outage["degraded_s"])
}

fn with_limit(max_degraded: &str, verdict: Verdict) -> Said {
    let one = OneServer::own();
    let load = load_of_four(&one, &[&format!("--max-degraded={max_degraded}"), MAX_OUTAGE]);
    take_away(&one, 1);
    wait_until_out(&load, 1);
    one.wait_for_writes(A_WHILE * 3);
    limit(&one, 20);
    wait_for_outage(&load, 1);
    one.wait_for_writes(20);
    one.end(load, verdict).0
}

fn partial_under_its_limit() -> String {
    let said = with_limit("50s", Verdict::Pass);
    format!("pass: {} s, at most 50 s", outage(&said)["degraded_s"])
}

fn partial_over_its_limit() -> String {
    let said = with_limit("1s", Verdict::Fail);
    let reasons = said.summary["reasons"].to_string();
    assert!(reasons.contains("writers out for"), "{reasons}");
    format!("fail: {reasons}")
}

/// One of four is still out when the load ends: it tries on alone, and no limit that it is under passes.
fn partial_open_at_the_end() -> String {
    let one = OneServer::own();
    let load = load_of_four(&one, &["--max-degraded=5m", MAX_OUTAGE]);
    take_away(&one, 1);
    let from = load.now();
    wait_until_out(&load, 1);
    load.interrupt();
    let stopping = wait_for(&load, from, "stopping");
    assert_eq!(stopping["writers_out"], 1);
    let (said, _, _) = one.end_of(&load.finish(), Verdict::Inconclusive);
    let outage = outage(&said);
    assert_eq!((&outage["writers_out_at_end"], &outage["open_s"]), (&json!(1), &Value::Null));
    let tried_on = seconds(&outage, "began_s") + seconds(&outage, "degraded_s")
        - stopping["at_s"].as_f64().unwrap();
    assert!((9.5..22.0).contains(&tried_on), "{tried_on} s after the load");
    let reasons = said.summary["reasons"].to_string();
    assert!(reasons.contains("writers out for"), "{reasons}");
    format!("inconclusive, tried on for {tried_on:.1} s")
}
