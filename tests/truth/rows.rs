//! Rows that psql removes, adds and hides, and triggers that keep them out.

use uuid::Uuid;

use crate::books::Verdict;
use crate::harness::Case;
use crate::one_server::{OneServer, SOON, ask, run_id, start_load, wait_for_outage};
use crate::support::{Gen, Token, wait_until};

pub(crate) const CASES: &[Case] = &[
    Case::alone("single::rows_deleted", rows_deleted),
    Case::alone("single::row_twice", row_twice),
    Case::alone("single::row_never_sent", row_never_sent),
    Case::alone("single::rows_of_another_run", rows_of_another_run),
    Case::alone("single::trigger_swallows_some", trigger_swallows_some),
    Case::alone("single::trigger_at_set_up", trigger_at_set_up),
    Case::alone("single::rows_hidden_by_row_security", rows_hidden_by_row_security),
];

/// A trigger that swallows the writes for which `condition` holds, without a word.
fn swallow(one: &OneServer, condition: &str) {
    one.psql(&format!(
        "CREATE FUNCTION pgchaos.swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
         CREATE TRIGGER swallow BEFORE INSERT ON pgchaos.user_events
         FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION pgchaos.swallow()"
    ));
}

/// Waits until this write is acknowledged, and so all of its writer before it: there is no pipeline.
#[track_caller]
fn wait_for_write(one: &OneServer, run: Uuid, writer: i32, seq: i64) {
    let token = Token { run, writer, seq };
    wait_until(SOON, &format!("{token:?} is acknowledged"), || {
        one.wire.wire().acknowledged.contains(&token)
    });
}

fn rows_deleted() -> String {
    let one = OneServer::shared();
    let load = one.load(&[]);
    let run = run_id(&load);
    wait_for_write(&one, run, 1, 9);
    wait_for_write(&one, run, 2, 5);
    one.psql(&format!(
        "DELETE FROM pgchaos.user_events
          WHERE run_id = '{run}' AND (writer = 1 AND seq BETWEEN 3 AND 9 OR writer = 2 AND seq IN (1, 5))"
    ));
    let (_, truth, line) = one.end(load, Verdict::Fail);
    assert_eq!(truth.lost().len(), 9);
    line
}

fn copy_row(one: &OneServer, load: &Gen, seq: &str) {
    let run = run_id(load);
    one.psql(&format!(
        "INSERT INTO pgchaos.user_events (run_id, writer, seq, user_id, event_type)
         SELECT run_id, writer, {seq}, user_id, event_type FROM pgchaos.user_events
          WHERE run_id = '{run}' AND writer = 1 AND seq = 7"
    ));
}

fn row_twice() -> String {
    let one = OneServer::shared();
    let load = one.load(&[]);
    wait_for_write(&one, run_id(&load), 1, 7);
    copy_row(&one, &load, "seq");
    let (said, _, line) = one.end(load, Verdict::Fail);
    assert_eq!(said.summary["verification"]["duplicated"], 1);
    line
}

fn row_never_sent() -> String {
    let one = OneServer::shared();
    let load = one.load(&[]);
    wait_for_write(&one, run_id(&load), 1, 7);
    copy_row(&one, &load, "1000000");
    let (said, _, line) = one.end(load, Verdict::Fail);
    assert_eq!(said.summary["verification"]["unexpected"], 1);
    line
}

/// Two loads into one table, and a third one's rows go: each account is of its own run.
fn rows_of_another_run() -> String {
    let one = OneServer::shared();
    let first = one.load(&[]);
    one.wait_for_writes(60);
    let second = one.load(&[]);
    let run = run_id(&second);
    one.wait_for_writes(120);
    let deleted = one.psql(&format!(
        "WITH deleted AS (DELETE FROM pgchaos.user_events WHERE run_id = '{run}' AND seq <= 5 RETURNING seq) \
         SELECT count(*) FROM deleted"
    ));
    let (_, truth, _) = one.end(second, Verdict::Fail);
    // On a busy machine a writer may not have written five by then.
    assert_eq!(truth.lost().len().to_string(), deleted);
    assert_ne!(deleted, "0");
    one.end(first, Verdict::Pass).2
}

/// `INSERT 0 0` is no proof, and no rejection either.
fn trigger_swallows_some() -> String {
    let one = OneServer::shared();
    let load = one.load(&[]);
    one.wait_for_writes(60);
    let before = one.wire.wire();
    swallow(&one, "NEW.seq % 10 = 0");
    wait_until(SOON, "three are swallowed", || {
        let now = one.wire.wire();
        now.sent.iter().filter(|token| token.seq % 10 == 0 && !before.sent.contains(token)).count()
            >= 4
    });
    one.wait_for_writes(20);
    let (said, truth, line) = one.end(load, Verdict::Pass);
    assert!(truth.in_doubt().len() >= 3, "{:?}", truth.in_doubt());
    assert_ne!(said.summary["verification"]["absent"], 0);
    line
}

fn trigger_at_set_up() -> String {
    let one = OneServer::shared();
    assert_eq!(ask(&["init", &one.url()]).code, 0);
    swallow(&one, "true");
    let finished = one.load(&["--duration=10s"]).finish();
    assert_eq!(finished.code, 4, "a table that takes no row is refused\n{}", finished.stderr);
    assert_eq!(one.wire.wire().acknowledged.len(), 0);
    "refused, nothing acknowledged".to_owned()
}

/// A role that sees what it has just written, and nothing older: what it cannot see is not lost.
fn rows_hidden_by_row_security() -> String {
    let one = OneServer::own();
    let url = one.url_of_role(
        "app",
        "CREATE POLICY writes ON pgchaos.user_events FOR INSERT WITH CHECK (true);
         CREATE POLICY own ON pgchaos.user_events FOR SELECT USING (created_at = now())",
    );
    let load = start_load(&url, &["--verify-timeout=5s"]);
    let run = run_id(&load);
    one.wait_for_writes(60);
    one.set_row_security(true);
    one.wait_for_writes(40);
    one.wire.cut();
    wait_for_outage(&load, 1);
    // What was acknowledged is looked up after an outage: by then it has been.
    one.wait_for_writes(100);
    let said = crate::books::Said::from(&load.interrupt_and_finish());
    let truth = one.truth(run);
    assert!(truth.lost().is_empty(), "psql sees all of them");
    let line = crate::books::assert_true(&said, &truth, &[Verdict::Inconclusive]);
    let alarms = said.words.lines().filter(|line| {
        let event: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
        event["missing"].as_array().is_some_and(|missing| !missing.is_empty())
    });
    assert_eq!(alarms.collect::<Vec<_>>(), Vec::<&str>::new(), "a false alarm");
    line
}
