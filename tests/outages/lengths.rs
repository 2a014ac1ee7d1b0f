//! When an outage is noticed, and how long it was.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::clocks::{RunClock, SOON, seconds, wait_for_answers, wait_for_fault, wait_for_outage};
use crate::support::{Gen, Postgres, Proxy};

/// What may come later, or seem to, on a machine that has something else to do; far below what each test tells apart.
const BUSY: f64 = 1.0;

/// For what is no silence: a server that waits for a processor is no outage.
const PATIENT: &str = "--stall-after=20s";

#[test]
fn the_end_of_an_idle_session_is_noticed_at_once_and_not_by_the_next_write() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let url = proxy.url();
    // A write every five seconds: a clock that waits for the next one is seconds late. Each reconnect sends one ahead of its
    // time, so that none comes due while this test lasts.
    let load = Gen::start([&*url, "--rate=0.2", "--read-every=0", PATIENT]);
    let clock = RunClock::of(&load);
    let mut late = Vec::new();
    let mut from = 0;
    load.wait_for_event(SOON, "the first write", |event| event["event"] == "written");
    for nth in 1..=9 {
        let cut = proxy.cut();
        let fault = wait_for_fault(&load, from, "connection_lost");
        let noticed = Instant::now();
        assert_eq!(fault["fault"]["phase"], "idle", "{fault}");
        assert!(fault["in_doubt"].is_null(), "nothing was in flight: {fault}");
        let at = seconds(&fault["at_s"]) - clock.seconds(cut);
        late.push((at * 1e3, (noticed - cut).as_secs_f64() * 1e3));
        let outage = wait_for_outage(&load, nth);
        // Whatever is late, it is written down as it was: the outage began when the fault was seen.
        assert_eq!(outage["began_s"], fault["at_s"]);
        from = load.now();
    }
    println!("noticed, and told, after so many ms: {late:.1?}");
    let mut noticed: Vec<f64> = late.iter().map(|(noticed, _)| *noticed).collect();
    noticed.sort_by(f64::total_cmp);
    // Within 100 ms; six of nine may meet a machine that is busy. None of them waited for a write: each was idle.
    assert!(noticed[2] < 100.0, "{late:?}");
    assert_eq!(load.interrupt_and_finish().code, 0);
}

/// What the proxy did, as seconds of the run: when the way was broken, and when it was mended.
struct Broken {
    /// Between these the breaking happened.
    from: (f64, f64),
    /// Between these the mending happened.
    until: (f64, f64),
    outage: Value,
}

/// One outage of a load with 100 writes a second.
fn break_for(
    length: Duration,
    args: &[&str],
    break_it: impl Fn(&Proxy) -> Instant,
    mend_it: impl Fn(&Proxy) -> Instant,
) -> Broken {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let url = proxy.url();
    let load = Gen::start([&*url, "--rate=100"].into_iter().chain(args.iter().copied()));
    let clock = RunClock::of(&load);
    wait_for_answers(&load, 0, 1, 30);
    let span = |at: Instant| (clock.seconds(at), clock.seconds(Instant::now()));
    let before = load.now();
    let from = span(break_it(&proxy));
    sleep(length);
    let until = span(mend_it(&proxy));
    let outage = load.wait_for_event_after(before, SOON, "the outage is over", |event| {
        event["event"] == "outage_ended"
    });
    let finished = load.interrupt_and_finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert_eq!(finished.summary["verification"]["lost"], 0);
    let (all, told) = (finished.summary["outages"].as_array().unwrap(), &finished.stderr);
    assert!(all.iter().any(|one| one["n"] == outage["n"]), "{told}");
    for other in all.iter().filter(|one| one["n"] != outage["n"]) {
        // A silence of the machine, before the way was broken or after it was mended.
        assert_eq!(other["kind"], "stall", "{told}");
        let began = seconds(&other["began_s"]);
        let ended = began + seconds(&other["duration_s"]);
        assert!(ended < from.1 || began > until.0, "a second one of one break: {told}");
    }
    Broken { from, until, outage }
}

/// Measures an outage of three seconds. What is said is true within 50 ms, or within the resolution that is stated.
///
/// When the machine did something else just then, it is measured again: that the load was not given the time to send its
/// next write is no lie about the outage. What holds on any machine must hold every time.
fn is_true(
    what: &str,
    args: &[&str],
    break_it: impl Fn(&Proxy) -> Instant,
    mend_it: impl Fn(&Proxy) -> Instant,
) -> Value {
    for _ in 0..5 {
        let Broken { from, until, outage } =
            break_for(Duration::from_secs(3), args, &break_it, &mend_it);
        let (began, duration) = (seconds(&outage["began_s"]), seconds(&outage["duration_s"]));
        let (resolution, first_ack) =
            (seconds(&outage["resolution_s"]), seconds(&outage["first_ack_s"]));
        let error = duration - (until.0 - from.0);
        println!(
            "{what}: duration {duration:.4} s is {:+.1} ms off, resolution {:.1} ms; began {:+.1} ms, ended {:+.1} ms",
            error * 1e3,
            resolution * 1e3,
            (began - from.0) * 1e3,
            (first_ack - until.0) * 1e3,
        );
        assert!((began + duration - first_ack).abs() < 1e-5, "from the evidence to the write");
        assert!(resolution <= duration, "{outage}");
        assert!((from.0 - BUSY..=from.1 + BUSY).contains(&began), "{began} of {from:?}");
        assert!(first_ack >= until.0 - BUSY, "{first_ack} of {until:?}");
        assert!(first_ack - resolution <= until.1 + BUSY, "{first_ack} of {until:?}");
        // The orders to the proxy took a moment themselves.
        let orders = (from.1 - from.0) + (until.1 - until.0);
        if error.abs() <= resolution.max(0.05) + orders {
            return outage;
        }
    }
    panic!("{what}: five times further off than 50 ms and than the resolution");
}

#[test]
fn the_length_of_an_outage_with_nobody_listening_is_true() {
    let outage = is_true("refused for 3 s", &[PATIENT], Proxy::refuse, Proxy::pass);
    assert_eq!(outage["kind"], "connection");
    assert!(outage["errors"]["refused"].as_u64() >= Some(3), "{outage}");
    // Attempts at most half a second apart, by the longest backoff.
    let resolution = seconds(&outage["resolution_s"]);
    assert!(resolution < 0.5 + BUSY, "{resolution}");
}

#[test]
fn the_length_of_a_silence_is_true() {
    // The silent write itself is answered in the end: nothing is in doubt, and the end is as sharp as can be.
    let outage = is_true("silent for 3 s", &[], Proxy::silence, Proxy::pass);
    assert_eq!(outage["kind"], "stall");
    assert_eq!(outage["errors"], serde_json::json!({}));
    assert_eq!(outage["resolution_s"], 0.0);
}

#[test]
fn the_length_of_a_silence_that_outlasts_a_deadline_is_true() {
    let timeouts = ["--write-timeout=700ms", "--connect-timeout=700ms"];
    let what = "silent for 3 s, deadlines of 0.7 s";
    let outage = is_true(what, &timeouts, Proxy::silence, Proxy::pass);
    assert_eq!(outage["kind"], "stall");
    assert!(outage["errors"]["timeout"].as_u64() >= Some(2), "{outage}");
}

#[test]
fn a_cut_that_takes_no_time_is_as_short_as_a_reconnect() {
    let broken = break_for(Duration::ZERO, &[PATIENT], Proxy::cut, |_| Instant::now());
    let outage = &broken.outage;
    let (duration, resolution) = (seconds(&outage["duration_s"]), seconds(&outage["resolution_s"]));
    println!("cut: {:.1} ms, resolution {:.1} ms", duration * 1e3, resolution * 1e3);
    assert_eq!(outage["errors"], serde_json::json!({"connection_lost": 1}));
    assert_eq!(outage["attempts"], 1, "{outage}");
    // The cut took no time: all of it is within what the program says that it cannot tell.
    assert!(duration <= resolution + 1e-5, "{outage}");
    assert!(duration < 0.5 + BUSY, "{outage}");
}
