//! Looking at a run from outside: at its log, and at the rows that it left.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Gen, Postgres, pgchaos, recorded, wait_until};

/// Far longer than anything here takes, also on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// A write: writer and seq.
pub(crate) type Token = (i64, i64);

/// The run's id, from the first line of its log.
pub(crate) fn run_id(load: &Gen) -> String {
    let run = load.wait_for_event(SOON, "the run begins", |event| event["event"] == "run");
    run["run_id"].as_str().unwrap().to_owned()
}

/// The same from its record, for a log that no program reads.
pub(crate) fn recorded_run_id(load: &Gen) -> String {
    let has_a_line =
        || std::fs::read_to_string(load.record()).is_ok_and(|text| text.contains('\n'));
    wait_until(SOON, "the record has its first line", has_a_line);
    recorded(load.record())[0]["run_id"].as_str().unwrap().to_owned()
}

/// Waits until every one of these writers has this many answers, as the log has it.
#[track_caller]
pub(crate) fn wait_for_answers(load: &Gen, writers: &[i64], answers: i64) {
    for writer in writers {
        let what = format!("writer {writer} has {answers} answers");
        load.wait_for_event(SOON, &what, |event| {
            let progress = event["writers"].as_array().filter(|_| event["event"] == "interval");
            progress
                .into_iter()
                .flatten()
                .any(|at| at[0] == *writer && at[2].as_i64() >= Some(answers))
        });
    }
}

/// Waits until this outage is over, and gives it.
#[track_caller]
pub(crate) fn wait_for_outage(load: &Gen, n: u64) -> Value {
    load.wait_for_event(SOON, &format!("outage {n} is over"), |event| {
        event["event"] == "outage_ended" && event["n"] == n
    })
}

/// Waits for the look after this outage, and gives what it found.
#[track_caller]
pub(crate) fn wait_for_check(load: &Gen, outage: u64) -> Value {
    load.wait_for_event(SOON, &format!("the look after outage {outage}"), |event| {
        event["event"] == "checked" && event["outage"] == outage
    })
}

/// The rows of a run, as writer and seq, every one as often as it is there.
pub(crate) fn rows(server: &Postgres, run: &str) -> Vec<Token> {
    let sql =
        format!("SELECT writer, seq FROM pgchaos.user_events WHERE run_id = '{run}' ORDER BY 1, 2");
    let pair = |line: &str| {
        let (writer, seq) = line.split_once('|').unwrap();
        (writer.parse().unwrap(), seq.parse().unwrap())
    };
    server.psql(&sql).lines().map(pair).collect()
}

/// The same as a set.
pub(crate) fn tokens(server: &Postgres, run: &str) -> BTreeSet<Token> {
    rows(server, run).into_iter().collect()
}

/// `[[writer, [[first, last], …]], …]`, one by one.
pub(crate) fn by_writer(sets: &Value) -> BTreeSet<Token> {
    let mut all = BTreeSet::new();
    for pair in sets.as_array().unwrap() {
        all.extend(ranges(pair[0].as_i64().unwrap(), &pair[1]));
    }
    all
}

/// `[[first, last], …]` of one writer; nothing when there is nothing.
fn ranges(writer: i64, ranges: &Value) -> impl Iterator<Item = Token> {
    ranges.as_array().into_iter().flatten().flat_map(move |range| {
        let (first, last) = (range[0].as_i64().unwrap(), range[1].as_i64().unwrap());
        (first..=last).map(move |seq| (writer, seq))
    })
}

/// The writes that the log says are in doubt.
pub(crate) fn in_doubt(events: &[Value]) -> BTreeSet<Token> {
    let faults = events.iter().filter(|event| event["event"] == "fault");
    faults
        .filter(|fault| fault["writer"].is_i64())
        .flat_map(|fault| ranges(fault["writer"].as_i64().unwrap(), &fault["in_doubt"]))
        .collect()
}

/// The lost writes of a summary, one by one.
pub(crate) fn lost_writes(summary: &Value) -> BTreeSet<Token> {
    let all = summary["verification"]["lost_writes"].as_array().unwrap();
    all.iter()
        .flat_map(|lost| {
            let number = |name: &str| lost[name].as_i64().unwrap();
            (number("first_seq")..=number("last_seq")).map(move |seq| (number("writer"), seq))
        })
        .collect()
}

/// `pgchaos verify` with these arguments: its exit code, its summary, and its standard error.
pub(crate) fn verify(record: &Path, args: &[&str]) -> (i32, Value, String) {
    let home = tempfile::tempdir().unwrap();
    let mut command = pgchaos(home.path(), ["verify"]);
    command.arg(record).args(["--summary", "json"]).args(args).env("PGPASSWORD", "postgres");
    let Output { status, stdout, stderr } = command.output().unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    let summary = serde_json::from_slice(&stdout)
        .unwrap_or_else(|error| panic!("no summary: {error}\n{stderr}"));
    (status.code().expect("it ended by itself"), summary, stderr)
}

/// Waits until this many of a run's rows are there.
#[track_caller]
pub(crate) fn wait_for_rows(server: &Postgres, run: &str, count: usize) {
    let sql = format!("SELECT count(*) FROM pgchaos.user_events WHERE run_id = '{run}'");
    wait_until(SOON, &format!("{count} rows"), || {
        // At first there is no table.
        server.try_psql(&sql).is_ok_and(|rows| rows.parse::<usize>().unwrap() >= count)
    });
}

/// What all complete accounts have in common.
#[track_caller]
pub(crate) fn assert_complete(summary: &Value) {
    assert_eq!(summary["verification"]["state"], "complete", "{summary:#}");
    let writes = &summary["writes"];
    let number = |name: &str| writes[name].as_u64().unwrap();
    assert_eq!(
        number("attempted"),
        number("acknowledged") + number("rejected") + number("in_doubt"),
        "every write has one outcome: {writes:#}"
    );
    let found = &summary["verification"];
    let found = |name: &str| found[name].as_u64().unwrap();
    assert_eq!(number("in_doubt"), found("recovered") + found("absent"));
    assert_eq!(found("present"), number("acknowledged") - found("lost") + found("recovered"));
}
