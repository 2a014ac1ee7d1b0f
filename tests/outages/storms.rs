//! Many writers make no storm, and are back together.

use std::collections::BTreeMap;
use std::ops::Range;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::clocks::{RunClock, SOON, seconds, wait_for_answers, wait_for_outage};
use crate::support::{Gen, Postgres, Proxy, wait_until};

const WRITERS: i64 = 50;

fn connected(events: &[Value]) -> BTreeMap<i64, f64> {
    let sessions = events.iter().filter(|event| event["event"] == "connected");
    sessions.map(|event| (event["writer"].as_i64().unwrap(), seconds(&event["at_s"]))).collect()
}

#[test]
fn fifty_writers_try_twenty_times_a_second_in_all_and_are_back_together() {
    // The shared one has no room for so many beside those of other tests.
    let server = Postgres::start();
    let proxy = Proxy::start(server.port());
    let url = proxy.url();
    let load = Gen::start([&*url, "--rate=200", "--writers=50"]);
    let clock = RunClock::of(&load);
    for writer in 1..=WRITERS {
        wait_for_answers(&load, 0, writer, 2);
    }
    let mut spread = Vec::new();
    // Fifty sessions cost some processor time: a machine that has none to give just then gets two more tries.
    for _ in 1..=3 {
        spread.push(one_storm(&load, &proxy, clock));
        if spread.last() < Some(&1.0) {
            break;
        }
    }
    let finished = load.interrupt_and_finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    // At twenty a second 50 writers would take two and a half seconds, every time.
    assert!(spread.iter().any(|spread| *spread < 2.0), "{spread:?}");
}

/// Breaks the way for a while; how long after the first writer the last one was there again, as the proxy saw them: how
/// long their logins take is the machine's.
fn one_storm(load: &Gen, proxy: &Proxy, clock: RunClock) -> f64 {
    let from = load.now();
    // Every attempt is accepted, and so counted, and then closed without a word.
    let broken = proxy.close_on_accept();
    proxy.cut();
    load.wait_for_event_after(from, SOON, "there is no backend", |event| {
        event["event"] == "fault" && event["fault"]["class"] == "no_backend"
    });
    // The first moment is over: from here on they take turns.
    sleep(Duration::from_millis(500));
    let from = Instant::now();
    sleep(Duration::from_secs(3));
    let attempts_since = |from| proxy.accept_times().iter().filter(|at| **at >= from).count();
    wait_until(SOON, "they do not give up", || attempts_since(from) >= 6);
    let until = Instant::now();
    let accepted = proxy.accept_times();
    let between = |span: Range<Instant>| accepted.iter().filter(|at| span.contains(*at)).count();
    let (at_first, attempts) = (between(broken..from), between(from..until));
    let length = (until - from).as_secs_f64();
    #[allow(clippy::cast_precision_loss, reason = "a small number")]
    let rate = attempts as f64 / length;
    println!("{at_first} attempts in the first moment, then {rate:.1} a second");
    // Each with a backoff of its own alone, they would be ten times as many.
    assert!(rate < 30.0, "{attempts} attempts in {length} s");
    let gone = load.now();
    let passes = proxy.pass();
    let outage = load.wait_for_event_after(gone, SOON, "the outage is over", |event| {
        event["event"] == "outage_ended"
    });
    let first_ack = seconds(&outage["first_ack_s"]);
    let all = seconds(&outage["began_s"]) + seconds(&outage["phases_s"]["all_writers"]);
    let back = connected(&load.events()[gone..]);
    assert_eq!(back.len(), usize::try_from(WRITERS).unwrap(), "all are back");
    let last = back.values().copied().fold(0.0, f64::max);
    println!(
        "all 50 write {:.0} ms after the first, the last session {:.0} ms after it; \
         began {:+.0} ms, {} attempts",
        (all - first_ack) * 1e3,
        (last - first_ack) * 1e3,
        (seconds(&outage["began_s"]) - clock.seconds(broken)) * 1e3,
        outage["attempts"],
    );
    let accepted = proxy.accept_times();
    let there: Vec<Instant> = accepted.into_iter().filter(|at| *at >= passes).collect();
    // Sessions that look for recent writes and replicas come later.
    let last = there.iter().take(back.len()).next_back().expect("they are there");
    last.duration_since(there[0]).as_secs_f64()
}

/// As behind HAProxy, which counts a dead server in until its checks have failed.
#[test]
fn writers_whose_attempts_hang_try_beside_them_once_another_writes() {
    writers_are_back_though_attempts_hang(2);
}

/// A writer may meet the dead servers many times in a row, more often than its attempts go on beside each other.
#[test]
fn an_attempt_that_hangs_makes_room_for_another_one() {
    writers_are_back_though_attempts_hang(6);
}

fn writers_are_back_though_attempts_hang(one_passes_of: usize) {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let url = proxy.url();
    // An attempt that hangs would hang for longer than this test waits.
    let load = Gen::start([
        &*url,
        "--rate=80",
        "--writers=8",
        "--connect-timeout=5m",
        "--stall-after=20s",
    ]);
    for writer in 1..=8 {
        wait_for_answers(&load, 0, writer, 2);
    }
    proxy.pass_every(one_passes_of);
    let cut = proxy.cut();
    let outage = wait_for_outage(&load, 1);
    println!(
        "{} attempts of 8 writers, {} given up; the first writes after {} s, all after {} s",
        outage["attempts"], outage["abandoned"], outage["duration_s"], outage["degraded_s"]
    );
    // Every connection of the writers is counted; sessions that look for recent writes and replicas have a few.
    let accepted = proxy.accept_times().iter().filter(|at| **at >= cut).count() as u64;
    let attempts = outage["attempts"].as_u64().unwrap();
    assert!(
        (accepted.saturating_sub(12)..=accepted).contains(&attempts),
        "{attempts} of {accepted}: {outage}"
    );
    proxy.pass();
    let finished = load.interrupt_and_finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert_eq!(finished.summary["verification"]["lost"], 0);
}

/// Most of them notice only when their own next write fails: until then they say nothing about the server.
#[test]
fn writers_that_are_idle_when_everything_goes_silent_make_no_storm_either() {
    // The shared one has no room for so many beside those of other tests.
    let server = Postgres::start();
    let proxy = Proxy::start(server.port());
    let url = proxy.url();
    let load = Gen::start([
        &*url,
        "--rate=20",
        "--writers=80",
        "--write-timeout=1s",
        // A busy machine takes longer than 300 ms for eighty logins at once.
        "--connect-timeout=1s",
    ]);
    for writer in 1..=80 {
        wait_for_answers(&load, 0, writer, 1);
    }
    proxy.silence();
    load.wait_for_event(SOON, "a session is given up", |event| {
        event["event"] == "fault" && event["fault"]["class"] == "timeout"
    });
    let from = Instant::now();
    sleep(Duration::from_secs(4));
    let until = Instant::now();
    let accepted = proxy.accept_times().iter().filter(|at| (from..until).contains(*at)).count();
    #[allow(clippy::cast_precision_loss, reason = "a small number")]
    let rate = accepted as f64 / (until - from).as_secs_f64();
    println!("{rate:.1} attempts a second");
    assert!(rate < 30.0, "{accepted} attempts in {:?}", until - from);
    proxy.pass();
    let finished = load.interrupt_and_finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
}
