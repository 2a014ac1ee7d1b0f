//! Writes that got no answer.

use std::thread;
use std::time::Duration;

use crate::looks::{
    SOON, assert_complete, by_writer, in_doubt, run_id, tokens, wait_for_answers, wait_for_check,
    wait_for_outage,
};
use crate::support::{Gen, Postgres, Proxy, Session, wait_until};

#[test]
fn a_write_whose_answer_was_cut_off_is_recovered_and_one_that_never_arrived_is_absent() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let load = Gen::start([&*proxy.url(), "--rate=50", "--stall-after=20s"]);
    let run = run_id(&load);
    wait_for_answers(&load, &[1], 10);

    proxy.cut_after_next_insert().wait(SOON);
    wait_for_outage(&load, 1);
    let found = wait_for_check(&load, 1);
    let after = by_writer(&found["recovered"]);
    assert_eq!((after.len(), by_writer(&found["not_found"]).len()), (1, 0), "{found}");

    proxy.cut_before_next_insert().wait(SOON);
    wait_for_outage(&load, 2);
    let found = wait_for_check(&load, 2);
    let before = by_writer(&found["not_found"]);
    assert_eq!((before.len(), by_writer(&found["recovered"]).len()), (1, 0), "{found}");

    let finished = load.interrupt_and_finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert_complete(&finished.summary);
    let verification = &finished.summary["verification"];
    assert_eq!((&verification["recovered"], &verification["absent"]), (&1.into(), &1.into()));
    assert_eq!(verification["lost"], 0);
    assert_eq!(finished.summary["writes"]["in_doubt"], 2);
    assert_eq!(in_doubt(&finished.events), &after | &before);
    let there = tokens(&server, &run);
    assert!(after.is_subset(&there) && before.is_disjoint(&there));
    let counts: Vec<_> =
        finished.summary["outages"].as_array().unwrap().iter().map(|o| &o["in_doubt"]).collect();
    assert_eq!(counts, [1, 1]);
}

/// Holds a table locked until it is told to end, through psql.
struct Lock<'a> {
    server: &'a Postgres,
}

impl<'a> Lock<'a> {
    /// Takes the lock on a thread of `scope`.
    fn take<'scope>(server: &'a Postgres, scope: &'scope thread::Scope<'scope, 'a>) -> Self {
        scope.spawn(|| {
            // Its end is an error: the session is terminated.
            let _ = server.try_psql(
                "LOCK TABLE pgchaos.user_events IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(50)",
            );
        });
        let held = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted
                     AND relation = 'pgchaos.user_events'::regclass";
        wait_until(SOON, "the table is locked", || server.psql(held) == "1");
        Self { server }
    }

    fn release(&self) {
        self.server.psql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
              WHERE query LIKE 'LOCK TABLE pgchaos.user_events%'",
        );
    }
}

#[test]
fn absence_is_not_decided_while_a_session_of_the_run_could_still_commit() {
    let server = Postgres::start();
    let timeouts = ["--write-timeout", "500ms", "--connect-timeout", "500ms"];
    let url = server.url();
    let load = Gen::start([&*url, "--rate", "20"].into_iter().chain(timeouts));
    let run = run_id(&load);
    wait_for_answers(&load, &[1], 5);
    thread::scope(|scope| {
        let lock = Lock::take(&server, scope);
        load.wait_for_event(SOON, "the client's deadline passes", |event| {
            event["fault"]["class"] == "timeout" && event["in_doubt"].is_array()
        });
        let doubtful = in_doubt(&load.events());
        assert_eq!(doubtful.len(), 1);
        load.interrupt();
        load.wait_for_event(SOON, "the verification waits for the session", |event| {
            let step = event["step"].as_str().filter(|_| event["event"] == "verifying");
            step.is_some_and(|step| step.contains("could still commit"))
        });
        // The row comes in when the lock goes, long after the client gave it up.
        lock.release();
        let finished = load.finish();
        assert_eq!(finished.code, 0, "{}", finished.stderr);
        assert_complete(&finished.summary);
        let verification = &finished.summary["verification"];
        assert_eq!((&verification["recovered"], &verification["absent"]), (&1.into(), &0.into()));
        assert!(doubtful.is_subset(&tokens(&server, &run)));
    });
}

#[test]
fn a_session_that_never_ends_leaves_the_account_inconclusive() {
    let server = Postgres::start();
    let url = server.url();
    let load = Gen::start([&*url, "--rate=20", "--write-timeout=3s", "--verify-timeout=10s"]);
    wait_for_answers(&load, &[1], 5);
    let from = load.now();
    // Held until the load has ended, however long that takes.
    let lock = Session::open(&url);
    lock.run("BEGIN; LOCK TABLE pgchaos.user_events IN ACCESS EXCLUSIVE MODE");
    load.wait_for_event_after(from, SOON, "the client's deadline passes", |event| {
        event["fault"]["class"] == "timeout" && event["in_doubt"].is_array()
    });
    let finished = load.interrupt_and_finish();
    drop(lock);
    assert_eq!(finished.code, 3, "{}", finished.stderr);
    assert_eq!(finished.summary["verification"]["state"], "incomplete");
    let reasons = finished.summary["reasons"].to_string();
    assert!(reasons.contains("not finished within 10 s"), "{reasons}");
    assert!(reasons.contains("could still commit"), "{reasons}");
}

#[test]
fn a_cancelled_wait_for_the_synchronous_standby_is_counted_as_acknowledged_locally() {
    let server = Postgres::start();
    let url = server.url();
    let load = Gen::start([&*url, "--rate=20", "--write-timeout=60s"]);
    wait_for_answers(&load, &[1], 5);
    server.psql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    server.psql("SELECT pg_reload_conf()");
    let waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    let mut last = String::new();
    for _ in 0..3 {
        let query = format!("{waiting} AND query_start::text <> '{last}'");
        wait_until(SOON, "a write waits for the standby", || !server.psql(&query).is_empty());
        last = server.psql("SELECT query_start FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
        server.psql(&format!("SELECT pg_cancel_backend(pid) FROM ({waiting}) AS w"));
    }
    server.psql("ALTER SYSTEM RESET synchronous_standby_names");
    server.psql("SELECT pg_reload_conf()");
    let finished = load.interrupt_and_finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert_complete(&finished.summary);
    assert_eq!(finished.summary["writes"]["acknowledged_locally"], 3);
    let told = finished.events_named("acknowledged_locally");
    let seqs: Vec<i64> = told
        .iter()
        .flat_map(|event| event["seqs"].as_array().unwrap())
        .flat_map(|range| range[0].as_i64().unwrap()..=range[1].as_i64().unwrap())
        .collect();
    assert_eq!(seqs.len(), 3, "each is told: {told:?}");
    let lines = finished.recorded();
    let recorded = lines.iter().filter(|line| line["event"] == "interval");
    let recorded = recorded.filter(|line| line["acknowledged_locally"].is_array()).count();
    assert!(recorded >= 1, "the record names them");
    assert_eq!(finished.summary["writes"]["in_doubt"], 0);
    assert_eq!(finished.summary["verification"]["lost"], 0);
}

#[test]
fn several_writers_with_a_pipeline_keep_every_write_apart() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let url = proxy.url();
    let args = ["--rate=2000", "--writers=4", "--pipeline=16", "--stall-after=20s"];
    let load = Gen::start([&*url].into_iter().chain(args));
    let run = run_id(&load);
    wait_for_answers(&load, &[1, 2, 3, 4], 200);
    proxy.cut_after_next_insert().wait(SOON);
    wait_for_outage(&load, 1);
    proxy.reset();
    wait_for_outage(&load, 2);
    thread::sleep(Duration::from_millis(100));
    proxy.cut_before_next_insert().wait(SOON);
    wait_for_outage(&load, 3);
    let finished = load.interrupt_and_finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert_complete(&finished.summary);
    let there = tokens(&server, &run);
    let doubtful = in_doubt(&finished.events);
    let verification = &finished.summary["verification"];
    assert_eq!(verification["present"], there.len());
    assert_eq!(verification["recovered"], (&doubtful & &there).len());
    assert_eq!(verification["absent"], (&doubtful - &there).len());
    assert_eq!(finished.summary["writes"]["in_doubt"], doubtful.len());
    assert_eq!(finished.summary["writes"]["acknowledged"], (&there - &doubtful).len());
    println!("in doubt {}, recovered {}", doubtful.len(), verification["recovered"]);
}
