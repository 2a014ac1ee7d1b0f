//! Only an answer that proves it acknowledges a write.

use std::collections::BTreeSet;
use std::path::Path;

use pgchaos::model::event::What;
use pgchaos::model::run::Run;
use pgchaos::model::run::record_format::{decode, decode_header};

use crate::looks::{SOON, Token, assert_complete, in_doubt, run_id, tokens, wait_for_answers};
use crate::support::{Gen, Postgres, Proxy, Twist};

/// Twists the answers to committed writes until some are in doubt by it, and checks that exactly those are.
#[track_caller]
fn leaves_in_doubt(twist: &Twist, class: &str, words: &str) {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let load = Gen::start([&proxy.url(), "--rate=100", "--pipeline=4"]);
    let run = run_id(&load);
    wait_for_answers(&load, &[1], 20);
    proxy.twist_all(Some(twist.clone()));
    let mut left = 3;
    load.wait_for_event(SOON, &format!("writes in doubt by {twist:?}"), |event| {
        left -= u32::from(event["fault"]["class"] == class && event["in_doubt"].is_array());
        left == 0
    });
    proxy.twist_all(None);
    load.wait_for_event(SOON, "it writes again", |event| event["event"] == "outage_ended");
    let finished = load.interrupt_and_finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert_complete(&finished.summary);
    let (there, doubtful) = (tokens(&server, &run), in_doubt(&finished.events));
    assert!(doubtful.len() >= 3, "{doubtful:?}");
    let summary = &finished.summary;
    assert_eq!(summary["writes"]["in_doubt"], doubtful.len());
    assert_eq!(summary["writes"]["acknowledged"], (&there - &doubtful).len());
    assert_eq!(summary["writes"]["rejected"], 0);
    assert_eq!(summary["verification"]["recovered"], (&there & &doubtful).len());
    assert!(finished.stderr.contains(words), "{}", finished.stderr);
    for with_faults in [true, false] {
        is_never_acknowledged(&finished.record, &doubtful, with_faults);
    }
}

/// Wherever the record is cut, and also when the lines of faults are gone from it.
#[track_caller]
fn is_never_acknowledged(record: &Path, doubtful: &BTreeSet<Token>, with_faults: bool) {
    let text = std::fs::read_to_string(record).unwrap();
    let mut lines = text.lines();
    let mut run = Run::new(decode_header(lines.next().unwrap().as_bytes()).unwrap());
    for (line, number) in lines.zip(2..) {
        let event = decode(line.as_bytes(), number).unwrap();
        if with_faults || !matches!(event.what, What::Fault(_)) {
            run.apply(&event);
        }
        for (writer, book) in run.ledger.books() {
            let acknowledged = book.acknowledged();
            let wrong = doubtful
                .iter()
                .find(|(of, seq)| *of == i64::from(writer) && acknowledged.contains(*seq));
            assert_eq!(wrong, None, "after line {number}, faults: {with_faults}");
        }
    }
}

#[test]
fn an_open_transaction_leaves_the_write_in_doubt() {
    leaves_in_doubt(&Twist::Status(b'T'), "protocol", "an open transaction stands between");
}

#[test]
fn an_insert_without_a_row_leaves_the_write_in_doubt() {
    leaves_in_doubt(&Twist::Tag("INSERT 0 0".to_owned()), "protocol", "without its row");
}

#[test]
fn another_commands_end_leaves_the_write_in_doubt() {
    leaves_in_doubt(&Twist::Tag("UPDATE 1".to_owned()), "protocol", "another command");
}

/// They can be those of a pooler, which knows nothing of the commit.
#[test]
fn internal_and_system_errors_leave_the_write_in_doubt() {
    leaves_in_doubt(&Twist::Error("XX000".to_owned()), "sql", "XX000");
    leaves_in_doubt(&Twist::Error("58030".to_owned()), "sql", "58030");
}

/// A table that begins to swallow rows under the load.
#[test]
fn a_trigger_made_under_the_load_makes_no_write_acknowledged_or_lost() {
    let server = Postgres::start();
    let load = Gen::start([&server.url(), "--rate=50", "--writers=2"]);
    let run = run_id(&load);
    wait_for_answers(&load, &[1, 2], 5);
    server.psql(
        "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
         CREATE TRIGGER swallows BEFORE INSERT ON pgchaos.user_events
            FOR EACH ROW EXECUTE FUNCTION nothing()",
    );
    load.wait_for_event(SOON, "it is told", |event| event["fault"]["class"] == "protocol");
    server.psql("DROP TRIGGER swallows ON pgchaos.user_events");
    load.wait_for_event(SOON, "it writes again", |event| event["event"] == "outage_ended");
    let finished = load.interrupt_and_finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert_complete(&finished.summary);
    let there = tokens(&server, &run);
    assert_eq!(finished.summary["writes"]["acknowledged"], there.len());
    assert_eq!(finished.summary["verification"]["lost"], 0);
    assert!(in_doubt(&finished.events).is_disjoint(&there), "what was swallowed is not there");
}
