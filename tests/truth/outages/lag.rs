//! Replicas that are behind: what the summary says of them, and what a limit comes to.

use std::time::Instant;

use serde_json::Value;

use crate::books::{Said, Verdict, assert_true};
use crate::harness::Case;
use crate::one_server::{SOON, run_id, wait_for_writes};
use crate::pair::Pair;
use crate::support::Gen;

pub(crate) const CASES: &[Case] = &[
    Case::alone("outages::replica_behind_over_its_limit", || behind("2s", Verdict::Fail)),
    Case::alone("outages::replica_behind_under_its_limit", || behind("60s", Verdict::Pass)),
    Case::alone("outages::replica_behind_after_its_way_broke", behind_after_its_way_broke),
    Case::alone("outages::replica_not_read_at_the_end", not_read_at_the_end),
    Case::alone("outages::replica_never_read", never_read),
];

/// A load on A that reads from B.
fn load(pair: &Pair, max_lag: &str) -> Gen {
    let read = format!("postgresql://postgres:postgres@127.0.0.1:{}/postgres", pair.to_b.port());
    pair.load(&[&format!("--read-dsn={read}"), &format!("--max-lag={max_lag}")])
}

/// Waits for a read of B from the `from`th event on for which `is_it` holds, given the lag in seconds and in writes.
fn wait_for_lag(load: &Gen, from: usize, what: &str, is_it: impl Fn(f64, u64) -> bool) -> Value {
    load.wait_for_event_after(from, SOON, what, |event| {
        let lag =
            || (event["behind_s"].as_f64().unwrap(), event["writes_behind"].as_u64().unwrap());
        event["event"] == "replica_lag" && is_it(lag().0, lag().1)
    })
}

fn end(pair: &Pair, load: Gen, verdict: Verdict) -> (Said, String) {
    let run = run_id(&load);
    let said = Said::from(&load.interrupt_and_finish());
    let line = assert_true(&said, &pair.truth(run, &pair.a), &[verdict]);
    (said, line)
}

fn reasons(said: &Said) -> String {
    said.summary["reasons"].to_string()
}

/// B takes the log and shows none of it for some seconds.
fn behind(max_lag: &str, verdict: Verdict) -> String {
    let pair = Pair::start();
    let load = load(&pair, max_lag);
    wait_for_lag(&load, 0, "level with A", |_, writes| writes == 0);
    let before = Instant::now();
    pair.b.psql("SELECT pg_wal_replay_pause()");
    // Of a hundred writes a second.
    let seen = wait_for_lag(&load, load.now(), "three seconds behind", |behind, writes| {
        behind >= 3.0 && writes >= 200
    });
    let from = load.now();
    pair.b.psql("SELECT pg_wal_replay_resume()");
    wait_for_lag(&load, from, "level again", |_, writes| writes == 0);
    let at_most = before.elapsed().as_secs_f64();
    let (said, line) = end(&pair, load, verdict);
    let [replica] = &said.summary["replicas"].as_array().unwrap()[..] else {
        panic!("{}", said.summary["replicas"]);
    };
    let number = |name: &str| replica[name].as_f64().unwrap();
    let lag = number("lag_max_s");
    let at_least = seen["behind_s"].as_f64().unwrap();
    // The record keeps microseconds.
    assert!(lag >= at_least - 1e-5 && lag <= at_most, "{replica}: {at_least}…{at_most}");
    assert!(number("writes_behind_max") >= seen["writes_behind"].as_f64().unwrap(), "{replica}");
    // It was level again, and read every quarter of a second.
    assert!(number("lag_last_s") <= 2.0 && number("reads") >= 10.0, "{replica}");
    if verdict == Verdict::Fail {
        assert!(reasons(&said).contains("behind, at most 2.0 s allowed"), "{}", reasons(&said));
    }
    format!("{line} · {lag:.1} s behind of {at_least:.1} to {at_most:.1} s paused")
}

/// A new session knows how old the data is that it shows.
fn behind_after_its_way_broke() -> String {
    let pair = Pair::start();
    let load = load(&pair, "2s");
    wait_for_lag(&load, 0, "level with A", |_, writes| writes == 0);
    pair.b.psql("SELECT pg_wal_replay_pause()");
    wait_for_lag(&load, load.now(), "two seconds behind", |behind, _| behind >= 2.5);
    let from = load.now();
    pair.to_b.cut();
    load.wait_for_event_after(from, SOON, "its session ends", |event| {
        event["event"] == "replica_failed"
    });
    let after = load.now();
    let first: Value = load.wait_for_event_after(after, SOON, "it is read again", |event| {
        event["event"] == "replica_lag"
    });
    assert!(first["behind_s"].as_f64().unwrap() >= 2.5, "{first}");
    pair.b.psql("SELECT pg_wal_replay_resume()");
    end(&pair, load, Verdict::Fail).1
}

fn not_read_at_the_end() -> String {
    let pair = Pair::start();
    let load = load(&pair, "30s");
    wait_for_lag(&load, 0, "level with A", |_, writes| writes == 0);
    let from = load.now();
    pair.to_b.refuse();
    load.wait_for_event_after(from, SOON, "B cannot be read", |event| {
        event["event"] == "replica_failed" && event["fault"]["class"] == "refused"
    });
    let (said, line) = end(&pair, load, Verdict::Inconclusive);
    assert!(
        reasons(&said).contains("no replica could be read when the load ended"),
        "{}",
        reasons(&said)
    );
    line
}

/// What answers where replicas are looked for is the primary.
fn never_read() -> String {
    let pair = Pair::start();
    let read = format!("postgresql://postgres:postgres@127.0.0.1:{}/postgres", pair.to_a.port());
    let load = pair.load(&[&format!("--read-dsn={read}"), "--max-lag=30s"]);
    wait_for_lag(&load, 0, "A is read", |_, writes| writes == 0);
    wait_for_writes(&pair.to_a, 40);
    let (said, line) = end(&pair, load, Verdict::Inconclusive);
    assert!(reasons(&said).contains("no replica was read"), "{}", reasons(&said));
    assert_eq!(said.summary["replicas"], serde_json::json!([]));
    line
}
