//! Writes without an answer: what they wait for on the server, and how many sessions they leave there.

use std::collections::BTreeSet;
use std::time::Instant;

use serde_json::Value;
use uuid::Uuid;

use super::lengths::assert_exact;
use crate::books::{Said, Truth, Verdict, Write, assert_true};
use crate::harness::Case;
use crate::one_server::{
    BY_SILENCE, OneServer, SOON, run_id, start_load, url, wait_for, wait_for_outage,
};
use crate::support::{Gen, Session};

pub(crate) const CASES: &[Case] = &[
    Case::alone("outages::sync_standby_gone", sync_standby_gone),
    Case::alone("outages::lock_held_by_psql", lock_held_by_psql),
    Case::alone("outages::lock_behind_which_a_queue_forms", lock_behind_which_a_queue_forms),
    Case::alone("outages::lock_longer_than_every_deadline", lock_longer_than_every_deadline),
    Case::alone("outages::answers_lost_on_the_way", answers_lost_on_the_way),
    Case::alone("outages::no_answer_to_anything", no_answer_to_anything),
    Case::alone("outages::server_frozen", server_frozen),
    Case::alone("outages::sessions_left_idle_are_no_obstacle", sessions_left_idle_are_no_obstacle),
];

/// A synchronous standby that is gone, and eight writers that give up after a second: 40 connections were filled so.
fn sync_standby_gone() -> String {
    let one = OneServer::own();
    let load = one.load(&["--writers=8", "--rate=80", "--write-timeout=1s", BY_SILENCE]);
    let run = run_id(&load);
    one.wait_for_writes(80);
    let from = load.now();
    one.server.psql("ALTER SYSTEM SET synchronous_standby_names = 'gone'");
    one.server.psql("SELECT pg_reload_conf()");
    let most = most_backends_until(&one, run, || refusals(&load) >= 120);
    let seen = wait_for_cause(&load, "sync_standby", 8);
    assert_eq!(seen["blocked_by"], Value::Null, "{seen}");
    assert!((16..=8 * OF_A_WRITER_MAX).contains(&most), "{most}");
    one.server.psql("ALTER SYSTEM RESET synchronous_standby_names");
    one.server.psql("SELECT pg_reload_conf()");
    let outage = wait_for(&load, from, "outage_ended");
    one.wait_for_writes(80);
    let said = Said::from(&load.interrupt_and_finish());
    let truth = Truth { unread_max: 16, ..one.truth(run) };
    let line = assert_true(&said, &truth, &[Verdict::Pass]);
    assert_eq!(
        (&outage["kind"], &outage["stall_cause"]),
        (&"stall".into(), &"sync_standby".into())
    );
    let mut outages = said.summary["outages"].as_array().unwrap().iter();
    let summed_up = outages.find(|summed_up| summed_up["n"] == outage["n"]).unwrap();
    assert_eq!(summed_up["stall_cause"], "sync_standby");
    assert_eq!(said.summary["errors"]["overloaded"], Value::Null, "the server was never full");
    // From the first write that waited to the first one of a session after it.
    let began = first_begun(&one, run, &truth.in_doubt(), 0.0);
    let length = first_begun(&one, run, &truth.acknowledged, began + 2.0) - began;
    assert_length(&outage, length);
    format!("{line} · {most} sessions at most · {length:.2} s")
}

fn lock_held_by_psql() -> String {
    let one = OneServer::shared();
    let load = one.load(&["--writers=4", "--write-timeout=60s", BY_SILENCE]);
    let run = run_id(&load);
    one.wait_for_writes(60);
    one.psql("CREATE TABLE marks (at timestamptz)");
    let (psql, pid) = psql_session(&one);
    psql.run(
        "BEGIN; LOCK TABLE pgchaos.user_events IN ACCESS EXCLUSIVE MODE;
         INSERT INTO marks VALUES (clock_timestamp())",
    );
    let seen = wait_for_cause(&load, "lock", 4);
    let blocker = &seen["blocked_by"];
    assert_eq!((&blocker["name"], &blocker["pid"]), (&"psql".into(), &pid.into()), "{seen}");
    assert_eq!(blocker["state"], "idle in transaction");
    psql.run("INSERT INTO marks VALUES (clock_timestamp()); COMMIT");
    let outage = wait_for_outage(&load, 1);
    one.wait_for_writes(60);
    let (said, truth, line) = one.end(load, Verdict::Pass);
    assert!(truth.in_doubt().is_empty(), "each was answered in the end");
    let outage_said = &said.summary["outages"][0];
    assert_eq!(
        (&outage_said["kind"], &outage_said["stall_cause"]),
        (&"stall".into(), &"lock".into())
    );
    assert_eq!(outage_said["blocked_by"]["pid"], pid);
    // A row's time is that of its transaction's begin, before it waited.
    let locked: f64 = one.psql("SELECT extract(epoch FROM min(at)) FROM marks").parse().unwrap();
    let freed: f64 = one.psql("SELECT extract(epoch FROM max(at)) FROM marks").parse().unwrap();
    let length = freed - first_begun(&one, run, &truth.acknowledged, locked);
    assert_length(&outage, length);
    line
}

/// What waits for a lock itself makes others wait: the one at the head of the queue is named.
fn lock_behind_which_a_queue_forms() -> String {
    let one = OneServer::shared();
    let load = one.load(&["--write-timeout=60s", BY_SILENCE]);
    run_id(&load);
    one.wait_for_writes(40);
    let (reader, pid) = psql_session(&one);
    reader.run("BEGIN; SELECT FROM pgchaos.user_events LIMIT 1");
    let (port, database) = (one.server.port(), one.database.clone());
    let altering = std::thread::spawn(move || {
        let alter = Session::open(&format!("{}?application_name=ddl", url(port, &database)));
        alter.run("ALTER TABLE pgchaos.user_events SET (fillfactor = 90)");
        alter.run("BEGIN; LOCK TABLE pgchaos.user_events IN ACCESS EXCLUSIVE MODE; COMMIT");
    });
    let seen = wait_for_cause(&load, "lock", 2);
    let blocker = &seen["blocked_by"];
    assert_eq!((&blocker["name"], &blocker["pid"]), (&"psql".into(), &pid.into()), "{seen}");
    reader.run("COMMIT");
    altering.join().unwrap();
    wait_for_outage(&load, 1);
    one.wait_for_writes(40);
    one.end(load, Verdict::Pass).2
}

/// New sessions hang as well, when they prepare their INSERT: each attempt left a process behind.
fn lock_longer_than_every_deadline() -> String {
    let one = OneServer::own();
    let load = one.load(&[
        "--writers=4",
        "--write-timeout=500ms",
        "--connect-timeout=500ms",
        "--stall-after=300ms",
    ]);
    let run = run_id(&load);
    one.wait_for_writes(60);
    let (psql, _) = psql_session(&one);
    // A busy machine may have been silent for as long before.
    let from = load.now();
    psql.run("BEGIN; LOCK TABLE pgchaos.user_events IN ACCESS EXCLUSIVE MODE");
    let most = most_backends_until(&one, run, || refusals(&load) >= 40);
    assert!((8..=4 * OF_A_WRITER_MAX).contains(&most), "{most}");
    psql.run("COMMIT");
    let outage = wait_for(&load, from, "outage_ended");
    one.wait_for_writes(40);
    let said = Said::from(&load.interrupt_and_finish());
    assert_eq!((&outage["kind"], &outage["stall_cause"]), (&"stall".into(), &"lock".into()));
    assert_eq!(outage["blocked_by"]["name"], "psql", "{outage}");
    let truth = Truth { unread_max: 8, ..one.truth(run) };
    let line = assert_true(&said, &truth, &[Verdict::Pass]);
    format!("{line} · {most} sessions at most")
}

/// The way to the server lets no answer through, and a second way does: the server waits for nothing.
fn answers_lost_on_the_way() -> String {
    let one = OneServer::shared();
    let direct = url(one.server.port(), &one.database);
    let hosts = format!("127.0.0.1:{},127.0.0.1:{}", one.wire.port(), one.server.port());
    let both = direct.replace(&format!("127.0.0.1:{}", one.server.port()), &hosts);
    let verify = format!("--verify-dsn={direct}");
    let args = ["--write-timeout=60s", "--connect-timeout=500ms", BY_SILENCE, &verify];
    let load = start_load(&both, &args);
    run_id(&load);
    one.wait_for_writes(40);
    one.wire.hold_answers();
    wait_for_cause(&load, "on_the_way", 2);
    one.wire.pass();
    let outage = wait_for_outage(&load, 1);
    assert_eq!((&outage["kind"], &outage["stall_cause"]), (&"stall".into(), &"on_the_way".into()));
    one.wait_for_writes(40);
    one.end(load, Verdict::Pass).2
}

/// The same without a second way: nothing is claimed of a server that no look reaches.
fn no_answer_to_anything() -> String {
    let one = OneServer::shared();
    let load = one.load(&["--write-timeout=60s", "--connect-timeout=500ms", BY_SILENCE]);
    one.wait_for_writes(40);
    one.wire.hold_answers();
    wait_for_no_word(&load);
    one.wire.pass();
    let outage = wait_for_outage(&load, 1);
    assert_eq!((&outage["kind"], &outage["stall_cause"]), (&"stall".into(), &Value::Null));
    one.wait_for_writes(40);
    one.end(load, Verdict::Pass).2
}

fn server_frozen() -> String {
    let one = OneServer::own();
    let load = one.load(&["--connect-timeout=500ms", "--write-timeout=2s", BY_SILENCE]);
    let run = run_id(&load);
    one.wait_for_writes(40);
    one.server.freeze();
    wait_for_no_word(&load);
    load.wait_for_event(SOON, "the writers give up", |event| event["fault"]["class"] == "timeout");
    one.server.thaw();
    let outage = wait_for_outage(&load, 1);
    assert_eq!((&outage["kind"], &outage["stall_cause"]), (&"stall".into(), &Value::Null));
    one.wait_for_writes(40);
    let said = Said::from(&load.interrupt_and_finish());
    let truth = Truth { unread_max: 4, ..one.truth(run) };
    assert_true(&said, &truth, &[Verdict::Pass])
}

/// A network that is cut again and again without the server's knowledge: what it leaves there waits for nothing, and
/// keeps no writer out.
fn sessions_left_idle_are_no_obstacle() -> String {
    let one = OneServer::shared();
    let load = one.load(&["--stall-after=200ms", "--write-timeout=60s", "--read-every=0"]);
    let run = run_id(&load);
    for n in 1..=5 {
        one.wait_for_writes(30);
        let from = load.now();
        one.wire.hold_answers();
        for writer in 1..=2 {
            load.wait_for_event_after(from, SOON, "each waits", |event| {
                event["event"] == "stalled" && event["writer"] == writer
            });
        }
        one.wire.abandon();
        one.wire.pass();
        wait_for_outage(&load, n);
        let left = backends(&one, run);
        assert!(left <= 2 * OF_A_WRITER_MAX, "{left}");
    }
    one.wait_for_writes(30);
    let (_, truth, line) = one.end(load, Verdict::Pass);
    assert_eq!(truth.in_doubt().len(), 10, "one of each writer with each cut");
    line
}

/// A session called psql, and its process.
fn psql_session(one: &OneServer) -> (Session, u64) {
    let url = url(one.server.port(), &one.database);
    let session = Session::open(&format!("{url}?application_name=psql"));
    let pid = one.psql(
        "SELECT pid FROM pg_stat_activity
          WHERE datname = current_database() AND application_name = 'psql' AND pid <> pg_backend_pid()",
    );
    (session, pid.parse().unwrap())
}

/// What was seen on the server of so many writers.
fn wait_for_cause(load: &Gen, cause: &str, writers: u64) -> Value {
    load.wait_for_event(SOON, &format!("{cause} of {writers} writers"), |event| {
        event["event"] == "stall_seen"
            && event["stall_cause"] == cause
            && event["writers"] == writers
    })
}

/// That no new session gets an answer.
fn wait_for_no_word(load: &Gen) {
    load.wait_for_event(SOON, "no look gets an answer", |event| {
        event["event"] == "stall_seen" && event["stall_cause"] == Value::Null
    });
}

/// How often a third session was refused so far.
fn refusals(load: &Gen) -> usize {
    let is_refusal = |event: &Value| {
        event["fault"]["message"].as_str().is_some_and(|words| words.contains("no third is opened"))
    };
    load.events().iter().filter(|event| is_refusal(event)).count()
}

/// Two sessions that wait, one under way, and one that has ended without its server process having noticed: where there is no
/// limit, it is one more with each attempt.
const OF_A_WRITER_MAX: usize = 4;

/// The server processes of the run's writers; those of looks and watches have words at their end.
fn backends(one: &OneServer, run: Uuid) -> usize {
    let count = one.psql(&format!(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name ~ '^pgchaos:{run}:[0-9]+$'"
    ));
    count.parse().unwrap()
}

/// The most server processes of the run's writers that were there at one time, as psql counts them, until this holds.
#[track_caller]
fn most_backends_until(one: &OneServer, run: Uuid, mut holds: impl FnMut() -> bool) -> usize {
    let end = Instant::now() + SOON;
    let mut most = 0;
    loop {
        most = most.max(backends(one, run));
        if holds() {
            return most;
        }
        assert!(Instant::now() < end, "not in time; {most} server processes at most");
    }
}

/// When the first of these writes was begun on the server that was not begun before, in seconds of the epoch.
fn first_begun(one: &OneServer, run: Uuid, writes: &BTreeSet<Write>, not_before: f64) -> f64 {
    let values: Vec<String> =
        writes.iter().map(|(writer, seq)| format!("({writer}, {seq})")).collect();
    let first = one.psql(&format!(
        "SELECT min(extract(epoch FROM created_at)) FROM pgchaos.user_events
          WHERE run_id = '{run}' AND extract(epoch FROM created_at) >= {not_before}
            AND (writer, seq) IN (VALUES {})",
        values.join(", ")
    ));
    first.parse().unwrap()
}

fn assert_length(outage: &Value, by_rows_s: f64) {
    assert_exact(outage["duration_s"].as_f64().unwrap(), by_rows_s, outage);
}
