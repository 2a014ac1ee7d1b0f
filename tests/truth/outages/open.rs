//! Outages that are open when the load ends, under and over their limits, and pauses of pgchaos's own.

use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::books::{Said, Verdict};
use crate::harness::{Case, exact_or_again};
use crate::one_server::{BY_SILENCE, OneServer, SOON, report, wait_for, wait_for_outage};
use crate::support::Gen;

pub(crate) const CASES: &[Case] = &[
    Case::alone("outages::open_under_its_limit", open_under_its_limit),
    Case::alone("outages::open_over_its_limit", open_over_its_limit),
    Case::alone("outages::open_without_a_limit", open_without_a_limit),
    Case::alone("outages::open_and_back_after_the_load", open_and_back_after_the_load),
    Case::alone("outages::open_when_the_duration_is_over", open_when_the_duration_is_over),
    Case::alone("outages::availability_in_a_closed_loop", availability_in_a_closed_loop),
    Case::alone("outages::open_when_all_writes_were_due", open_when_all_writes_were_due),
    Case::alone("outages::open_when_killed", open_when_killed),
    Case::alone("outages::own_pause_alone", own_pause_alone),
    Case::alone("outages::own_pause_in_an_outage", own_pause_in_an_outage),
];

/// What a time may be off, beside the steps that made it.
const EXACT_S: f64 = 0.1;

fn seconds(value: &Value, name: &str) -> f64 {
    value[name].as_f64().unwrap_or_else(|| panic!("{name}: {value}"))
}

fn outage(said: &Said) -> Value {
    let outages = said.summary["outages"].as_array().unwrap();
    assert_eq!(outages.len(), 1, "{}", said.words);
    outages[0].clone()
}

/// Connections are refused from some time on, and then the load is stopped. Gives back when they were refused.
fn refused_and_stopped(args: &[&str]) -> (OneServer, Gen, Instant) {
    let one = OneServer::shared();
    // A silence of the machine would be an outage before this one.
    let load = one.load(&[&["--stall-after=20s"], args].concat());
    one.wait_for_writes(60);
    let refused = one.wire.refuse();
    wait_for(&load, 0, "outage_began");
    load.interrupt();
    wait_for(&load, 0, "stopping");
    (one, load, refused)
}

/// The end of the writers, and how long after the load was told to stop.
fn ended(load: &Gen) -> (Value, f64) {
    let outage = wait_for_outage(load, 1);
    let stopping = wait_for(load, 0, "stopping");
    let after = seconds(&outage, "at_s") - seconds(&stopping, "at_s");
    (outage, after)
}

fn open_under_its_limit() -> String {
    let (one, load, refused) = refused_and_stopped(&["--max-outage=5m"]);
    let (open, after) = ended(&load);
    let known = refused.elapsed().as_secs_f64();
    let stopping = seconds(&wait_for(&load, 0, "stopping"), "at_s");
    one.wire.pass();
    let (said, _, _) = one.end_of(&load.finish(), Verdict::Inconclusive);
    assert!((9.5..22.0).contains(&after), "tried on for {after} s");
    let length = seconds(&open, "open_s");
    let until = seconds(&open, "began_s") + length;
    assert!(length <= known, "{length} s of {known} s");
    // Both are rounded to milliseconds.
    assert!(until >= stopping - 0.002, "open until {until} s, stopped at {stopping} s");
    assert_eq!((&open["first_ack_s"], &open["writers_out_at_end"]), (&Value::Null, &json!(2)));
    let reasons = said.summary["reasons"].to_string();
    assert!(reasons.contains("when the load ended"), "{reasons}");
    format!("inconclusive: open for {length:.1} s, tried on for {after:.1} s")
}

/// Once it is over its limit nothing can change that: nothing is waited for.
fn open_over_its_limit() -> String {
    let (one, load, _) = refused_and_stopped(&["--max-outage=500ms"]);
    let (open, after) = ended(&load);
    one.wire.pass();
    let (said, _, _) = one.end_of(&load.finish(), Verdict::Fail);
    let length = seconds(&open, "open_s");
    assert!(length > 0.5, "{length}");
    exact_or_again(after < 9.0, || format!("decided, and yet tried on for {after} s"));
    let reasons = said.summary["reasons"].to_string();
    assert!(reasons.contains("open when the load ended"), "{reasons}");
    format!("fail: open for {length:.1} s, ended after {after:.1} s")
}

fn open_without_a_limit() -> String {
    let (one, load, _) = refused_and_stopped(&[]);
    let (open, _) = ended(&load);
    one.wire.pass();
    one.end_of(&load.finish(), Verdict::Pass);
    assert_eq!(open["writers_out_at_end"], 2);
    format!("no limit: pass, open after {:.1} s", seconds(&open, "open_s"))
}

/// The writers that are out try on, so that an outage that is over soon is measured to its end.
fn open_and_back_after_the_load() -> String {
    let (one, load, refused) = refused_and_stopped(&["--max-outage=5m"]);
    sleep(Duration::from_secs(2));
    let passes = one.wire.pass();
    let (closed, _) = ended(&load);
    let (said, _, _) = one.end_of(&load.finish(), Verdict::Pass);
    let known = passes.duration_since(refused).as_secs_f64();
    let (length, range) = (seconds(&closed, "duration_s"), &closed["writable_after_s"]);
    let earliest = range[0].as_f64().unwrap();
    exact_or_again(length >= known - EXACT_S && earliest <= known + EXACT_S, || {
        format!("{known} s: {closed}")
    });
    assert_eq!((&closed["open_s"], &closed["writers_out_at_end"]), (&Value::Null, &json!(0)));
    assert_eq!(said.summary["writes"]["due"], json!(due(&said)), "{}", said.summary);
    format!("pass: {length:.3} s, refused for {known:.3} s")
}

/// Everything that came due has its outcome: the writes that tried on are among them.
fn due(said: &Said) -> u64 {
    let of = |name: &str| said.summary["writes"][name].as_u64().unwrap();
    of("attempted") + of("skipped")
}

/// As with Ctrl-C, but the load ends by itself.
fn open_when_the_duration_is_over() -> String {
    let one = OneServer::shared();
    let args = ["--duration=20s", "--max-outage=5m", "--write-timeout=5s", BY_SILENCE];
    let load = one.load(&args);
    one.wait_for_writes(60);
    let from = load.now();
    one.wire.silence();
    // A server that was silent for a second before has had an outage of its own.
    let open = load.wait_for_event_after(from, SOON, "the load gives up", |event| {
        event["event"] == "outage_ended" && event["writers_out_at_end"] == 2
    });
    let after = seconds(&open, "at_s") - seconds(&wait_for(&load, from, "stopping"), "at_s");
    one.wire.pass();
    let (said, _, _) = one.end_of(&load.finish(), Verdict::Inconclusive);
    assert!((9.5..23.0).contains(&after), "tried on for {after} s");
    let elapsed = seconds(&said.summary, "elapsed_s");
    assert!((19.9..30.0).contains(&elapsed), "the load itself took {elapsed} s");
    format!("inconclusive: open for {:.1} s", seconds(&open, "open_s"))
}

/// All writes that were asked for came due in the outage: that is the end of the load as well.
fn open_when_all_writes_were_due() -> String {
    let one = OneServer::shared();
    let load = one.load(&["--writes=1000", "--max-outage=5m"]);
    one.wait_for_writes(60);
    one.wire.refuse();
    let open = wait_for_outage(&load, 1);
    one.wire.pass();
    let (said, _, _) = one.end_of(&load.finish(), Verdict::Inconclusive);
    let writes = &said.summary["writes"];
    assert_eq!((&writes["due"], &json!(due(&said))), (&json!(1000), &json!(1000)), "{writes}");
    assert_eq!(open["writers_out_at_end"], 2, "{open}");
    format!("inconclusive: open for {} s, {} skipped", open["open_s"], writes["skipped"])
}

/// Killed in an outage: what is told of the record has the outage that the verdict speaks of.
fn open_when_killed() -> String {
    let one = OneServer::shared();
    let load = one.load(&["--max-outage=500ms"]);
    one.wait_for_writes(60);
    one.wire.refuse();
    let began = seconds(&wait_for(&load, 0, "outage_began"), "at_s");
    load.wait_for_event(SOON, "attempts go on", |event| {
        event["event"] == "fault" && seconds(event, "at_s") > began + 2.0
    });
    load.signal(Signal::SIGKILL);
    let record = load.record().to_owned();
    one.wire.pass();
    let said = report(&record);
    let open = outage(&said);
    assert_eq!(open["writers_out_at_end"], 2, "{open}");
    assert!(seconds(&open, "open_s") > 0.5, "{open}");
    assert_eq!(said.summary["verdict"], "fail");
    format!("fail: open for {} s", open["open_s"])
}

/// In a closed loop nothing is due in an outage: what counts is time.
fn availability_in_a_closed_loop() -> String {
    let one = OneServer::shared();
    let load = one.load(&["--rate=max", "--min-availability=99", BY_SILENCE]);
    one.wait_for_writes(500);
    one.wire.refuse();
    wait_for(&load, 0, "outage_began");
    sleep(Duration::from_secs(3));
    one.wire.pass();
    wait_for_outage(&load, 1);
    one.wait_for_writes(500);
    let (said, _, _) = one.end(load, Verdict::Fail);
    // From the first row to the last, and what lies between two of them for long.
    let known = one.psql(
        "WITH gaps AS (
             SELECT created_at, created_at - lag(created_at) OVER (ORDER BY created_at) AS gap
               FROM pgchaos.user_events)
         SELECT extract(epoch FROM max(created_at) - min(created_at)),
                (SELECT sum(extract(epoch FROM gap)) FROM gaps WHERE gap >= interval '1 s')
           FROM gaps",
    );
    let numbers: Vec<f64> = known.split('|').map(|number| number.parse().unwrap()).collect();
    let (whole, gap) = (numbers[0], numbers[1]);
    let expected = (1.0 - gap / whole) * 100.0;
    let pct = seconds(&said.summary["rate"], "availability_pct");
    exact_or_again((pct - expected).abs() <= 100.0 * EXACT_S / whole * 2.0, || {
        format!("{pct} %, {expected} % by psql")
    });
    format!("{pct:.2} %, {expected:.2} % by the rows")
}

/// Stops pgchaos itself for a while. How long it was, at least and at most.
fn pause(load: &Gen, length: Duration) -> (f64, f64) {
    let before = Instant::now();
    load.signal(Signal::SIGSTOP);
    let stopped = Instant::now();
    sleep(length);
    let going_on = Instant::now();
    load.signal(Signal::SIGCONT);
    let bounds = (going_on.duration_since(stopped), before.elapsed());
    (bounds.0.as_secs_f64(), bounds.1.as_secs_f64())
}

fn longest_pause(said: &Said) -> f64 {
    let pauses = said.summary["own_pauses"].as_array().unwrap();
    pauses.iter().map(|pause| seconds(pause, "length_s")).fold(0.0, f64::max)
}

/// pgchaos was stopped for longer than an outage may be: whether there was one was not seen.
fn own_pause_alone() -> String {
    let one = OneServer::shared();
    let load = one.load(&["--max-outage=1s", "--max-p99=1500ms", "--stall-after=20s"]);
    one.wait_for_writes(60);
    let (least, most) = pause(&load, Duration::from_secs(2));
    wait_for(&load, 0, "own_pause");
    one.wait_for_writes(60);
    let (said, _, _) = one.end(load, Verdict::Inconclusive);
    assert_eq!(said.summary["outages"], json!([]), "the server was well all the time");
    let noticed = longest_pause(&said);
    // It goes on when it gets a processor again.
    assert!((least - 0.03..most + 2.0).contains(&noticed), "{noticed} of {least}..{most}");
    let reasons = said.summary["reasons"].to_string();
    assert!(reasons.contains("pgchaos itself did not run"), "{reasons}");
    format!("inconclusive: a pause of {noticed:.3} s, {least:.3} s by the clock")
}

/// An outage of which pgchaos slept through a part is over its limit by that part alone.
fn own_pause_in_an_outage() -> String {
    let one = OneServer::shared();
    // What it is awake for is far from the limit, what it sleeps for is over it.
    let load = one.load(&["--max-outage=10s"]);
    one.wait_for_writes(60);
    one.wire.refuse();
    wait_for(&load, 0, "outage_began");
    pause(&load, Duration::from_secs(11));
    one.wire.pass();
    let closed =
        load.wait_for_event(SOON, "the outage is over", |event| event["event"] == "outage_ended");
    one.wait_for_writes(20);
    let (said, _, _) = one.end(load, Verdict::Inconclusive);
    assert!(seconds(&closed, "duration_s") > 10.0, "{closed}");
    assert_eq!(outage(&said)["kind"], "connection");
    format!(
        "inconclusive: {} s, of which it slept {:.1} s",
        closed["duration_s"],
        longest_pause(&said)
    )
}
