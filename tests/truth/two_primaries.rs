//! Two servers that both take writes: which of them decides, and when none does.

use serde_json::Value;
use uuid::Uuid;

use crate::books::{Said, Truth, Verdict, assert_true};
use crate::harness::{Case, exact_or_again};
use crate::one_server::{
    BY_SILENCE, OneServer, SOON, ask, run_id, start_load, verify, wait_for_outage, wait_for_writes,
};
use crate::pair::{Pair, timeline, wait_for_standby};
use crate::support::{Gen, Postgres, Proxy, Stop, pgchaos, wait_until};

pub(crate) const CASES: &[Case] = &[
    Case::alone("pair::old_primary_back_first_in_the_string", old_primary_back_first_in_the_string),
    Case::alone("pair::verify_with_the_old_primary_back", verify_with_the_old_primary_back),
    Case::alone("pair::both_written_to_old_one_first", both_written_to_old_one_first),
    Case::alone("pair::both_promoted_on_one_timeline", both_promoted_on_one_timeline),
    Case::alone("pair::standby_promoted_by_accident", standby_promoted_by_accident),
    Case::alone("pair::witnesses_of_a_promoted_standby", witnesses_of_a_promoted_standby),
    Case::alone("pair::witnesses_of_an_old_primary_that_is_back", witnesses_of_an_old_primary_back),
    Case::alone("pair::a_moved_name_with_witnesses", moved_name_with_witnesses),
    Case::alone("pair::a_thawed_primary_that_stays", thawed_primary_that_stays),
    Case::alone("pair::witnesses_of_an_ordinary_failover", witnesses_of_an_ordinary_failover),
    Case::alone("pair::witnesses_of_a_stopped_client", witnesses_of_a_stopped_client),
    Case::alone("pair::witnesses_and_an_answer_that_comes_late", witnesses_and_a_late_answer),
    Case::alone("pair::a_member_of_another_cluster", member_of_another_cluster),
];

/// How exactly a window is known: a witness writes five times a second.
const EXACTLY_S: f64 = 0.2 + 0.1;

/// The options that watch both servers at their own ports, each with a witness.
fn witnesses(pair: &Pair) -> [String; 3] {
    let member = |name: &str, port: u16| {
        format!("--members={name}=host=127.0.0.1 port={port} password=postgres")
    };
    [member("a", pair.a.port()), member("b", pair.b.port()), "--witness".to_owned()]
}

fn load_with_witnesses(pair: &Pair, args: &[&str]) -> Gen {
    beside_witnesses(pair, args, |all| pair.load(all))
}

/// The same of a load that knows A alone.
fn load_of_a_with_witnesses(pair: &Pair, args: &[&str]) -> Gen {
    beside_witnesses(pair, args, |all| start_load(&pair.to_a.url(), all))
}

fn beside_witnesses(pair: &Pair, args: &[&str], start: impl Fn(&[&str]) -> Gen) -> Gen {
    let witnesses = witnesses(pair);
    let all: Vec<&str> = witnesses.iter().map(String::as_str).chain(args.iter().copied()).collect();
    start(&all)
}

/// A time of a server's, since the start of the run.
fn since_start(server: &Postgres, said: &Said, time: &str) -> f64 {
    let started = said.summary["started_at"].as_str().unwrap();
    let sql = format!("SELECT extract(epoch FROM {time} - '{started}'::timestamptz)::float8");
    server.psql(&sql).parse().unwrap()
}

/// Waits until a server has this member's witness's rows that no other server sent it.
fn wait_for_witness(load: &Gen, from: usize, member: &str) {
    load.wait_for_event_after(from, SOON, "its witness writes", |event| {
        event["event"] == "witness" && event["member"] == member && event["state"] == "takes"
    });
}

/// The writes on A that were sent after B had acknowledged one, by the servers' own clocks, which are this machine's: the
/// first row that B took as a primary, and the rows of the run on A that are not older.
fn window_by_servers(pair: &Pair, run: Uuid, said: &Said) -> (f64, f64) {
    let taken_by_b = since_start(
        &pair.b,
        said,
        &format!(
            "(SELECT min(created_at) FROM pgchaos.user_events
               WHERE run_id <> '{run}' AND writer = 2)"
        ),
    );
    let last_of_a = since_start(&pair.a, said, "(SELECT max(created_at) FROM pgchaos.user_events)");
    (taken_by_b, last_of_a)
}

/// The only window, and that of these servers.
#[track_caller]
fn only_window(said: &Said) -> (f64, f64, Value) {
    let windows = said.summary["two_primaries"].as_array().expect("a list");
    assert_eq!(windows.len(), 1, "{:#}", said.summary["two_primaries"]);
    let window = windows[0].clone();
    (window["from_s"].as_f64().unwrap(), window["to_s"].as_f64().unwrap(), window)
}

/// The window is as the servers know it, or the case is told again: a witness that got no processor just then is late.
fn assert_window(said: &Said, truth: (f64, f64)) {
    let (from, to, window) = only_window(said);
    let is_exact = (from - truth.0).abs() <= EXACTLY_S && (to - truth.1).abs() <= EXACTLY_S;
    exact_or_again(is_exact, || format!("by the servers {truth:?}: {window:#}"));
}

/// The rows of the load on A that are newer than B's first own row: the losing side's writes.
fn writes_of_losing_side(pair: &Pair, run: Uuid, since: f64, said: &Said) -> u64 {
    let started = said.summary["started_at"].as_str().unwrap();
    let sql = format!(
        "SELECT count(*) FROM pgchaos.user_events WHERE run_id = '{run}'
            AND created_at > '{started}'::timestamptz + make_interval(secs => {since})"
    );
    pair.a.psql(&sql).parse().unwrap()
}

/// The load knows A alone; B is promoted beside it, and only its witness writes there.
fn witnesses_of_a_promoted_standby() -> String {
    let pair = Pair::start();
    let load = load_of_a_with_witnesses(&pair, &[]);
    let run = run_id(&load);
    wait_for_writes(&pair.to_a, 60);
    wait_for_standby(&pair.b);
    let from = load.now();
    pair.b.promote();
    wait_for_witness(&load, from, "b");
    wait_for_writes(&pair.to_a, 300);
    let said = Said::from(&load.interrupt_and_finish());
    let truth = pair.truth(run, &pair.a);
    let by_servers = window_by_servers(&pair, run, &said);
    let (_, _, window) = only_window(&said);
    assert_eq!(
        (window["old"]["timeline"].as_u64(), window["new"]["timeline"].as_u64()),
        (Some(1), Some(2))
    );
    assert!(window["witness_writes"].as_u64().unwrap() > 0, "{window:#}");
    let writes = window["writes"].as_u64().unwrap();
    let by_rows = writes_of_losing_side(&pair, run, by_servers.0, &said);
    assert!(writes <= by_rows, "{writes} of {by_rows}: {window:#}");
    assert_eq!(window["lost"], 0, "A alone is the cluster of this load");
    assert!(said.summary["reasons"].to_string().contains("two primaries"), "{:#}", said.summary);
    let line = assert_true(&said, &truth, &[Verdict::Fail]);
    assert_window(&said, by_servers);
    // Between B's row and its acknowledgement A may have taken a few.
    exact_or_again(by_rows - writes <= 10, || format!("{writes} of {by_rows}: {window:#}"));
    line
}

/// An address that is said to be a member's leads to another cluster: that is told, and nothing is written there.
fn member_of_another_cluster() -> String {
    let (one, other) = (OneServer::shared(), Postgres::start());
    let port = other.port();
    let member = format!("--members=b=host=127.0.0.1 port={port} dbname=postgres");
    let load = one.load(&[&member, "--witness"]);
    let refused = load.wait_for_event(SOON, "it is told", |event| {
        event["event"] == "member_server" && event["state"] == "refused"
    });
    assert_eq!(
        (refused["member"].as_str(), refused["reason"].as_str()),
        (Some("b"), Some("a server of another cluster answers there"))
    );
    one.wait_for_writes(60);
    let (said, _, line) = one.end(load, Verdict::Pass);
    assert_no_window(&said);
    assert_eq!(other.psql("SELECT to_regclass('pgchaos.user_events') IS NULL"), "t");
    line
}

/// A comes back as a primary of timeline 1 while the load is on B, and takes writes of its witness; then of the load.
fn witnesses_of_an_old_primary_back() -> String {
    let pair = Pair::start();
    let load = load_with_witnesses(&pair, &[]);
    let run = run_id(&load);
    wait_for_writes(&pair.to_a, 60);
    pair.fail_over(&load);
    let from = load.now();
    pair.a.start_again();
    wait_for_witness(&load, from, "a");
    pair.to_b.refuse();
    wait_for_writes(&pair.to_a, 60);
    pair.to_b.pass();
    let said = Said::from(&load.interrupt_and_finish());
    let truth = pair.truth(run, &pair.b);
    let (_, _, window) = only_window(&said);
    assert_eq!(window["lost"], truth.lost().len(), "{window:#}");
    assert_eq!(window["writes"], truth.lost().len(), "all that A took then: {window:#}");
    let of_ranges: i64 = window["lost_writes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["last_seq"].as_i64().unwrap() - one["first_seq"].as_i64().unwrap() + 1)
        .sum();
    assert_eq!(of_ranges, i64::try_from(truth.lost().len()).unwrap());
    let witness = format!(
        "SELECT min(extract(epoch FROM created_at - '{}'::timestamptz))::float8
           FROM pgchaos.user_events e
          WHERE run_id <> '{run}' AND created_at > pg_postmaster_start_time()",
        said.summary["started_at"].as_str().unwrap()
    );
    let first: f64 = pair.a.psql(&witness).parse().unwrap();
    let since = window["from_s"].as_f64().unwrap();
    let line = assert_true(&said, &truth, &[Verdict::Fail]);
    exact_or_again((since - first).abs() <= EXACTLY_S, || {
        format!("from {since}, A's first row then {first}")
    });
    line
}

/// One name for the load, which leads to B from now on, while A goes on with the sessions that it has.
fn moved_name_with_witnesses() -> String {
    let pair = Pair::start();
    let load = load_of_a_with_witnesses(&pair, &["--verify-timeout=20s"]);
    let run = run_id(&load);
    wait_for_writes(&pair.to_a, 60);
    wait_for_standby(&pair.b);
    let from = load.now();
    pair.to_a.retarget(pair.b.port());
    pair.b.promote();
    wait_for_witness(&load, from, "b");
    wait_for_writes(&pair.to_a, 200);
    let on_a: u64 = pair
        .a
        .psql(&format!("SELECT count(*) FROM pgchaos.user_events WHERE run_id = '{run}'"))
        .parse()
        .unwrap();
    pair.to_a.cut();
    wait_for_outage(&load, 1);
    wait_for_writes(&pair.to_a, 60);
    let said = Said::from(&load.interrupt_and_finish());
    let truth = pair.truth(run, &pair.b);
    let (_, _, window) = only_window(&said);
    let (lost, writes) = (window["lost"].as_u64().unwrap(), window["writes"].as_u64().unwrap());
    assert!(writes > 0 && writes <= on_a + 60, "{window:#}");
    // What A took between B's promotion and its witness's first row is lost too, and before the window.
    assert_eq!(lost, writes, "{window:#}");
    assert!(truth.lost().len() as u64 >= lost, "{} of {window:#}", truth.lost().len());
    assert_true(&said, &truth, &[Verdict::Fail])
}

/// What `pgchaos report` prints, on one line.
fn report_in_words(record: &std::path::Path) -> String {
    let home = tempfile::tempdir().unwrap();
    let printed = pgchaos(home.path(), ["report".as_ref(), record.as_os_str()]).output();
    let words = String::from_utf8(printed.unwrap().stdout).unwrap();
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A is frozen, B is promoted and takes the load; A thaws, and it is B that is given up, as where a leader takes its key
/// back. The window goes on as long as A does; that B took part in it is over with B, and what B took alone is lost.
fn thawed_primary_that_stays() -> String {
    let pair = Pair::start();
    let load = load_of_a_with_witnesses(&pair, &[BY_SILENCE]);
    let run = run_id(&load);
    wait_for_writes(&pair.to_a, 60);
    wait_for_standby(&pair.b);
    let from = load.now();
    pair.a.freeze();
    pair.b.promote();
    pair.to_a.retarget(pair.b.port());
    pair.to_a.cut();
    wait_for_witness(&load, from, "b");
    wait_for_outage(&load, 1);
    wait_for_writes(&pair.to_a, 60);
    let thawed = pair.b.psql("SELECT clock_timestamp()");
    pair.a.thaw();
    let since = format!(
        "SELECT count(*) FROM pgchaos.user_events
          WHERE run_id <> '{run}' AND writer = 1 AND created_at > '{thawed}'"
    );
    wait_until(SOON, "A takes its witness's writes again", || {
        pair.a.psql(&since).parse::<u64>().unwrap() > 3
    });
    pair.b.stop(Stop::Fast);
    pair.to_a.retarget(pair.a.port());
    wait_for_outage(&load, 2);
    wait_for_writes(&pair.to_a, 60);
    // Longer than the end of B's part in it may be told late.
    std::thread::sleep(std::time::Duration::from_secs(3));
    let finished = load.interrupt_and_finish();
    let said = Said::from(&finished);
    let truth = pair.truth(run, &pair.a);
    pair.b.start_again();
    let of_a = |order: &str| {
        let witness = format!("run_id <> '{run}' AND writer = 1 AND created_at > '{thawed}'");
        let row = format!(
            "(SELECT created_at FROM pgchaos.user_events WHERE {witness} ORDER BY created_at {order} LIMIT 1)"
        );
        since_start(&pair.a, &said, &row)
    };
    let last = "(SELECT max(created_at) FROM pgchaos.user_events)";
    let (from, to, window) = only_window(&said);
    // The first of A's rows may be of a write that was sent before B's first.
    let (first, second) = (of_a(""), of_a("OFFSET 1"));
    let (last_of_a, last_of_b) =
        (since_start(&pair.a, &said, last), since_start(&pair.b, &said, last));
    let new_to = window["new_to_s"].as_f64().unwrap();
    assert_eq!(window["losing"], "new");
    let lost = truth.lost().len();
    assert_eq!((&window["new_writes"], &window["new_lost"]), (&lost.into(), &lost.into()));
    assert!(lost >= 60 && window["lost"] == 0, "A has what it took: {window:#}");
    let words = report_in_words(&finished.record);
    assert!(words.contains(&format!("{lost} writes on the losing side")), "{words}");
    assert!(words.contains(" alone for "), "{words}");
    let line = assert_true(&said, &truth, &[Verdict::Fail]);
    let is_exact = from >= first - EXACTLY_S
        && from <= second + EXACTLY_S
        && (to - last_of_a).abs() <= EXACTLY_S
        && (new_to - last_of_b).abs() <= EXACTLY_S;
    exact_or_again(is_exact, || {
        format!("A from {first} or {second} to {last_of_a}, B to {last_of_b}: {window:#}")
    });
    line
}

#[track_caller]
fn assert_no_window(said: &Said) {
    assert_eq!(said.summary["two_primaries"], serde_json::json!([]), "{}", said.words);
}

/// What a member's witness has told.
fn of_witness<'a>(events: &'a [Value], member: &'a str) -> impl Iterator<Item = &'a Value> {
    events.iter().filter(move |event| event["event"] == "witness" && event["member"] == member)
}

fn witnesses_of_an_ordinary_failover() -> String {
    let pair = Pair::start();
    let load = load_with_witnesses(&pair, &[]);
    let run = run_id(&load);
    wait_for_writes(&pair.to_a, 60);
    pair.fail_over(&load);
    wait_for_writes(&pair.to_b, 60);
    wait_until(SOON, "A's witness has stopped, and B's writes", || {
        let events = load.events();
        let of = |member| of_witness(&events, member).last().map(|event| &event["state"]);
        of("a") == Some(&"stopped".into()) && of("b") == Some(&"takes".into())
    });
    let finished = load.interrupt_and_finish();
    let said = Said::from(&finished);
    assert_no_window(&said);
    for member in ["a", "b"] {
        // A step of more than a second is told as a stop, and as a new beginning after it.
        for (n, event) in of_witness(&finished.events, member).enumerate() {
            let state = if n % 2 == 0 { "takes" } else { "stopped" };
            assert_eq!(event["state"], state, "{}", finished.stderr);
        }
    }
    let last_of_a = of_witness(&finished.events, "a").last().expect("A took some");
    let first_of_b = of_witness(&finished.events, "b").next().expect("B took some");
    assert_eq!(last_of_a["state"], "stopped", "{}", finished.stderr);
    let number = |value: &Value| value.as_f64().unwrap();
    let (until, from) = (number(&last_of_a["last_ack_s"]), number(&first_of_b["sent_s"]));
    assert!(from > until, "nothing written to a replica: {last_of_a} {first_of_b}");
    let states: Vec<(&str, &str)> = finished
        .events_named("member_server")
        .iter()
        .filter(|event| event["member"] == "a")
        .map(|event| (event["member"].as_str().unwrap(), event["state"].as_str().unwrap()))
        .collect();
    assert_eq!((states.first(), states.last()), (Some(&("a", "answers")), Some(&("a", "gone"))));
    let truth = pair.truth(run, &pair.b);
    // The witnesses' rows are removed with those of their run.
    let others = format!("SELECT count(*) FROM pgchaos.user_events WHERE run_id <> '{run}'");
    assert_ne!(pair.b.psql(&others), "0");
    assert_eq!(ask(&["clean", &pair.b.url(), "--run-id", &run.to_string()]).code, 0);
    assert_eq!(pair.b.psql(&others), "0");
    assert_true(&said, &truth, &[Verdict::Pass])
}

/// The client sleeps through the failover: what it sent before is answered after B has written.
fn witnesses_of_a_stopped_client() -> String {
    let pair = Pair::start();
    let load = load_with_witnesses(&pair, &[BY_SILENCE]);
    let run = run_id(&load);
    wait_for_writes(&pair.to_a, 60);
    wait_for_standby(&pair.b);
    load.signal(nix::sys::signal::Signal::SIGSTOP);
    pair.a.stop(Stop::Fast);
    pair.b.promote();
    std::thread::sleep(std::time::Duration::from_secs(2));
    load.signal(nix::sys::signal::Signal::SIGCONT);
    wait_for_writes(&pair.to_b, 60);
    let said = Said::from(&load.interrupt_and_finish());
    assert_no_window(&said);
    assert_true(&said, &pair.truth(run, &pair.b), &[Verdict::Pass, Verdict::Inconclusive])
}

/// The answers of A, which has stopped, come when B has written for long.
fn witnesses_and_a_late_answer() -> String {
    let pair = Pair::start();
    let load =
        load_with_witnesses(&pair, &["--write-timeout=30s", "--stall-after=20s", "--writers=2"]);
    let run = run_id(&load);
    wait_for_writes(&pair.to_a, 60);
    wait_for_standby(&pair.b);
    pair.to_a.hold_answers();
    std::thread::sleep(std::time::Duration::from_millis(500));
    let from = load.now();
    pair.a.stop(Stop::Fast);
    pair.b.promote();
    wait_for_witness(&load, from, "b");
    std::thread::sleep(std::time::Duration::from_secs(1));
    pair.to_a.pass();
    wait_for_writes(&pair.to_b, 60);
    let said = Said::from(&load.interrupt_and_finish());
    assert_no_window(&said);
    assert_true(&said, &pair.truth(run, &pair.b), &[Verdict::Pass])
}

/// A load that has written to A, the primary, which is down, and goes on at B.
fn failed_over() -> (Pair, Gen, Uuid) {
    let pair = Pair::start();
    let load = pair.load(&[]);
    let run = run_id(&load);
    wait_for_writes(&pair.to_a, 60);
    pair.fail_over(&load);
    (pair, load, run)
}

fn old_primary_back_first_in_the_string() -> String {
    let (pair, load, run) = failed_over();
    pair.a.start_again();
    assert_eq!(
        pair.a.psql("SELECT pg_is_in_recovery()"),
        "f",
        "it is a primary again, of timeline 1"
    );
    wait_for_writes(&pair.to_b, 60);
    let said = Said::from(&load.interrupt_and_finish());
    assert_true(&said, &pair.truth(run, &pair.b), &[Verdict::Pass])
}

fn verify_with_the_old_primary_back() -> String {
    let (pair, load, run) = failed_over();
    let finished = load.interrupt_and_finish();
    let truth = pair.truth(run, &pair.b);
    assert_true(&Said::from(&finished), &truth, &[Verdict::Pass]);
    pair.a.start_again();
    assert_true(&verify(&finished.record, &[]), &truth, &[Verdict::Pass])
}

/// Written to A again after B had taken writes: what is on A alone is lost, whichever answers first.
fn both_written_to_old_one_first() -> String {
    let (pair, load, run) = failed_over();
    pair.a.start_again();
    // A way to B that is away for a moment sends the writers to A.
    pair.to_b.refuse();
    wait_for_writes(&pair.to_a, 40);
    pair.to_b.pass();
    wait_for_writes(&pair.to_a, 20);
    let said = Said::from(&load.interrupt_and_finish());
    let truth = pair.truth(run, &pair.b);
    assert!(truth.lost().len() >= 60, "written to A alone: {}", truth.lost().len());
    let line = assert_true(&said, &truth, &[Verdict::Fail]);
    let named = said.summary["two_primaries"].as_array().is_some_and(|windows| !windows.is_empty());
    assert!(named, "two primaries are named: {}", said.summary["two_primaries"]);
    line
}

/// B and C were each promoted alone and share the number of their timeline: none outranks the other.
fn both_promoted_on_one_timeline() -> String {
    let a = Postgres::start();
    let (b, c) = (a.standby(), a.standby());
    let wires = [&a, &b, &c].map(|server| Proxy::start(server.port()));
    let hosts = wires.each_ref().map(|wire| format!("127.0.0.1:{}", wire.port())).join(",");
    let url = format!("postgresql://postgres:postgres@{hosts}/postgres");
    let load = start_load(&url, &["--verify-timeout=10s"]);
    let run = run_id(&load);
    let [to_a, to_b, to_c] = &wires;
    wait_for_writes(to_a, 60);
    wait_for_standby(&b);
    wait_for_standby(&c);
    a.stop(Stop::Fast);
    to_c.refuse();
    b.promote();
    c.promote();
    wait_for_outage(&load, 1);
    wait_for_writes(to_b, 40);
    to_b.refuse();
    to_c.pass();
    wait_for_writes(to_c, 40);
    to_b.pass();
    let said = Said::from(&load.interrupt_and_finish());
    for server in [&b, &c] {
        assert_eq!(timeline(server), "2");
    }
    let truth = Truth::of_wires(run, &[to_a, to_b, to_c]).on(&c, "postgres", run);
    assert_true(&said, &truth, &[Verdict::Inconclusive])
}

/// The run is on A to the end, and its standby has become a primary of a higher timeline: which of them the cluster
/// keeps is not known.
fn standby_promoted_by_accident() -> String {
    let pair = Pair::start();
    let load = pair.load(&["--verify-timeout=10s"]);
    let run = run_id(&load);
    wait_for_writes(&pair.to_a, 60);
    wait_for_standby(&pair.b);
    pair.b.promote();
    wait_for_writes(&pair.to_a, 40);
    assert_eq!((timeline(&pair.a), timeline(&pair.b)), ("1".to_owned(), "2".to_owned()));
    let said = Said::from(&load.interrupt_and_finish());
    let truth = pair.truth(run, &pair.a);
    assert!(truth.lost().is_empty());
    let line = assert_true(&said, &truth, &[Verdict::Inconclusive]);
    let reasons = said.summary["reasons"].to_string();
    for (server, wire) in [(&pair.a, &pair.to_a), (&pair.b, &pair.to_b)] {
        let is_named =
            [server.port(), wire.port()].iter().any(|port| reasons.contains(&port.to_string()));
        assert!(is_named, "what each holds is said: {reasons}");
    }
    line
}
