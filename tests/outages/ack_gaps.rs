//! Stretches without an acknowledgement, as the record has them for a comparison of runs.

use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use pgchaos::engine::record::file::read;
use pgchaos::model::event::What;
use pgchaos::model::outage::ack_gaps::AckGap;
use pgchaos::model::run::replay::ack_gaps;

use crate::clocks::{RunClock, SOON, seconds, wait_for_answers, wait_for_outage};
use crate::support::{Gen, Postgres, Proxy};

/// The stretches of a record, and how many writes took so long that each may make one.
fn recorded(record: &Path) -> (Vec<AckGap>, u64) {
    let mut events = Vec::new();
    let mut slow = 0;
    let run = read(record, |event| {
        if let What::Interval(interval) = &event.what {
            let late = interval.latency_us.iter().filter(|(us, _)| *us >= 99_000);
            slow += late.map(|(_, count)| count).sum::<u64>();
        }
        events.push(event.clone());
    })
    .unwrap()
    .run;
    (ack_gaps(&events, run.elapsed), slow)
}

/// The only one of which this holds, as it is of the test's making: a busy machine has some of its own.
#[track_caller]
fn the_one(gaps: &[AckGap], is_it: impl Fn(f64, f64) -> bool) -> (f64, f64) {
    let found: Vec<_> = gaps
        .iter()
        .map(|gap| (gap.from.as_secs_f64(), gap.to.as_secs_f64()))
        .filter(|(from, to)| is_it(*from, *to))
        .collect();
    assert_eq!(found.len(), 1, "{gaps:?}");
    found[0]
}

fn is_same(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-5
}

#[test]
fn a_steady_load_has_none_whether_it_is_slow_or_in_a_closed_loop() {
    let server = Postgres::shared();
    let url = server.url();
    for options in
        [["--rate=2", "--writers=1", "--writes=7"], ["--rate=max", "--writers=3", "--writes=3000"]]
    {
        let load = Gen::start([&[&*url], &options[..]].concat());
        let finished = load.finish();
        assert_eq!(finished.code, 0, "{}", finished.stderr);
        let (gaps, slow) = recorded(&finished.record);
        // A busy machine may answer late; without a late answer there is no stretch.
        assert!(gaps.len() as u64 <= slow, "{gaps:?}, {slow} late answers");
    }
}

#[test]
fn an_unanswered_write_counts_in_a_closed_loop_until_it_is_answered() {
    let server = Postgres::start();
    let url = server.url();
    let load = Gen::start([&*url, "--rate=max", "--writers=2"]);
    let clock = RunClock::of(&load);
    for writer in [1, 2] {
        wait_for_answers(&load, 0, writer, 50);
    }
    let before = clock.seconds(std::time::Instant::now());
    let middle = server.psql(
        "BEGIN; LOCK TABLE pgchaos.user_events; SELECT pg_sleep(0.6);
         SELECT extract(epoch FROM clock_timestamp()); SELECT pg_sleep(0.6); COMMIT",
    );
    let middle = clock.seconds_of_epoch(middle.trim().parse().unwrap());
    let after = clock.seconds(std::time::Instant::now());
    wait_for_answers(&load, load.now(), 1, 60);
    let finished = load.interrupt_and_finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let (from, to) =
        the_one(&recorded(&finished.record).0, |from, to| (from..to).contains(&middle));
    assert!(to - from >= 1.15, "{from} to {to}");
    // Not before, and not for ever: what is late on either side is the machine's.
    assert!(from >= before - 10.0 && to <= after + 10.0, "{from} to {to}, {before} to {after}");
}

#[test]
fn an_outage_is_one_from_the_first_due_write_to_the_first_acknowledgement() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let url = proxy.url();
    let load = Gen::start([&*url, "--rate=50", "--writers=2", "--read-every=0"]);
    wait_for_answers(&load, 0, 1, 20);
    wait_for_answers(&load, 0, 2, 20);
    proxy.refuse();
    load.wait_for_event(SOON, "an outage", |event| event["event"] == "outage_began");
    std::thread::sleep(Duration::from_secs(1));
    load.wait_for_event(SOON, "it goes on", |event| event["event"] == "ack_gap_goes_on");
    proxy.pass();
    let outage = wait_for_outage(&load, 1);
    wait_for_answers(&load, load.now(), 1, 40);
    let finished = load.interrupt_and_finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let (last_ack, first_ack) = (seconds(&outage["last_ack_s"]), seconds(&outage["first_ack_s"]));
    let (from, to) = the_one(&recorded(&finished.record).0, |_, to| is_same(to, first_ack));
    assert!(to - from >= 1.0, "{from} to {to}, {outage}");
    let said = finished.events_named("ack_gap_goes_on").into_iter();
    let said: Vec<f64> = said.map(|event| seconds(&event["from_s"])).collect();
    assert!(said.iter().any(|said| is_same(*said, from)), "said {said:?}, and was {from}");
    // 20 ms lie between two writes: the next one was due soon after the last acknowledgement.
    assert!(from >= last_ack - 1e-5 && from <= last_ack + 0.1, "{from}, {outage}");
}

#[test]
fn one_that_is_open_at_the_end_of_the_load_ends_with_the_writer_that_tries_on() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let url = proxy.url();
    let load = Gen::start([&*url, "--rate=50", "--verify-timeout=1s"]);
    wait_for_answers(&load, 0, 1, 20);
    proxy.refuse();
    let began = load.wait_for_event(SOON, "an outage", |event| event["event"] == "outage_began");
    load.wait_for_event(SOON, "further writes came due", |event| {
        event["event"] == "fault" && seconds(&event["at_s"]) > seconds(&began["began_s"]) + 1.0
    });
    let finished = load.interrupt_and_finish();
    assert_eq!(finished.code, 3, "{}", finished.stderr);
    let stopped = seconds(&finished.event("stopping")["at_s"]);
    let (from, to) = the_one(&recorded(&finished.record).0, |_, to| to > stopped);
    let outage = finished.events_named("outage_ended").pop().unwrap();
    let ended = seconds(&outage["began_s"]) + seconds(&outage["degraded_s"]);
    assert!(from < stopped && to >= stopped + 9.5, "{from} to {to}, {stopped}: {outage}");
    assert!((to - ended).abs() < 1.0, "{to}, {outage}");
}

#[test]
fn the_beginning_of_one_survives_a_kill() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let url = proxy.url();
    let load = Gen::start([&*url, "--rate=max"]);
    wait_for_answers(&load, 0, 1, 50);
    let from = load.now();
    proxy.silence();
    load.wait_for_event_after(from, SOON, "nothing is answered", |event| {
        event["event"] == "stalled"
    });
    let goes_on = load.wait_for_event_after(from, SOON, "it goes on", |event| {
        event["event"] == "ack_gap_goes_on"
    });
    load.wait_for_record(SOON, "that it goes on", |line| {
        line["event"] == "ack_gap_goes_on" && line["from_s"] == goes_on["from_s"]
    });
    load.signal(Signal::SIGKILL);
    let finished = load.finish();
    let said = seconds(&goes_on["from_s"]);
    let (from, to) = the_one(&recorded(&finished.record).0, |from, _| is_same(from, said));
    assert!(to - from >= 0.3, "{from} to {to}");
}
