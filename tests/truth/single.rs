//! Outages of one server, and of the way to it.

use crate::books::{Said, Truth, Verdict, assert_true};
use crate::harness::Case;
use crate::one_server::{OneServer, SOON, ask, run_id, wait_for, wait_for_outage};
use crate::support::{Postgres, Session, Stop, wait_until};

pub(crate) const CASES: &[Case] = &[
    Case::alone("single::killed_and_started_again", killed_and_started_again),
    Case::alone("single::immediate_restart_mid_write", immediate_restart_mid_write),
    Case::alone("single::fast_restart", fast_restart),
    Case::alone("single::sessions_terminated", sessions_terminated),
    Case::alone("single::way_reset_and_refused", way_reset_and_refused),
    Case::alone("single::crash_with_asynchronous_commit", crash_with_asynchronous_commit),
    Case::alone("single::read_only_for_a_while", read_only_for_a_while),
    Case::alone("single::locked_longer_than_the_deadline", locked_longer_than_the_deadline),
    Case::alone("single::identity_hidden_from_the_role", identity_hidden_from_the_role),
];

fn killed_and_started_again() -> String {
    let one = OneServer::own();
    let load = one.load(&["--pipeline=4"]);
    one.wait_for_writes(60);
    one.server.kill_postmaster();
    wait_for(&load, 0, "outage_began");
    one.server.start_again();
    wait_for_outage(&load, 1);
    one.wait_for_writes(40);
    one.end(load, Verdict::Pass).2
}

/// At a rate at which writes are always in flight.
fn immediate_restart_mid_write() -> String {
    let one = OneServer::own();
    let load = one.load(&["--rate=1000", "--pipeline=8"]);
    one.wait_for_writes(400);
    one.server.stop(Stop::Immediate);
    one.server.start_again();
    wait_for_outage(&load, 1);
    one.wait_for_writes(200);
    one.end(load, Verdict::Pass).2
}

fn fast_restart() -> String {
    let one = OneServer::own();
    let load = one.load(&["--rate=400"]);
    one.wait_for_writes(100);
    one.server.restart();
    wait_for_outage(&load, 1);
    one.wait_for_writes(100);
    one.end(load, Verdict::Pass).2
}

fn sessions_terminated() -> String {
    let one = OneServer::shared();
    let load = one.load(&["--rate=400", "--pipeline=4"]);
    run_id(&load);
    for n in 1..=3 {
        one.wait_for_writes(40);
        one.psql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
              WHERE datname = current_database() AND pid <> pg_backend_pid()",
        );
        wait_for_outage(&load, n);
    }
    one.wait_for_writes(40);
    one.end(load, Verdict::Pass).2
}

fn way_reset_and_refused() -> String {
    let one = OneServer::shared();
    let load = one.load(&["--rate=400", "--pipeline=8"]);
    one.wait_for_writes(100);
    one.wire.reset();
    wait_for_outage(&load, 1);
    one.wait_for_writes(100);
    let from = load.now();
    one.wire.refuse();
    wait_for(&load, from, "outage_began");
    one.wire.pass();
    wait_for_outage(&load, 2);
    one.wait_for_writes(100);
    let run = run_id(&load);
    let said = Said::from(&load.interrupt_and_finish());
    // A reset takes from the client what it has not read yet.
    let truth = Truth { unread_max: 16, ..one.truth(run) };
    assert_true(&said, &truth, &[Verdict::Pass])
}

/// A real loss on one server: with `synchronous_commit` off, what is acknowledged is in memory for a while.
fn crash_with_asynchronous_commit() -> String {
    let settings =
        [("synchronous_commit", "off"), ("wal_writer_delay", "10s"), ("autovacuum", "off")];
    let one = OneServer::on(Postgres::with_settings(&settings).into());
    assert_eq!(ask(&["init", &one.url()]).code, 0);
    one.psql("CHECKPOINT");
    let load = one.load(&["--rate=400"]);
    one.wait_for_writes(200);
    let unflushed = "SELECT pg_current_wal_insert_lsn() - pg_current_wal_flush_lsn() > 2000";
    wait_until(SOON, "some of it is in memory alone", || one.psql(unflushed) == "t");
    one.server.stop(Stop::Immediate);
    one.server.start_again();
    wait_for_outage(&load, 1);
    one.wait_for_writes(50);
    let (_, truth, line) = one.end(load, Verdict::Fail);
    assert!(!truth.lost().is_empty(), "what was in memory went");
    line
}

fn read_only_for_a_while() -> String {
    let one = OneServer::shared();
    let load = one.load(&[]);
    one.wait_for_writes(60);
    let database = &one.database;
    one.psql(&format!("ALTER DATABASE {database} SET default_transaction_read_only = on"));
    one.wire.cut();
    load.wait_for_event(SOON, "it is read-only", |event| event["fault"]["class"] == "read_only");
    one.server.psql(&format!("ALTER DATABASE {database} RESET default_transaction_read_only"));
    wait_for_outage(&load, 1);
    one.wait_for_writes(40);
    one.end(load, Verdict::Pass).2
}

/// The client gives its writes up; they wait in the server for the lock, and come when it goes.
fn locked_longer_than_the_deadline() -> String {
    let one = OneServer::shared();
    let load = one.load(&["--write-timeout=500ms", "--connect-timeout=500ms"]);
    one.wait_for_writes(60);
    let lock = Session::open(&crate::one_server::url(one.server.port(), &one.database));
    lock.run("BEGIN; LOCK TABLE pgchaos.user_events IN ACCESS EXCLUSIVE MODE");
    load.wait_for_event(SOON, "the client's deadline passes", |event| {
        event["fault"]["class"] == "timeout"
    });
    lock.run("COMMIT");
    wait_for_outage(&load, 1);
    one.wait_for_writes(40);
    let run = run_id(&load);
    let said = Said::from(&load.interrupt_and_finish());
    let truth = Truth { unread_max: 4, ..one.truth(run) };
    assert!(said.summary["writes"]["in_doubt"].as_u64() > Some(0), "{}", said.summary["writes"]);
    assert_true(&said, &truth, &[Verdict::Pass])
}

/// A role that cannot ask for the system identifier: a run that never learned it proves nothing about a cluster.
fn identity_hidden_from_the_role() -> String {
    let one = OneServer::own();
    let url = one.url_of_role("app", "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC");
    let load = crate::one_server::start_load(&url, &["--verify-timeout=5s"]);
    let run = run_id(&load);
    wait_until(SOON, "it writes", || one.wire.wire().acknowledged.len() >= 60);
    let said = Said::from(&load.interrupt_and_finish());
    assert_true(&said, &one.truth(run), &[Verdict::Inconclusive])
}
