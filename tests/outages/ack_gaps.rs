//! Stretches without an acknowledgement, as the record has them for a comparison of runs.

use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use pgchaos::engine::record_file::read;
use pgchaos::model::ack_gaps::of_record;
use pgchaos::model::event::{AckGap, What};

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
    (of_record(&events, run.elapsed), slow)
}

/// The only one that is this long or longer.
#[track_caller]
fn the_long_one(gaps: &[AckGap], at_least: f64) -> (f64, f64) {
    let long: Vec<_> = gaps
        .iter()
        .map(|gap| (gap.from.as_secs_f64(), gap.to.as_secs_f64()))
        .filter(|(from, to)| to - from >= at_least)
        .collect();
    assert_eq!(long.len(), 1, "{gaps:?}");
    long[0]
}

#[test]
fn a_steady_load_has_none_whether_it_is_slow_or_in_a_closed_loop() {
    let server = Postgres::shared();
    let url = server.url();
    for options in [["--rate=2", "--writers=1"], ["--rate=max", "--writers=3"]] {
        let load = Gen::start([&[&*url, "--duration=3s"], &options[..]].concat());
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
    server.psql("BEGIN; LOCK TABLE pgchaos.user_events; SELECT pg_sleep(1.2); COMMIT");
    let after = clock.seconds(std::time::Instant::now());
    wait_for_answers(&load, load.now(), 1, 60);
    let finished = load.interrupt_and_finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let (from, to) = the_long_one(&recorded(&finished.record).0, 1.15);
    assert!(from >= before - 0.5 && to <= after + 0.5, "{from} to {to}, {before} to {after}");
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
    let goes_on =
        load.wait_for_event(SOON, "it goes on", |event| event["event"] == "ack_gap_goes_on");
    std::thread::sleep(Duration::from_secs(1));
    proxy.pass();
    let outage = wait_for_outage(&load, 1);
    wait_for_answers(&load, load.now(), 1, 40);
    let finished = load.interrupt_and_finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let (from, to) = the_long_one(&recorded(&finished.record).0, 1.0);
    let said = seconds(&goes_on["from_s"]);
    assert!((said - from).abs() < 1e-5, "said {said}, and was {from}");
    let (last_ack, first_ack) = (seconds(&outage["last_ack_s"]), seconds(&outage["first_ack_s"]));
    // 20 ms lie between two writes: the next one was due soon after the last acknowledgement.
    assert!(from >= last_ack - 1e-5 && from <= last_ack + 0.1, "{from}, {outage}");
    assert!((to - first_ack).abs() < 1e-5, "{to}, {outage}");
}

#[test]
fn one_that_is_open_at_the_end_of_the_load_ends_with_the_writer_that_tries_on() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let url = proxy.url();
    let load = Gen::start([&*url, "--rate=50", "--verify-timeout=1s", "--duration=4s"]);
    wait_for_answers(&load, 0, 1, 20);
    proxy.refuse();
    let finished = load.finish();
    assert_eq!(finished.code, 3, "{}", finished.stderr);
    let (from, to) = the_long_one(&recorded(&finished.record).0, 0.6);
    let outage = finished.event("outage_ended");
    let ended = seconds(&outage["began_s"]) + seconds(&outage["degraded_s"]);
    assert!(from < 3.5 && to >= 13.5 && (to - ended).abs() < 0.1, "{from} to {to}, {outage}");
}

#[test]
fn the_beginning_of_one_survives_a_kill() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let url = proxy.url();
    let load = Gen::start([&*url, "--rate=max"]);
    wait_for_answers(&load, 0, 1, 50);
    proxy.silence();
    let goes_on =
        load.wait_for_event(SOON, "it goes on", |event| event["event"] == "ack_gap_goes_on");
    // What was told is on disk soon after.
    std::thread::sleep(Duration::from_secs(1));
    load.signal(Signal::SIGKILL);
    let finished = load.finish();
    let (from, _) = the_long_one(&recorded(&finished.record).0, 0.3);
    let said = seconds(&goes_on["from_s"]);
    assert!((said - from).abs() < 1e-5, "said {said}, and was {from}");
}
