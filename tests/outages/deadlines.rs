//! Servers that say nothing: every wait ends at its deadline.

use std::time::Duration;

use crate::clocks::{RunClock, SOON, seconds, wait_for_answers, wait_for_fault, wait_for_outage};
use crate::support::{Gen, Postgres, Proxy};

#[test]
fn a_server_that_accepts_and_says_nothing_is_a_timeout_at_the_deadline() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    proxy.silence();
    let url = proxy.url();
    let load = Gen::start([&*url, "--rate=20", "--connect-timeout=400ms"]);
    // Before the first success, and waited out.
    let first = wait_for_fault(&load, 0, "timeout");
    assert_eq!(first["fault"]["phase"], "authenticate", "{first}");
    let at = seconds(&first["at_s"]);
    println!("the first connect ended after {at:.3} s, deadline 0.4 s");
    assert!(at >= 0.4, "{first}");
    proxy.pass();
    wait_for_answers(&load, 0, 1, 5);
    // And in the middle of a run: new sessions are accepted and hear nothing.
    proxy.silence();
    proxy.cut();
    let lost = wait_for_fault(&load, 0, "connection_lost");
    let from = load.now();
    let timeout = wait_for_fault(&load, from, "timeout");
    assert_eq!(timeout["fault"]["phase"], "authenticate", "{timeout}");
    assert!(seconds(&timeout["at_s"]) - seconds(&lost["at_s"]) >= 0.4 - 0.01);
    proxy.pass();
    let outage = wait_for_outage(&load, 1);
    assert!(outage["errors"]["timeout"].as_u64() >= Some(1), "{outage}");
    assert!(outage["phases_s"]["tcp_accepted"].is_number(), "{outage}");
    let finished = load.interrupt_and_finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
}

#[test]
fn a_server_frozen_in_the_middle_of_a_write_is_a_timeout_at_the_deadline() {
    let server = Postgres::start();
    let url = server.url();
    let load = Gen::start([
        &*url,
        "--rate=100",
        // A read in flight before the write would end the session by its own deadline.
        "--read-every=0",
        "--write-timeout=600ms",
        "--connect-timeout=400ms",
        "--stall-after=200ms",
    ]);
    let clock = RunClock::of(&load);
    wait_for_answers(&load, 0, 1, 30);
    // A busy machine may have been silent for as long before.
    let before = load.now();
    let frozen = clock.seconds(server.freeze());
    let stalled = load.wait_for_event_after(before, SOON, "the silence is told", |event| {
        event["event"] == "stalled"
    });
    let timeout = wait_for_fault(&load, before, "timeout");
    assert_eq!(timeout["fault"]["phase"], "write", "{timeout}");
    assert!(timeout["in_doubt"].is_array(), "{timeout}");
    let sent = seconds(&stalled["since_s"]);
    let waited = seconds(&timeout["at_s"]) - sent;
    println!(
        "sent {:+.1} ms from the freeze, told after {:.3} s, given up after {waited:.3} s of 0.6 s",
        (sent - frozen) * 1e3,
        seconds(&stalled["at_s"]) - sent
    );
    assert!(waited >= 0.6 - 1e-5, "{timeout}");
    // The kernel accepts for a frozen server: connects end at their deadline, again and again.
    for _ in 0..2 {
        let from = load.now();
        wait_for_fault(&load, from, "timeout");
    }
    server.thaw();
    let outage = load.wait_for_event_after(before, SOON, "the outage is over", |event| {
        event["event"] == "outage_ended"
    });
    assert_eq!(outage["began_s"], stalled["since_s"], "it began when the silent write was sent");
    assert_eq!((&outage["kind"], &outage["in_doubt"]), (&"stall".into(), &1.into()));
    let finished = load.interrupt_and_finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert_eq!(finished.summary["verification"]["lost"], 0);
}

#[test]
fn a_run_ends_in_time_though_the_server_never_answers_again() {
    let server = Postgres::start();
    let url = server.url();
    let load = Gen::start([
        &*url,
        "--rate=50",
        "--writers=3",
        "--write-timeout=500ms",
        "--connect-timeout=500ms",
        "--verify-timeout=1s",
    ]);
    wait_for_answers(&load, 0, 3, 5);
    server.freeze();
    wait_for_fault(&load, 0, "timeout");
    let stopped = std::time::Instant::now();
    let finished = load.interrupt_and_finish();
    println!("ended {:.2} s after Ctrl-C", stopped.elapsed().as_secs_f64());
    assert_eq!(finished.code, 3, "{}", finished.stderr);
    assert_eq!(finished.summary["verification"]["state"], "incomplete");
    assert!(stopped.elapsed() < Duration::from_secs(30));
    server.thaw();
}
