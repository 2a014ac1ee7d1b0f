//! Tables that go, and verifications that look at the wrong place.

use crate::books::{Said, Truth, Verdict, assert_true};
use crate::harness::Case;
use crate::one_server::{
    OneServer, ask, new_database, report, run_id, stop_at_once, url, verify, wait_for,
};
use crate::support::{Finished, Postgres};

pub(crate) const CASES: &[Case] = &[
    Case::alone("single::table_dropped_before_the_verification", || {
        gone("DROP TABLE pgchaos.user_events")
    }),
    Case::alone("single::schema_dropped_before_the_verification", || {
        gone("DROP SCHEMA pgchaos CASCADE")
    }),
    Case::alone("single::table_emptied_before_the_verification", || {
        gone("TRUNCATE pgchaos.user_events")
    }),
    Case::alone("single::verify_after_the_table_was_dropped", || removed_later(Removal::Drop)),
    Case::alone("single::verify_after_clean_of_the_run", || removed_later(Removal::CleanRun)),
    Case::alone("single::verify_after_clean_of_the_schema", || removed_later(Removal::CleanSchema)),
    Case::alone("single::verify_another_database", verify_another_database),
    Case::alone("single::verify_another_cluster_after_a_pass", verify_another_cluster_after_a_pass),
    Case::alone("single::verify_nothing_there_after_a_pass", verify_nothing_there_after_a_pass),
];

/// All rows go while the verification waits for the way to the server: all of them are lost.
fn gone(sql: &str) -> String {
    let one = OneServer::shared();
    let load = one.load(&[]);
    let run = run_id(&load);
    one.wait_for_writes(60);
    one.wire.refuse();
    wait_for(&load, 0, "outage_began");
    one.psql(sql);
    load.interrupt();
    wait_for(&load, 0, "stopping");
    one.wire.pass();
    let said = Said::from(&load.finish());
    let truth = one.truth(run);
    assert!(truth.lost().len() >= 60, "{} rows are gone", truth.lost().len());
    assert_true(&said, &truth, &[Verdict::Fail])
}

/// A load that ended by Ctrl-C and passed.
fn passed(one: &OneServer) -> (Finished, Truth) {
    let load = one.load(&[]);
    let run = run_id(&load);
    one.wait_for_writes(60);
    let finished = load.interrupt_and_finish();
    let truth = one.truth(run);
    assert_true(&Said::from(&finished), &truth, &[Verdict::Pass]);
    (finished, truth)
}

#[derive(Clone, Copy)]
enum Removal {
    Drop,
    CleanRun,
    CleanSchema,
}

/// What is removed after a complete verification is no loss, and is said.
fn removed_later(removal: Removal) -> String {
    let one = OneServer::shared();
    let (finished, truth) = passed(&one);
    let run = finished.summary["run_id"].as_str().unwrap();
    let url = one.url();
    match removal {
        Removal::Drop => drop(one.psql("DROP TABLE pgchaos.user_events")),
        Removal::CleanRun => assert_eq!(ask(&["clean", &url, "--run-id", run]).code, 0),
        Removal::CleanSchema => assert_eq!(ask(&["clean", &url, "--schema"]).code, 0),
    }
    let again = verify(&finished.record, &["--verify-timeout=5s"]);
    assert_true(&again, &truth, &[Verdict::Pass]);
    let before = finished.summary.to_string();
    let said = format!("{} {}", again.words, again.summary).to_lowercase();
    let words = ["gone", "removed", "no longer", "dropped", "does not exist", "missing", "clean"];
    let is_said = words.iter().any(|word| said.contains(word) && !before.contains(word));
    assert!(is_said, "that the rows are gone is said: {} {:#}", again.words, again.summary);
    assert_true(&report(&finished.record), &truth, &[Verdict::Pass])
}

/// Another database of the same server, which has the tables too.
fn verify_another_database() -> String {
    let one = OneServer::shared();
    let other = new_database(&one.server);
    assert_eq!(ask(&["init", &url(one.server.port(), &other)]).code, 0);
    let load = one.load(&[]);
    let run = run_id(&load);
    one.wait_for_writes(60);
    // No verification before this one: the way is away, and Ctrl-C comes twice.
    one.wire.refuse();
    wait_for(&load, 0, "outage_began");
    let record = stop_at_once(load);
    one.wire.pass();
    let looked = verify(&record.record, &["-d", &other, "--verify-timeout=5s"]);
    assert!(
        [2, 3, 4].contains(&looked.code) && looked.summary["verdict"] != "pass",
        "exit {}: refused or inconclusive is right\n{}",
        looked.code,
        looked.words
    );
    let lost = &looked.summary["verification"]["lost"];
    assert!(lost.is_null() || *lost == 0, "false LOST: {lost}");
    assert_true(&verify(&record.record, &[]), &one.truth(run), &[Verdict::Pass])
}

fn verify_another_cluster_after_a_pass() -> String {
    let one = OneServer::shared();
    let (finished, truth) = passed(&one);
    let other = Postgres::start();
    assert_eq!(ask(&["init", &other.url()]).code, 0);
    let port = other.port().to_string();
    let args = ["-p", port.as_str(), "-d", "postgres", "--verify-timeout=3s"];
    let looked = verify(&finished.record, &args);
    assert_ne!(looked.code, 1, "false LOST: {}", looked.words);
    assert_true(&report(&finished.record), &truth, &[Verdict::Pass])
}

fn verify_nothing_there_after_a_pass() -> String {
    let one = OneServer::shared();
    let (finished, truth) = passed(&one);
    let port = crate::support::free_port().to_string();
    let looked = verify(&finished.record, &["-p", &port, "--verify-timeout=2s"]);
    assert_ne!(looked.code, 1, "false LOST: {}", looked.words);
    assert_true(&report(&finished.record), &truth, &[Verdict::Pass])
}
