//! gen may be started before the cluster is up: what is only not there yet is waited out, from the first attempt on.

use std::fs;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::{Finished, Gen, Postgres, Proxy, Stop, free_port, pgchaos};

const SOON: Duration = Duration::from_secs(60);

/// Waits for some attempts that failed in this way, before anything worked; then `mend` makes it work, and it writes.
#[track_caller]
fn is_waited_out(url: &str, class: &str, mend: impl FnOnce()) -> Finished {
    // A first session that is late skips no write.
    let args = ["--writes", "3", "--rate", "10", "--backlog", "catch-up", url];
    let load = Gen::start_with(args, |_, command| {
        command.env("PGCHAOS_CONNECT_TIMEOUT", if class == "timeout" { "1s" } else { "20s" });
    });
    let mut left = 3;
    load.wait_for_event(SOON, &format!("3 × {class}"), |event| {
        left -= u8::from(event["event"] == "fault" && event["fault"]["class"] == class);
        left == 0
    });
    mend();
    let finished = load.finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert_eq!(finished.summary["writes"]["acknowledged"], 3);
    assert_eq!(finished.summary["writes"]["due"], 3, "nothing was due before");
    assert_eq!(finished.summary["outages"], serde_json::json!([]), "no outage without a success");
    assert!(finished.summary["errors"][class].as_u64() >= Some(3), "{}", finished.summary);
    let ready = finished.events.iter().position(|event| event["event"] == "ready").unwrap();
    let is_early = |event: &Value| event["event"] == "fault" && event["writer"].is_null();
    let early: Vec<_> = finished.events[..ready].iter().filter(|event| is_early(event)).collect();
    assert!(early.len() >= 3);
    // A write's latency counts from when it was due.
    let intervals = finished.events_named("interval").into_iter();
    let last_ack_s = intervals.filter_map(|told| told["last_ack_s"].as_f64()).fold(0.0, f64::max);
    let longest_s = finished.summary["latency_ms"]["max"].as_f64().unwrap() / 1e3;
    let not_there_s = early.last().unwrap()["at_s"].as_f64().unwrap();
    assert!(longest_s <= last_ack_s - not_there_s, "some was due before: {}", finished.stderr);
    finished
}

#[test]
fn refused() {
    let server = Postgres::start();
    server.stop(Stop::Fast);
    is_waited_out(&server.url(), "refused", || server.start_again());
}

#[test]
fn a_socket_that_is_not_there_yet() {
    let server = Postgres::start();
    server.stop(Stop::Fast);
    let folder = server.socket_dir().display().to_string();
    let dsn = format!("host={folder} port={}", server.port());
    is_waited_out(&dsn, "refused", || server.start_again());
}

#[test]
fn no_backend() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    proxy.close_on_accept();
    is_waited_out(&proxy.url(), "no_backend", || {
        proxy.pass();
    });
}

#[test]
fn timeout() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    proxy.silence();
    is_waited_out(&proxy.url(), "timeout", || {
        proxy.pass();
    });
}

#[test]
fn read_only() {
    let primary = Postgres::start();
    let standby = primary.standby();
    let finished = is_waited_out(&standby.url(), "read_only", || standby.promote());
    assert_eq!(finished.event("ready")["created"], true);
    assert_eq!(primary.psql("SELECT to_regnamespace('pgchaos') IS NULL"), "t");
}

#[test]
fn starting() {
    let primary = Postgres::start();
    let standby = primary.standby();
    standby.psql("ALTER SYSTEM SET hot_standby = off");
    standby.stop(Stop::Fast);
    standby.begin_start();
    is_waited_out(&standby.url(), "starting", || {
        fs::write(standby.data_dir().join("promote"), "").unwrap();
        let postmaster = Pid::from_raw(standby.postmaster_pid().try_into().unwrap());
        kill(postmaster, Signal::SIGUSR1).unwrap();
    });
}

#[test]
fn too_many_connections() {
    let server = Postgres::shared();
    server.psql("CREATE ROLE crowded LOGIN SUPERUSER PASSWORD 'postgres'");
    server.psql("CREATE DATABASE crowded CONNECTION LIMIT 0");
    server.psql("ALTER ROLE crowded NOSUPERUSER");
    server.psql("ALTER DATABASE crowded OWNER TO crowded");
    let url = format!("postgresql://crowded:postgres@127.0.0.1:{}/crowded", server.port());
    is_waited_out(&url, "overloaded", || {
        server.psql("ALTER DATABASE crowded CONNECTION LIMIT -1");
    });
}

#[test]
fn a_target_that_stays_dead_is_inconclusive() {
    let dead = format!("postgresql://postgres:postgres@127.0.0.1:{}/postgres", free_port());
    let finished =
        Gen::start(["--duration", "5s", "--verify-timeout", "1s", dead.as_str()]).finish();
    assert_eq!(finished.code, 3, "{}", finished.stderr);
    assert_eq!(finished.summary["verdict"], "inconclusive");
    assert_ne!(finished.summary["reasons"], serde_json::json!([]));
    assert_eq!(finished.summary["writes"]["acknowledged"], 0);
    assert!(finished.summary["errors"]["refused"].as_u64() >= Some(2), "{}", finished.summary);
    assert_eq!(finished.event("stopping")["reason"], "duration");
    assert_eq!(finished.recorded().last().unwrap()["event"], "result", "its record is kept");
}

/// A trigger that takes its time, longer than the run.
#[test]
fn a_trial_write_without_an_answer() {
    let server = Postgres::start();
    let home = tempfile::tempdir().unwrap();
    assert!(pgchaos(home.path(), ["init", &server.url()]).status().unwrap().success());
    server.psql(
        "CREATE FUNCTION sleeps() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN PERFORM pg_sleep(600); RETURN NEW; END $$;
         CREATE TRIGGER sleeps BEFORE INSERT ON pgchaos.user_events
             FOR EACH ROW EXECUTE FUNCTION sleeps()",
    );
    let run = Gen::start(["-T", "2s", "--verify-timeout", "1s", &server.url()]).finish();
    assert_eq!(run.code, 3, "{}", run.stderr);
    let said = run.event("warning")["message"].as_str().unwrap();
    assert!(said.starts_with("stopped before anything was written: for "), "{said}");
}

#[test]
fn a_wait_can_be_interrupted() {
    let dead = format!("postgresql://postgres:postgres@127.0.0.1:{}/postgres", free_port());
    let load = Gen::start(["--verify-timeout", "1s", dead.as_str()]);
    let is_fault = |event: &Value| event["event"] == "fault";
    load.wait_for_event(SOON, "an attempt", is_fault);
    let finished = load.interrupt_and_finish();
    assert_eq!(finished.code, 3, "{}", finished.stderr);
    assert_eq!(finished.event("stopping")["reason"], "signal");
}
