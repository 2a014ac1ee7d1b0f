//! Many writers make no storm, and are back together.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::clocks::{RunClock, SOON, seconds, wait_for_answers, wait_for_outage};
use crate::support::{Gen, Postgres, Proxy};

const WRITERS: i64 = 50;

fn connected(events: &[Value]) -> BTreeMap<i64, f64> {
    let sessions = events.iter().filter(|event| event["event"] == "connected");
    sessions.map(|event| (event["writer"].as_i64().unwrap(), seconds(&event["at_s"]))).collect()
}

#[test]
fn fifty_writers_try_twenty_times_a_second_in_all_and_are_back_together() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let url = proxy.url();
    let load = Gen::start([&*url, "--rate=200", "--writers=50"]);
    let clock = RunClock::of(&load);
    for writer in 1..=WRITERS {
        wait_for_answers(&load, 0, writer, 2);
    }
    // Every attempt is accepted, and so counted, and then closed without a word.
    let broken = proxy.close_on_accept();
    proxy.cut();
    load.wait_for_event(SOON, "all have lost their session", |event| {
        event["event"] == "fault" && event["fault"]["class"] == "no_backend"
    });
    // The first moment is over: from here on they take turns.
    std::thread::sleep(Duration::from_millis(500));
    let from = Instant::now();
    std::thread::sleep(Duration::from_secs(3));
    let until = Instant::now();
    let attempts = proxy.accept_times().iter().filter(|at| (from..until).contains(*at)).count();
    let in_the_first_moment =
        proxy.accept_times().iter().filter(|at| (broken..from).contains(*at)).count();
    let length = (until - from).as_secs_f64();
    #[allow(clippy::cast_precision_loss, reason = "a small number")]
    let rate = attempts as f64 / length;
    println!("{in_the_first_moment} attempts in the first moment, then {rate:.1} a second");
    // Each with a backoff of its own alone, they would be ten times as many.
    assert!(rate < 30.0, "{attempts} attempts in {length} s");
    assert!(rate >= 2.0, "they do not give up: {attempts} attempts in {length} s");
    let gone = load.now();
    proxy.pass();
    let outage = wait_for_outage(&load, 1);
    let finished = load.interrupt_and_finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);

    let first_ack = seconds(&outage["first_ack_s"]);
    let all = seconds(&outage["began_s"]) + seconds(&outage["phases_s"]["all_writers"]);
    let back = connected(&finished.events[gone..]);
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
    // At twenty a second 50 writers would take two and a half seconds: this tells the two apart on any machine.
    assert!(all - first_ack < 2.0, "{outage:#}");
}
