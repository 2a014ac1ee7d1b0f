//! The end of a run while writes have no answer.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::looks::{SOON, run_id, tokens, verify, wait_for_answers};
use crate::support::{Finished, Gen, Postgres, Proxy};

/// A load of two writers; their answers are held from now on.
fn held(proxy: &Proxy, args: &[&str]) -> Gen {
    let url = proxy.url();
    let load = Gen::start_with(
        [&*url, "--rate=20", "--writers=2", "--write-timeout=20m", "--stall-after=500ms"]
            .iter()
            .chain(args),
        |_, command| {
            if args.iter().any(|arg| arg.starts_with("--duration")) {
                command.env_remove("PGCHAOS_DURATION");
            }
        },
    );
    wait_for_answers(&load, &[1, 2], 5);
    let from = load.now();
    proxy.hold_answers();
    for writer in [1, 2] {
        load.wait_for_event_after(from, SOON, "a write has no answer", |event| {
            event["event"] == "stalled" && event["writer"] == writer
        });
    }
    load
}

/// Its books are whole, though nothing was verified; and a verification later gives the verdict.
#[track_caller]
fn is_stopped_with_its_books_whole(
    finished: &Finished,
    (server, proxy): (&Postgres, &Proxy),
    run: &str,
) {
    assert_eq!(finished.code, 130, "{}", finished.stderr);
    let lines = finished.recorded();
    let told: Vec<&Value> = lines.iter().filter(|line| line["event"] == "given_up").collect();
    assert_eq!(told.len(), 2, "what is in flight is told\n{}", finished.stderr);
    assert!(lines.iter().any(|line| line["event"] == "closed"));
    assert_eq!(lines.last().unwrap()["complete"], true);
    let writes = &finished.summary["writes"];
    assert_eq!((&writes["in_doubt"], &writes["unaccounted"]), (&json!(2), &json!(0)));
    assert_eq!(finished.summary["errors"], json!({}), "it is no error");
    proxy.pass();
    let (code, summary, stderr) = verify(&finished.record, &[]);
    assert_eq!((code, &summary["verdict"]), (0, &json!("pass")), "{stderr}{summary:#}");
    let there = u64::try_from(tokens(server, run).len()).unwrap();
    assert_eq!(summary["verification"]["present"], there);
    assert_eq!(summary["verification"]["lost"], 0);
}

#[test]
fn a_second_ctrl_c_leaves_what_is_in_flight_in_doubt_and_the_books_whole() {
    let server = Postgres::start();
    let proxy = Proxy::start(server.port());
    let load = held(&proxy, &[]);
    let run = run_id(&load);
    load.interrupt();
    load.wait_for_event(SOON, "it stops", |event| event["event"] == "stopping");
    let asked = Instant::now();
    load.interrupt();
    let finished = load.finish();
    assert!(asked.elapsed() < Duration::from_secs(10), "at once: {:?}", asked.elapsed());
    is_stopped_with_its_books_whole(&finished, (&server, &proxy), &run);
}

#[test]
fn once_the_duration_is_over_one_signal_stops_at_once() {
    let stop_by = |signal| {
        let server = Postgres::start();
        let proxy = Proxy::start(server.port());
        // Long enough for the story before its end on any machine.
        let load = held(&proxy, &["--duration=30s"]);
        let run = run_id(&load);
        load.wait_for_event(SOON, "it stops", |event| event["reason"] == "duration");
        load.signal(signal);
        is_stopped_with_its_books_whole(&load.finish(), (&server, &proxy), &run);
    };
    std::thread::scope(|scope| {
        for signal in [Signal::SIGINT, Signal::SIGTERM] {
            scope.spawn(move || stop_by(signal));
        }
    });
}

#[test]
fn a_write_in_flight_at_the_end_has_ten_seconds_and_not_its_whole_timeout() {
    let server = Postgres::start();
    let proxy = Proxy::start(server.port());
    let load = held(&proxy, &[]);
    let run = run_id(&load);
    load.interrupt();
    let stopping = load.wait_for_event(SOON, "it stops", |event| event["event"] == "stopping");
    let at = |event: &Value| event["at_s"].as_f64().unwrap();
    for writer in [1, 2] {
        let late = load.wait_for_event(SOON, "it is in doubt", |event| {
            event["fault"]["class"] == "timeout"
                && event["writer"] == writer
                && event["in_doubt"].is_array()
        });
        let waited = at(&late) - at(&stopping);
        assert!((9.0..25.0).contains(&waited), "{waited}");
    }
    proxy.pass();
    let finished = load.finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert_eq!(finished.summary["writes"]["in_doubt"], 2);
    assert_eq!(finished.summary["verification"]["recovered"], 2);
    assert_eq!(finished.summary["verification"]["present"], tokens(&server, &run).len());
}

#[test]
fn one_ctrl_c_while_it_verifies_stops_at_once() {
    let server = Postgres::start();
    let proxy = Proxy::start(server.port());
    // Ten seconds leave time to close the way before it verifies; a first session that is late skips no write.
    let url = proxy.url();
    let args = [&*url, "--rate=2", "--writes=20", "--backlog=catch-up"];
    let load = Gen::start_with(args, |_, command| {
        command.env("PGCHAOS_VERIFY_TIMEOUT", "10m").env_remove("PGCHAOS_DURATION");
    });
    load.wait_for_event(SOON, "it has its session", |event| event["event"] == "connected");
    proxy.close_on_accept();
    load.wait_for_event(SOON, "it verifies", |event| event["event"] == "verifying");
    load.interrupt();
    let finished = load.finish();
    assert_eq!(finished.code, 130, "{}", finished.stderr);
    proxy.pass();
    let (code, summary, stderr) = verify(&finished.record, &[]);
    assert_eq!((code, &summary["verdict"]), (0, &json!("pass")), "{stderr}");
    assert_eq!(summary["writes"]["acknowledged"], 20);
}
