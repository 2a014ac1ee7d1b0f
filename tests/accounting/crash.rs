//! Runs that are stopped, or killed.

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::looks::{SOON, assert_complete, lost_writes, run_id, tokens, verify, wait_for_answers};
use crate::support::{Gen, Postgres, Proxy, pgchaos, recorded};

#[test]
fn a_killed_run_is_accounted_for_up_to_its_last_flush() {
    let server = Postgres::shared();
    let url = server.url();
    let load = Gen::start([&*url, "--rate=1000", "--writers=2", "--pipeline=4"]);
    let run = run_id(&load);
    for writer in [1, 2] {
        load.wait_for_record(SOON, "700 answers of each writer", |line| {
            let mut progress = line["writers"].as_array().into_iter().flatten();
            progress.any(|at| at[0] == writer && at[2].as_i64() >= Some(700))
        });
    }
    load.signal(Signal::SIGKILL);
    let finished = load.finish();
    assert_eq!((finished.code, finished.stdout.as_str()), (137, ""));

    let (code, summary, stderr) = verify(&finished.record, &[]);
    assert_eq!(code, 3, "{summary:#}");
    assert!(stderr.contains("not closed"), "{stderr}");
    assert_eq!(summary["verdict"], "inconclusive");
    assert_eq!(summary["verification"]["state"], "complete");
    assert_eq!(summary["verification"]["lost"], 0);
    assert_eq!(summary["verification"]["unexpected"], 0);
    // What the last flush knew of every writer.
    let known: i64 = [1, 2]
        .map(|writer| {
            let lines = recorded(&finished.record);
            let progress = lines.iter().filter_map(|line| line["writers"].as_array()).flatten();
            progress.filter(|at| at[0] == writer).filter_map(|at| at[2].as_i64()).max().unwrap()
        })
        .iter()
        .sum();
    let there = tokens(&server, &run);
    let writes = &summary["writes"];
    assert_eq!(writes["acknowledged"], known);
    assert_eq!(summary["verification"]["present"], there.len());
    assert_eq!(writes["unaccounted"], Value::Null, "an unknown number");
    let unaccounted = writes["unaccounted_seen"].as_u64().unwrap();
    let beyond = there.len() as u64 - u64::try_from(known).unwrap();
    assert!(unaccounted >= beyond, "{unaccounted} of at least {beyond}");
    println!("acknowledged {known}, there {}, unaccounted {unaccounted}", there.len());

    // The same record, when rows of before the last flush are gone.
    server.psql(&format!(
        "DELETE FROM pgchaos.user_events
          WHERE run_id = '{run}' AND writer = 2 AND seq BETWEEN 101 AND 107"
    ));
    let (code, summary, _) = verify(&finished.record, &[]);
    assert_eq!(code, 1, "a loss outweighs what cannot be known: {summary:#}");
    assert_eq!(summary["verification"]["lost"], 7);
    assert_eq!(lost_writes(&summary), (101..=107).map(|seq| (2, seq)).collect());
    assert_eq!(summary["writes"]["unaccounted_seen"], unaccounted);
    assert!(summary["verification"]["lost_writes"][0]["acknowledged_from"].is_string());
}

#[test]
fn a_run_that_goes_on_is_not_verified_and_keeps_its_sessions() {
    let server = Postgres::shared();
    let url = server.url();
    let load = Gen::start([&*url, "--rate=100", "--writers=3", "--stall-after=20s"]);
    wait_for_answers(&load, &[1, 2, 3], 20);
    let home = load.record().parent().unwrap().to_owned();
    let refused = pgchaos(&home, ["verify".as_ref(), load.record().as_os_str()]).output().unwrap();
    let stderr = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(4), "{stderr}");
    assert!(stderr.contains("a running pgchaos writes or verifies it"), "{stderr}");
    let finished = load.interrupt_and_finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert_eq!(finished.summary["outages"], serde_json::json!([]));
    assert_eq!(finished.summary["errors"], serde_json::json!({}));
}

#[test]
fn ctrl_c_stops_writing_verifies_and_reports() {
    let server = Postgres::shared();
    let url = server.url();
    let load = Gen::start([&*url, "--rate=200", "--writers=3", "--pipeline=2"]);
    let run = run_id(&load);
    wait_for_answers(&load, &[1, 2, 3], 30);
    let finished = load.interrupt_and_finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert_complete(&finished.summary);
    assert_eq!(finished.event("stopping")["reason"], "signal");
    assert_eq!(finished.summary["verification"]["present"], tokens(&server, &run).len());
    assert_eq!(finished.summary["writes"]["in_doubt"], 0, "what was in flight got its answer");
    assert_eq!(finished.recorded().last().unwrap()["event"], "result");
    assert_eq!(finished.recorded().last().unwrap()["complete"], true);
}

#[test]
fn ctrl_c_twice_stops_at_once_and_the_record_can_be_verified_later() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let url = proxy.url();
    let load = Gen::start([&*url, "--rate=200", "--writers=2"]);
    let run = run_id(&load);
    wait_for_answers(&load, &[1, 2], 30);
    // The verification waits for a cluster that is away.
    proxy.refuse();
    load.wait_for_event(SOON, "an outage", |event| event["event"] == "outage_began");
    load.interrupt();
    load.wait_for_event(SOON, "the verification waits", |event| event["event"] == "verifying");
    load.interrupt();
    let finished = load.finish();
    assert_eq!(finished.code, 130, "{}", finished.stderr);
    assert_ne!(finished.summary["verdict"], "pass");
    proxy.pass();
    let (code, summary, _) = verify(&finished.record, &[]);
    let there = tokens(&server, &run);
    assert_eq!(summary["verification"]["state"], "complete", "{summary:#}");
    assert_eq!(summary["verification"]["present"], there.len());
    assert_eq!(summary["verification"]["lost"], 0);
    // Nothing was in flight any more, so that the account is as whole as after one Ctrl-C.
    assert_eq!((code, &summary["reasons"]), (0, &serde_json::json!([])));
}
