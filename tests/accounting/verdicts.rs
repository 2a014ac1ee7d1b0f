//! What makes a run fail, and how many writes there are.

use std::time::Duration;

use serde_json::Value;

use crate::looks::{
    SOON, assert_complete, run_id, tokens, verify, wait_for_answers, wait_for_outage,
};
use crate::support::{Finished, Gen, Postgres, Proxy, free_ports};

#[test]
fn a_latency_above_the_threshold_fails() {
    let server = Postgres::shared();
    let url = server.url();
    let run = |threshold: &str| {
        Gen::start([&*url, "--rate=max", "--writes=20", "--max-p99", threshold]).finish()
    };
    let finished = run("1us");
    assert_eq!(finished.code, 1, "{}", finished.stderr);
    assert!(reasons(&finished).contains("99th percentile of latency"), "{}", reasons(&finished));
    assert_eq!(run("60s").code, 0);
}

fn reasons(finished: &Finished) -> String {
    finished.summary["reasons"].to_string()
}

/// Far longer than pgchaos itself gets no processor: what it slept through of an outage proves no limit exceeded.
const LONG: Duration = Duration::from_secs(4);

/// A run in which nothing could be written for at least this long.
fn with_an_outage(outage: Duration, args: &[&str]) -> Finished {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let url = proxy.url();
    let usual = [&*url, "--rate=50", "--stall-after=20s"];
    let load = Gen::start(usual.into_iter().chain(args.iter().copied()));
    wait_for_answers(&load, &[1], 10);
    proxy.refuse();
    std::thread::sleep(outage);
    proxy.pass();
    wait_for_outage(&load, 1);
    load.interrupt_and_finish()
}

#[test]
fn an_outage_above_the_threshold_fails() {
    let finished = with_an_outage(LONG, &["--max-outage=300ms"]);
    assert_eq!(finished.code, 1, "{}", finished.stderr);
    assert!(reasons(&finished).contains("an outage of"), "{}", reasons(&finished));
    let finished = with_an_outage(LONG, &["--max-outage=60s"]);
    assert_eq!((finished.code, reasons(&finished).as_str()), (0, "[]"));
}

#[test]
fn an_availability_below_the_threshold_fails() {
    let finished = with_an_outage(LONG, &["--min-availability=100"]);
    assert_eq!(finished.code, 1, "{}", finished.stderr);
    assert!(reasons(&finished).contains("% of due writes acknowledged"), "{}", reasons(&finished));
    let finished = with_an_outage(Duration::from_millis(400), &["--min-availability=0.1"]);
    assert_eq!(finished.code, 0, "{}", reasons(&finished));
    let writes = &finished.summary["writes"];
    let number = |name: &str| writes[name].as_f64().unwrap();
    let pct = finished.summary["rate"]["availability_pct"].as_f64().unwrap();
    assert!((pct - number("acknowledged") / number("due") * 100.0).abs() < 1e-6, "{writes}: {pct}");
}

#[test]
fn losses_up_to_the_threshold_pass_and_one_more_fails() {
    let server = Postgres::shared();
    let url = server.url();
    for (lost, code) in [(3, 0), (4, 1)] {
        let load = Gen::start([&*url, "--rate=100", "--max-lost=3"]);
        let run = run_id(&load);
        wait_for_answers(&load, &[1], 20);
        server.psql(&format!(
            "DELETE FROM pgchaos.user_events WHERE run_id = '{run}' AND seq <= {lost}"
        ));
        let finished = load.interrupt_and_finish();
        assert_eq!(finished.code, code, "{}", finished.stderr);
        assert_eq!(finished.summary["verification"]["lost"], lost, "counted all the same");
    }
}

#[test]
fn a_run_that_acknowledged_nothing_is_inconclusive() {
    let proxy = Proxy::start(Postgres::shared().port());
    proxy.refuse();
    let url = proxy.url();
    let load = Gen::start([&*url, "--verify-timeout=500ms"]);
    load.wait_for_event(SOON, "it is refused", |event| event["fault"]["class"] == "refused");
    let finished = load.interrupt_and_finish();
    assert_eq!(finished.code, 3, "{}", finished.stderr);
    assert_eq!(finished.summary["verdict"], "inconclusive");
    assert_eq!(finished.summary["writes"]["acknowledged"], 0);
}

fn count(finished: &Finished, name: &str) -> u64 {
    finished.summary["writes"][name].as_u64().unwrap()
}

/// 1000 writes at 100 a second, with a second in the middle without the server.
fn through_a_gap(backlog: &str) -> Finished {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let url = proxy.url();
    let load = Gen::start([&*url, "--rate=100", "--writes=1000", "--backlog", backlog]);
    wait_for_answers(&load, &[1], 20);
    proxy.refuse();
    std::thread::sleep(Duration::from_secs(1));
    proxy.pass();
    let finished = load.finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert_complete(&finished.summary);
    assert_eq!(finished.event("stopping")["reason"], "writes");
    finished
}

#[test]
fn a_backlog_is_skipped_and_counted() {
    let finished = through_a_gap("skip");
    let skipped = count(&finished, "skipped");
    assert!(skipped > 0, "{}", finished.summary);
    assert_eq!(count(&finished, "due"), 1000);
    assert_eq!(count(&finished, "attempted") + skipped, 1000);
    let longest = latency(&finished.summary, "max");
    println!("skipped {skipped}, longest latency {longest} ms");
}

#[test]
fn a_backlog_is_caught_up_with_latencies_from_when_the_writes_were_due() {
    let finished = through_a_gap("catch-up");
    assert_eq!((count(&finished, "due"), count(&finished, "skipped")), (1000, 0));
    assert_eq!(count(&finished, "attempted"), 1000);
    // A write that was due when the server went waited at least for it to come back.
    let longest = latency(&finished.summary, "max");
    assert!(longest >= 900.0, "{longest} ms");
}

#[test]
fn nothing_comes_due_after_the_end_however_long_the_last_answer_is_waited_for() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let url = proxy.url();
    // A write has longer than the whole run: whenever its answer is held, it is given up after the end.
    let load = Gen::start([&*url, "--rate=100", "-T10s", "--read-every=0", "--write-timeout=12s"]);
    wait_for_answers(&load, &[1], 50);
    let from = load.now();
    proxy.silence();
    load.wait_for_event_after(from, SOON, "the write is given up", |event| {
        event["fault"]["class"] == "timeout" && event["in_doubt"].is_array()
    });
    proxy.pass();
    let finished = load.finish();
    let due = count(&finished, "due");
    assert!((50..=1000).contains(&due), "{due} were due in 10 s at 100/s: {}", finished.summary);
    assert_eq!(due, count(&finished, "attempted") + count(&finished, "skipped"));
}

fn latency(summary: &Value, which: &str) -> f64 {
    summary["latency_ms"][which].as_f64().unwrap()
}

#[test]
fn a_bounded_run_sends_exactly_its_writes() {
    let server = Postgres::shared();
    let url = server.url();
    for (rate, writers, pipeline) in [("max", "4", "8"), ("3000", "7", "1"), ("max", "1", "1")] {
        let load = Gen::start([
            &*url,
            "--writes=503",
            // A first session that is late skips no write.
            "--backlog=catch-up",
            "--rate",
            rate,
            "--writers",
            writers,
            "--pipeline",
            pipeline,
        ]);
        let run = run_id(&load);
        let finished = load.finish();
        assert_eq!(finished.code, 0, "{}", finished.stderr);
        assert_complete(&finished.summary);
        for name in ["attempted", "acknowledged"] {
            assert_eq!(count(&finished, name), 503, "{name}");
        }
        assert_eq!(tokens(&server, &run).len(), 503);
    }
}

/// A run that was verified, and cannot be now: every rendering and the exit code say the same.
#[test]
fn a_verification_that_cannot_be_had_now_is_nowhere_a_pass() {
    let server = Postgres::shared();
    let finished = Gen::start([&*server.url(), "--rate=max", "--writes=5"]).finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let folder = tempfile::tempdir().unwrap();
    let reports = ["now.xml", "now.md"].map(|name| folder.path().join(name));
    let [xml, markdown] = reports.each_ref().map(|report| report.to_str().unwrap());
    let port = free_ports(1).to_string();
    let args = ["-p", &port, "--verify-timeout=1s", "--report", xml, "--report", markdown];
    let (code, summary, stderr) = verify(&finished.record, &args);
    assert_eq!((code, &summary["verdict"]), (3, &Value::from("inconclusive")), "{stderr}");
    assert!(summary["reasons"].to_string().contains("not verified now"), "{summary:#}");
    let both = "both stand: this verification saw nothing, so that it is inconclusive, and the run stays a pass";
    assert!(summary["reasons"].to_string().contains(both), "{summary:#}");
    assert_eq!(summary["verification"]["present"], 5, "what was found before stays");
    let [xml, markdown] = reports.map(|report| std::fs::read_to_string(report).unwrap());
    assert!(xml.contains(r#"errors="1""#) && xml.contains("not verified now"), "{xml}");
    assert!(markdown.lines().next().unwrap().contains("Inconclusive"), "{markdown}");
    let (code, summary, _) = verify(&finished.record, &[]);
    assert_eq!((code, &summary["verdict"]), (0, &Value::from("pass")), "{summary:#}");
}
