//! `conflict` and `sql`: the server refuses a statement. Only what was refused is rejected, and the load goes on.

use serde_json::json;

use crate::load::{Load, SOON, SOON_OUT, STEADY, signs};
use crate::support::{Postgres, Session, wait_until};

#[test]
fn conflict_of_serializable_transactions() {
    let server = Postgres::start();
    let url = format!("{}?options=-cdefault_transaction_isolation%3Dserializable", server.url());
    let load = Load::start(&url, &STEADY);
    let other = Session::open(&server.url());
    // A write has its snapshot when it waits for the lock, and then wants to change a row that another has changed.
    other.run(
        "CREATE TABLE counter AS SELECT 0 AS writes;
         SELECT pg_advisory_lock(1);
         CREATE FUNCTION count_it() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             PERFORM pg_advisory_xact_lock(1);
             UPDATE counter SET writes = writes + 1;
             RETURN NEW;
         END $$;
         CREATE TRIGGER counting BEFORE INSERT ON pgchaos.user_events
             FOR EACH ROW EXECUTE FUNCTION count_it()",
    );
    let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
    wait_until(SOON, "a write waits", || server.psql(waiting) == "1");
    other.run("UPDATE counter SET writes = 100; SELECT pg_advisory_unlock(1)");
    let fault = load.fault("conflict");
    assert_eq!(signs(&fault), ["conflict", "write", "40001"]);
    assert_eq!(fault["rejected"].as_array().expect("one write").len(), 1, "{fault}");
    load.writes_on();
    let finished = load.ends_with(&["conflict"]);
    assert_eq!(finished.summary["writes"]["rejected"], 1);
    assert_eq!(finished.events_named("connected").len(), 1, "the session is kept");
    assert_eq!(finished.summary["outages"], json!([]), "a conflict is no outage");
}

#[test]
fn conflict_of_writers_that_deadlock() {
    let server = Postgres::with_settings(&[("deadlock_timeout", "20ms")]);
    let load = Load::start(&server.url(), &["--rate", "10", "--writers", "2", "--read-every", "0"]);
    server.psql(
        "CREATE FUNCTION cross_over() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             PERFORM pg_advisory_xact_lock(NEW.writer);
             PERFORM pg_sleep(0.3);
             PERFORM pg_advisory_xact_lock(3 - NEW.writer);
             RETURN NEW;
         END $$;
         CREATE TRIGGER crossing BEFORE INSERT ON pgchaos.user_events
             FOR EACH ROW EXECUTE FUNCTION cross_over()",
    );
    let fault = load.fault("conflict");
    assert_eq!(signs(&fault), ["conflict", "write", "40P01"]);
    assert_eq!(fault["rejected"].as_array().expect("one write").len(), 1, "{fault}");
    let undo = || server.try_psql("DROP FUNCTION cross_over() CASCADE").is_ok();
    wait_until(SOON, "the trigger is gone, though this may be the victim", undo);
    load.writes_on();
    let finished = load.ends_with(&["conflict"]);
    assert_eq!(finished.summary["writes"]["rejected"], finished.summary["errors"]["conflict"]);
}

#[test]
fn sql_by_a_trigger_that_refuses() {
    let server = Postgres::start();
    let load = Load::start(&server.url(), &[&STEADY[..], &SOON_OUT].concat());
    let from = load.now();
    server.psql(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             RAISE EXCEPTION 'the warehouse is closed' USING ERRCODE = 'WH001', HINT = 'wait';
         END $$;
         CREATE TRIGGER refusing BEFORE INSERT ON pgchaos.user_events
             FOR EACH ROW EXECUTE FUNCTION refuse()",
    );
    // The first one, and the one that shows that every write is refused.
    let fault = load.faults("sql", 2);
    assert_eq!(signs(&fault), ["sql", "write", "WH001"]);
    assert_eq!(fault["fault"]["message"], "the warehouse is closed · wait");
    server.psql("DROP FUNCTION refuse() CASCADE");
    assert_eq!(load.recovers_from(from)["kind"], "unknown");
    let finished = load.ends_with(&["sql"]);
    let rejected = finished.summary["writes"]["rejected"].as_u64().unwrap();
    assert_eq!(json!(rejected), finished.summary["errors"]["sql"]);
    let intervals = finished.events_named("interval");
    let writers = intervals.iter().flat_map(|told| told["rejected"].as_array()).flatten();
    let ranges = writers.flat_map(|writer| writer[1].as_array()).flatten();
    let seqs: i64 =
        ranges.map(|range| range[1].as_i64().unwrap() - range[0].as_i64().unwrap() + 1).sum();
    assert_eq!(json!(seqs), json!(rejected), "intervals name each write");
    assert_eq!(finished.events_named("connected").len(), 1, "the session is kept");
}

#[test]
fn sql_by_a_permission_that_was_revoked() {
    let server = Postgres::start();
    let owner = Load::start(&server.url(), &STEADY);
    owner.ends_with(&[]);
    server.psql(
        "CREATE ROLE app LOGIN PASSWORD 'app'; GRANT USAGE ON SCHEMA pgchaos TO app;
         GRANT SELECT ON ALL TABLES IN SCHEMA pgchaos TO app;
         GRANT INSERT ON pgchaos.user_events TO app",
    );
    let load = Load::start(&server.url().replace("postgres:postgres@", "app:app@"), &STEADY);
    server.psql("REVOKE INSERT ON pgchaos.user_events FROM app");
    assert_eq!(signs(&load.faults("sql", 3)), ["sql", "write", "42501"]);
    server.psql("GRANT INSERT ON pgchaos.user_events TO app");
    assert_eq!(load.recovers()["kind"], "denied");
    load.ends_with(&["sql"]);
}

#[test]
fn sql_by_a_table_that_is_gone() {
    let server = Postgres::start();
    let load = Load::start(&server.url(), &[&STEADY[..], &SOON_OUT].concat());
    let from = load.now();
    server.psql("ALTER TABLE pgchaos.user_events RENAME TO elsewhere");
    assert_eq!(signs(&load.faults("sql", 2)), ["sql", "write", "42P01"], "every write");
    server.psql("ALTER TABLE pgchaos.elsewhere RENAME TO user_events");
    load.recovers_from(from);
    load.ends_with(&["sql"]);
}
