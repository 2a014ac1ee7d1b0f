//! A look that takes its time: it is told how far it is, and that time is not the cluster's.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use pgchaos::model::event::{Event, Interval, What};
use pgchaos::model::ledger::progress::Progress;
use pgchaos::model::run::record_format::encode;

use super::looks::SOON;
use crate::support::{Postgres, Session, pgchaos, wait_until};

const MILLIONS: i64 = 3;

/// How long nothing is told at first: what ends sooner needs no word.
const UNTOLD: Duration = Duration::from_millis(2_100);

/// The record of a run of three writes, as if it had been millions: the look takes as many steps.
fn record_of_millions(server: &Postgres, home: &Path) -> PathBuf {
    let record = home.join("run.jsonl");
    let three = ["gen", &*server.url(), "-n3", "--rate=max", "--record"];
    let ran = pgchaos(home, three).arg(&record).output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let progress = Progress { writer: 1, attempted: MILLIONS * 1_000_000, resolved: 3 };
    let interval = Interval { writers: vec![progress], ..Interval::default() };
    let at = Duration::from_millis(1);
    let line = encode(&Event { at, what: What::Interval(Box::new(interval)) }).unwrap();
    let lines = std::fs::read_to_string(&record).unwrap();
    let (first, rest) = lines.split_once('\n').unwrap();
    std::fs::write(&record, [first, &line, rest].join("\n")).unwrap();
    record
}

fn verification(home: &Path, record: &Path) -> Command {
    let mut verify = pgchaos(home, ["verify", "--summary=json"]);
    verify.arg(record).env("PGPASSWORD", "postgres");
    verify
}

#[test]
fn a_long_look_says_how_far_it_is_and_does_not_count_as_waiting_for_the_cluster() {
    let server = Postgres::start();
    let home = tempfile::tempdir().unwrap();
    let record = record_of_millions(&server, home.path());
    let locked = Session::open(&server.url());
    locked.run("BEGIN; LOCK TABLE pgchaos.user_events IN ACCESS EXCLUSIVE MODE");
    let mut verify = verification(home.path(), &record);
    verify.arg("--verify-timeout=1s");
    let verifying = verify.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until(SOON, "both sessions of the look wait for the lock", || {
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
        server.psql(waiting) == "2"
    });
    sleep(UNTOLD);
    locked.run("ROLLBACK");
    let verified = verifying.wait_with_output().unwrap();

    let stderr = String::from_utf8_lossy(&verified.stderr);
    assert!(stderr.contains("looked at 250 000 of 3 000 000 writes"), "{stderr}");
    let summary: Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!(summary["verification"]["state"], "complete", "{summary}");
    assert_eq!(summary["verification"]["present"], 3, "{summary}");
}

#[test]
fn where_one_session_is_all_that_can_be_had_it_looks_at_everything() {
    let server = Postgres::start();
    let home = tempfile::tempdir().unwrap();
    let record = record_of_millions(&server, home.path());
    server.psql(
        "CREATE ROLE lonely LOGIN PASSWORD 'postgres' CONNECTION LIMIT 1;
         GRANT USAGE ON SCHEMA pgchaos TO lonely; GRANT SELECT ON ALL TABLES IN SCHEMA pgchaos TO lonely;
         GRANT pg_read_all_stats TO lonely; GRANT EXECUTE ON FUNCTION pg_control_system TO lonely;",
    );
    let verified = verification(home.path(), &record).args(["-U", "lonely"]).output().unwrap();
    let summary: Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!(summary["verification"]["state"], "complete", "{summary}");
    assert_eq!(summary["verification"]["present"], 3, "{summary}");
}
