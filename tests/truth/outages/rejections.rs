//! Writes that the server refuses: when that is one write's fate, and when it is an outage.

use std::time::Duration;

use serde_json::{Value, json};

use super::lengths::assert_exact;
use crate::books::{Said, Truth, Verdict, assert_true};
use crate::harness::Case;
use crate::one_server::{BY_SILENCE, OneServer, SOON, ask, run_id, start_load, wait_for};
use crate::support::{Finished, Gen, Session, wait_until};

pub(crate) const CASES: &[Case] = &[
    Case::alone("outages::one_write_in_a_hundred_refused", || {
        refused_at_full_speed(REFUSE_ONE_IN_100)
    }),
    Case::alone("outages::every_second_write_refused", || refused_at_full_speed(REFUSE_HALF)),
    Case::alone("outages::refused_by_a_thousand_sqlstates", || {
        refused_at_full_speed(REFUSE_BY_A_THOUSAND_CODES)
    }),
    Case::alone("outages::one_write_a_second_refused", one_write_a_second_refused),
    Case::alone("outages::every_write_refused_for_three_seconds", every_write_refused),
    Case::alone("outages::table_gone_for_a_while", table_gone_for_a_while),
    Case::alone("outages::statement_timeout_under_a_lock", statement_timeout_under_a_lock),
    Case::alone("outages::row_security_refuses_some_rows", row_security_refuses_some_rows),
    Case::alone("outages::reads_refused", reads_refused),
];

const REFUSE_ONE_IN_100: &str = "IF random() < 0.01 THEN RAISE 'the warehouse is closed'; END IF;";
const REFUSE_HALF: &str = "IF random() < 0.5 THEN RAISE 'the warehouse is closed'; END IF;";
const REFUSE_BY_A_THOUSAND_CODES: &str = "IF random() < 0.3 THEN
    RAISE 'closed' USING ERRCODE = 'W' || lpad(floor(random() * 1000)::text, 4, '0'); END IF;";
const REFUSE_ALL: &str = "RAISE 'the warehouse is closed';";
const REFUSE_EVERY_TENTH: &str =
    "IF NEW.seq % 10 = 0 THEN RAISE 'the warehouse is closed'; END IF;";

/// The server of a case, with the tables of the load and a function for a trigger with this body.
fn with_function(body: &str) -> OneServer {
    let one = OneServer::shared();
    assert_eq!(ask(&["init", &one.url()]).code, 0);
    one.psql(&format!(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NEW; END $$"
    ));
    one
}

const REFUSE: &str = "CREATE TRIGGER refusing BEFORE INSERT ON pgchaos.user_events
    FOR EACH ROW EXECUTE FUNCTION refuse()";
const TAKE_AGAIN: &str = "DROP TRIGGER refusing ON pgchaos.user_events";

/// Seconds between two rows of this run that follow each other, at most: by the server's clock, which is the client's.
fn longest_gap(one: &OneServer, run: &str) -> f64 {
    let sql = format!(
        "SELECT extract(epoch FROM max(gap)) FROM (
            SELECT created_at - lag(created_at) OVER (ORDER BY created_at) AS gap
            FROM pgchaos.user_events WHERE run_id = '{run}') AS gaps"
    );
    one.psql(&sql).parse().unwrap()
}

fn count(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap_or_else(|| panic!("no count: {value}"))).unwrap()
}

fn sessions(finished: &Finished) -> usize {
    finished.recorded().iter().filter(|event| event["event"] == "connected").count()
}

/// What is true of every run in which nothing but refusals went wrong: each is counted once, as rejected and as an
/// error, and no session was left.
fn assert_counted(one: &OneServer, finished: &Finished, writers: usize) -> (Truth, String) {
    let run = finished.summary["run_id"].as_str().unwrap().parse().unwrap();
    let truth = one.truth(run);
    let line = assert_true(&Said::from(finished), &truth, &[Verdict::Pass]);
    assert_eq!(truth.in_doubt().len(), 0);
    assert_eq!(truth.sent.len() - truth.rows.len(), truth.rejected.len(), "by psql");
    assert_eq!(finished.summary["errors"], json!({ "sql": truth.rejected.len() }));
    assert_eq!(sessions(finished), writers, "no session was left");
    // The set-up, looks after an outage and the verification have some of their own.
    let accepted = one.wire.connections_accepted();
    assert!(accepted <= writers as u64 + 12, "{accepted} connections");
    (truth, line)
}

/// Refusals made none. A machine that has something else to do for a second is silent for as long, and that is another
/// kind.
fn assert_no_outage_by_refusals(finished: &Finished) {
    for outage in finished.summary["outages"].as_array().unwrap() {
        assert_eq!(outage["kind"], "stall", "{}", finished.stderr);
    }
}

/// As fast as it goes, eight writers with pipelines: refusals cost a counter each, and no line.
fn refused_at_full_speed(body: &str) -> String {
    let one = with_function(body);
    let args = ["--rate=max", "--writers=8", "--pipeline=16", "--read-every=0"];
    let url = one.url();
    let load = Gen::start_with([&*url].iter().chain(&args), |_, command| {
        command.env("PGCHAOS_LOG_FORMAT", "text");
    });
    // The set-up tries a write, too.
    one.wait_for_writes(1);
    one.psql(REFUSE);
    wait_until(SOON, "ten thousand writes have their outcome, 100 of them refused", || {
        let wire = one.wire.wire();
        wire.acknowledged.len() + wire.rejected.len() >= 10_000 && wire.rejected.len() >= 100
    });
    let finished = load.interrupt_and_finish();
    let (truth, line) = assert_counted(&one, &finished, 8);
    assert_no_outage_by_refusals(&finished);
    // Of the log a line for each kind of refusals at first, and every five seconds; of the record two intervals a second
    // and the first refusals. Pauses and silences of the machine have lines of their own, and are not counted.
    let elapsed = Duration::from_secs_f64(finished.summary["elapsed_s"].as_f64().unwrap());
    let seconds = usize::try_from(elapsed.as_secs()).unwrap() + 1;
    let log = finished.stderr.lines().filter(|line| line.contains("] SQL ")).count();
    assert!((1..=16 * (1 + seconds / 5) + 20).contains(&log), "{log} lines\n{}", finished.stderr);
    let is_of_writes = |event: &&Value| event["event"] == "fault" || event["event"] == "interval";
    let record = finished.recorded().iter().filter(is_of_writes).count();
    assert!((1..=4 * seconds + 50).contains(&record), "{record} lines in {seconds} s");
    assert!(truth.rejected.len() >= 100);
    format!("{line} · {log} lines of log · {record} of the record")
}

fn one_write_a_second_refused() -> String {
    let one = with_function(REFUSE_EVERY_TENTH);
    let load = one.load(&["--rate=10", "--writers=1", BY_SILENCE]);
    one.wait_for_writes(1);
    one.psql(REFUSE);
    wait_until(SOON, "four writes are refused", || one.wire.wire().rejected.len() >= 4);
    one.wait_for_writes(2);
    let finished = load.interrupt_and_finish();
    let (_, line) = assert_counted(&one, &finished, 1);
    assert_no_outage_by_refusals(&finished);
    line
}

/// Waits for the end of the outage by refusals from the `from`th event on.
#[track_caller]
fn wait_for_end(load: &Gen, from: usize) {
    load.wait_for_event_after(from, SOON, "the outage is over", |event| {
        event["event"] == "outage_ended" && !event["errors"]["sql"].is_null()
    });
}

/// One outage, on sessions that are kept, as long as no row came, and with every refusal in it. Before and after it the
/// machine may be silent, which is none of the refusals.
fn assert_one_outage(one: &OneServer, load: Gen, writers: usize, waits_s: f64) -> String {
    let run = run_id(&load).to_string();
    let finished = load.interrupt_and_finish();
    let (truth, line) = assert_counted(one, &finished, writers);
    let outages = finished.summary["outages"].as_array().unwrap();
    let (refused, silent): (Vec<&Value>, Vec<&Value>) =
        outages.iter().partition(|outage| !outage["errors"]["sql"].is_null());
    let [outage] = refused[..] else { panic!("one by refusals: {}", finished.stderr) };
    assert!(silent.iter().all(|outage| outage["kind"] == "stall"), "{}", finished.stderr);
    assert_eq!(count(&outage["errors"]["sql"]), truth.rejected.len());
    let (said, true_gap) = (outage["duration_s"].as_f64().unwrap(), longest_gap(one, &run));
    // A row has the time at which its write began, and a write may have waited for so long until it was done.
    let most = true_gap + waits_s;
    assert_exact(said, said.clamp(true_gap, most), outage);
    format!("{line} · outage {said:.2} s, true {true_gap:.2} s")
}

fn every_write_refused() -> String {
    let one = with_function(REFUSE_ALL);
    let load = one.load(&[BY_SILENCE]);
    one.wait_for_writes(60);
    let from = load.now();
    one.psql(REFUSE);
    wait_until(SOON, "three seconds of writes are refused", || {
        one.wire.wire().rejected.len() >= 300
    });
    one.psql(TAKE_AGAIN);
    wait_for_end(&load, from);
    one.wait_for_writes(60);
    assert_one_outage(&one, load, 2, 0.0)
}

fn table_gone_for_a_while() -> String {
    let one = OneServer::shared();
    // A read that comes just then is refused as well, and is an error of its own.
    let load = one.load(&["--read-every=0", BY_SILENCE]);
    one.wait_for_writes(60);
    let from = load.now();
    one.psql("ALTER TABLE pgchaos.user_events RENAME TO elsewhere");
    wait_for(&load, from, "outage_began");
    let refused = one.wire.wire().rejected.len();
    wait_until(SOON, "the other writer is out as well", || {
        one.wire.wire().rejected.len() >= refused + 50
    });
    one.psql("ALTER TABLE pgchaos.elsewhere RENAME TO user_events");
    wait_for_end(&load, from);
    one.wait_for_writes(60);
    assert_one_outage(&one, load, 2, 0.0)
}

/// 57014 is the fate of one write, and an outage when every write has it.
fn statement_timeout_under_a_lock() -> String {
    let one = OneServer::shared();
    let url = format!("{}?options=-cstatement_timeout%3D300ms", one.url());
    let load = start_load(&url, &["--rate=20", "--verify-timeout=5s", BY_SILENCE]);
    one.wait_for_writes(20);
    let lock = Session::open(&crate::one_server::url(one.server.port(), &one.database));
    let from = load.now();
    lock.run("BEGIN; LOCK TABLE pgchaos.user_events IN SHARE MODE");
    wait_for(&load, from, "outage_began");
    wait_until(SOON, "writes are cancelled", || one.wire.wire().rejected.len() >= 12);
    lock.run("COMMIT");
    wait_for_end(&load, from);
    one.wait_for_writes(20);
    assert_one_outage(&one, load, 2, 0.3)
}

/// A load of a role with policies, which are in force between its writes: what is refused is an error, no outage, and no
/// reason to leave a session.
fn with_policies_for_a_while(
    one: &OneServer,
    url: &str,
    args: &[&str],
    writes: usize,
) -> (Finished, String) {
    let load = start_load(url, &[&["--rate=400", BY_SILENCE], args].concat());
    let run = run_id(&load);
    one.wait_for_writes(100);
    one.set_row_security(true);
    one.wait_for_writes(writes);
    one.set_row_security(false);
    one.wait_for_writes(40);
    let finished = load.interrupt_and_finish();
    let line = assert_true(&Said::from(&finished), &one.truth(run), &[Verdict::Pass]);
    assert_no_outage_by_refusals(&finished);
    assert_eq!(sessions(&finished), 2, "no session was left");
    (finished, line)
}

/// Writes go on, and reads that are refused are counted.
fn reads_refused() -> String {
    let one = with_function(REFUSE_ALL);
    let url = one.url_of_role(
        "writes_only",
        "CREATE FUNCTION may_read() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
             IF current_query() LIKE 'SELECT%' THEN RAISE 'no one may read'; END IF;
             RETURN true;
         END $$;
         CREATE POLICY writes ON pgchaos.user_events FOR INSERT WITH CHECK (true);
         CREATE POLICY reads ON pgchaos.user_events FOR SELECT USING (may_read())",
    );
    let (finished, line) = with_policies_for_a_while(&one, &url, &["--read-every=1"], 400);
    let errors = count(&finished.summary["errors"]["sql"]);
    // One read a write, but for those around the change.
    assert!(errors >= 300, "{errors}");
    assert!(finished.events_named("fault").len() <= 4, "{}", finished.stderr);
    line
}

/// A policy that refuses some rows has the SQLSTATE of rights that are missing, and is the fate of those rows alone.
fn row_security_refuses_some_rows() -> String {
    let one = OneServer::own();
    let url = one.url_of_role(
        "some_rows",
        "CREATE POLICY reads ON pgchaos.user_events FOR SELECT USING (true);
         CREATE POLICY writes ON pgchaos.user_events FOR INSERT WITH CHECK (user_id <> 3)",
    );
    let (finished, line) = with_policies_for_a_while(&one, &url, &[], 200);
    assert_ne!(count(&finished.summary["writes"]["rejected"]), 0, "{}", finished.summary);
    line
}
