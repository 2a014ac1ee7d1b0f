//! Connection settings, by psql's conventions, in use: the program ends up where they say.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use support::{Finished, Gen, Postgres, Session, Stop, free_port};

const SOON: Duration = Duration::from_secs(60);

/// A role, its password and its database, all of one name of its own, on the shared server.
fn account(name: &str) -> Arc<Postgres> {
    let server = Postgres::shared();
    server.psql(&format!("CREATE ROLE {name} LOGIN SUPERUSER PASSWORD '{name} secret'"));
    server.psql(&format!("CREATE DATABASE {name}"));
    server
}

/// A short run, by these arguments and what `prepare` sets.
fn run(args: &[&str], prepare: impl FnOnce(&Path, &mut Command)) -> Finished {
    let args = args.iter().copied().chain(["--writes", "2", "--rate", "50"]);
    Gen::start_with(args, |home, command| {
        command.env("PGCHAOS_CONNECT_TIMEOUT", "20s");
        prepare(home, command);
    })
    .finish()
}

/// It wrote there as `name`, into the database of that name, and nothing went wrong.
#[track_caller]
fn wrote_to(finished: &Finished, server: &Postgres, name: &str) {
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert_eq!(finished.summary["errors"], json!({}));
    let target = ["port", "dbname", "user"].map(|part| &finished.summary["target"][part]);
    assert_eq!(target, [&json!(server.port()), &json!(name), &json!(name)]);
    assert_eq!(finished.event("connected")["server"]["port"], server.port());
    has_rows(server, name);
}

/// The two writes of a run are in this database.
#[track_caller]
fn has_rows(server: &Postgres, database: &str) {
    let url = format!("postgresql://postgres:postgres@127.0.0.1:{}/{database}", server.port());
    let rows = "(SELECT count(*) FROM pgchaos.user_events GROUP BY run_id)";
    Session::open(&url).run(&format!("DO $$ BEGIN ASSERT 2 = ALL {rows}; END $$"));
}

fn file(path: &Path, mode: u32, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn warnings(finished: &Finished) -> Vec<&str> {
    let warnings = finished.events_named("warning");
    warnings.iter().map(|event| event["message"].as_str().unwrap()).collect()
}

#[test]
fn variables_of_libpq() {
    let server = account("by_variables");
    let finished = run(&[], |_, command| {
        command
            .env("PGHOST", "127.0.0.1")
            .env("PGPORT", server.port().to_string())
            .env("PGUSER", "by_variables")
            .env("PGPASSWORD", "by_variables secret")
            .env("PGDATABASE", "by_variables");
    });
    wrote_to(&finished, &server, "by_variables");
}

/// A flag outdoes its variable, and PGCHAOS_… is the flag by another way.
#[test]
fn flags_outdo_variables() {
    let server = account("by_flags");
    let port = server.port().to_string();
    let finished = run(&["-p", &port, "--username", "by_flags"], |_, command| {
        command
            .env("PGHOST", "nobody.invalid")
            .env("PGCHAOS_HOST", "127.0.0.1")
            .env("PGPORT", free_port().to_string())
            .env("PGUSER", "nobody")
            .env("PGPASSWORD", "by_flags secret")
            .env("PGCHAOS_DBNAME", "by_flags");
    });
    wrote_to(&finished, &server, "by_flags");
}

#[test]
fn a_service_of_a_service_file() {
    let server = account("by_service");
    let finished = run(&[], |home, command| {
        let lines = format!(
            "[other]\nport=1\n\n# mine\n[mine]\nhost=127.0.0.1\nport={}\nuser=by_service\n\
             password=by_service secret\ndbname=by_service\n",
            server.port()
        );
        file(&home.join("services"), 0o600, &lines);
        command.env("PGSERVICEFILE", home.join("services")).env("PGSERVICE", "mine");
    });
    wrote_to(&finished, &server, "by_service");
}

#[test]
fn a_password_file() {
    let server = account("by_passfile");
    let lines = format!(
        "# comment\nelsewhere:*:*:*:wrong\n127.0.0.1:{}:by_passfile:by_passfile:by_passfile secret\n\
         *:*:*:*:wrong too\n",
        server.port()
    );
    let url = format!("postgresql://by_passfile@127.0.0.1:{}/by_passfile", server.port());
    let finished = run(&[&url], |home, _| file(&home.join(".pgpass"), 0o600, &lines));
    wrote_to(&finished, &server, "by_passfile");
    assert_eq!(warnings(&finished), [""; 0]);

    let elsewhere = run(&[&url], |home, command| {
        file(&home.join("passwords"), 0o600, &lines);
        command.env("PGPASSFILE", home.join("passwords"));
    });
    wrote_to(&elsewhere, &server, "by_passfile");
}

#[test]
fn a_password_file_that_others_can_read_is_ignored_with_a_warning() {
    let server = account("by_open_file");
    let url = format!("postgresql://by_open_file@127.0.0.1:{}/by_open_file", server.port());
    let finished = run(&[&url], |home, _| {
        file(&home.join(".pgpass"), 0o644, "*:*:*:*:by_open_file secret\n");
    });
    assert_eq!(finished.code, 4, "{}", finished.stderr);
    let warning = format!(
        "password file \"{}\" has group or world access; permissions should be u=rw (0600) or \
         less: it is ignored",
        finished.home().join(".pgpass").display()
    );
    assert_eq!(warnings(&finished), [warning]);
    assert_eq!(finished.event("refused")["fault"]["sqlstate"], "28P01");
}

#[test]
fn a_unix_socket() {
    let server = account("by_socket");
    let folder = server.socket_dir().display().to_string();
    let port = server.port().to_string();
    let finished =
        run(&["-h", &folder, "-p", &port, "-U", "by_socket", "-d", "by_socket"], |_, _| {});
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert_eq!(finished.summary["target"]["host"], folder);
    has_rows(&server, "by_socket");
    let addresses = ["address", "port"].map(|part| &finished.event("connected")["server"][part]);
    assert_eq!(addresses, [&Value::Null, &Value::Null], "the server sees no address");
}

/// A host that is passed over is no error as long as another one serves.
#[test]
fn several_hosts_the_first_refused_the_second_a_standby() {
    let primary = Postgres::start();
    let standby = primary.standby();
    let hosts = format!("127.0.0.1:{},127.0.0.1:{}", free_port(), standby.port());
    let url = format!(
        "postgresql://postgres:postgres@{hosts},127.0.0.1:{}/postgres?target_session_attrs=primary",
        primary.port()
    );
    let finished = run(&[&url], |_, _| {});
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert_eq!(finished.summary["errors"], json!({}));
    assert_eq!(finished.summary["outages"], json!([]));
    assert_eq!(finished.event("connected")["server"]["port"], primary.port());
    assert_eq!(finished.summary["target"]["host"], "127.0.0.1,127.0.0.1,127.0.0.1");
}

/// After a failover the other host is found by itself.
#[test]
fn several_hosts_of_which_another_is_promoted() {
    let primary = Postgres::start();
    let (first, second) = (primary.port(), free_port());
    let standby = primary.standby();
    let other = standby.port();
    let url = format!(
        "postgresql://postgres:postgres@127.0.0.1:{first},127.0.0.1:{second},127.0.0.1:{other}/postgres"
    );
    let load = Gen::start_with(["--rate", "5", &url], |_, command| {
        command.env("PGCHAOS_CONNECT_TIMEOUT", "20s");
    });
    load.wait_for_event(SOON, "a write", |event| event["event"] == "written");
    let replays = || standby.log().matches("started streaming WAL from primary").count();
    support::wait_until(SOON, "the standby streams", || replays() == 1);
    primary.stop(Stop::Fast);
    standby.promote();
    let is_end = |event: &Value| event["event"] == "outage_ended";
    let outage = load.wait_for_event(SOON, "the end of the outage", is_end);
    assert_eq!(outage["to"]["address"], format!("127.0.0.1:{other}"));
    let finished = load.interrupt_and_finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert_eq!(finished.summary["verification"]["lost"], 0, "a fast stop sends all");
}

#[test]
fn each_session_is_called_by_its_run_and_what_it_is_for_unless_another_name_is_said() {
    let server = Postgres::with_settings(&[("log_connections", "on")]);
    for said in [None, Some("billing")] {
        let options = said.map(|name| format!("?application_name={name}")).unwrap_or_default();
        let url = format!("{}{options}", server.url());
        let load = Gen::start([&*url, "--writers=2", "--rate=20", "--read-dsn", &url]);
        let is_run = |event: &Value| event["event"] == "run";
        let run = load.wait_for_event(SOON, "the run begins", is_run)["run_id"].clone();
        let name = |last: &str| format!("pgchaos:{}:{last}", run.as_str().expect("the run's id"));
        for writer in [1, 2] {
            let writes = |event: &Value| event["event"] == "connected" && event["writer"] == writer;
            load.wait_for_event(SOON, "a writer's session", writes);
        }
        load.wait_for_event(SOON, "a look at a replica", |event| event["event"] == "replica_lag");
        let names = "SELECT DISTINCT application_name FROM pg_stat_activity
                      WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
                      ORDER BY 1";
        let expected = match said {
            Some(said) => said.to_owned(),
            None => [name("1"), name("2"), name("replica")].join("\n"),
        };
        assert_eq!(server.psql(names), expected);
        server.psql(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
              WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
        );
        load.wait_for_event(SOON, "a look after it", |event| event["event"] == "checked");
        let finished = load.interrupt_and_finish();
        assert_eq!(finished.code, 0, "{}", finished.stderr);
        let gone = || server.psql(names).is_empty();
        support::wait_until(SOON, "its sessions are gone", gone);
        for last in ["setup", "check", "verify"] {
            let logged = server.log().contains(&format!("application_name={}", name(last)));
            assert_eq!(logged, said.is_none(), "{last}");
        }
    }
}

#[test]
fn every_option_by_its_variable() {
    let server = Postgres::shared();
    let finished = Gen::start_with([server.url()], |home, command| {
        command
            .env("PGCHAOS_RATE", "25")
            .env("PGCHAOS_WRITES", "4")
            .env("PGCHAOS_WRITERS", "2")
            .env("PGCHAOS_PIPELINE", "3")
            .env("PGCHAOS_READ_EVERY", "0")
            .env("PGCHAOS_BACKLOG", "catch-up")
            .env("PGCHAOS_CONNECT_TIMEOUT", "21s")
            .env("PGCHAOS_WRITE_TIMEOUT", "22s")
            .env("PGCHAOS_STALL_AFTER", "23s")
            .env("PGCHAOS_BACKOFF_MIN", "24ms")
            .env("PGCHAOS_BACKOFF_MAX", "25ms")
            .env("PGCHAOS_VERIFY_TIMEOUT", "26s")
            .env("PGCHAOS_MAX_LOST", "27")
            .env("PGCHAOS_MAX_OUTAGE", "28s")
            .env("PGCHAOS_MIN_AVAILABILITY", "29")
            .env("PGCHAOS_MAX_P99", "30s")
            .env("PGCHAOS_GROUP", "checkout")
            .env("PGCHAOS_NAME", "zone-a")
            .env("PGCHAOS_REPORT", home.join("run.md"));
    })
    .finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let options = &finished.summary["options"];
    for (name, value) in [
        ("rate", json!({"per_second": 25.0})),
        ("writes", json!(4)),
        ("writers", json!(2)),
        ("pipeline", json!(3)),
        ("read_every", json!(0)),
        ("backlog", json!("catch-up")),
        ("connect_timeout_s", json!(21.0)),
        ("write_timeout_s", json!(22.0)),
        ("stall_after_s", json!(23.0)),
        ("backoff_min_s", json!(0.024)),
        ("backoff_max_s", json!(0.025)),
        ("verify_timeout_s", json!(26.0)),
        ("max_lost", json!(27)),
        ("max_outage_s", json!(28.0)),
        ("min_availability_pct", json!(29.0)),
        ("max_p99_s", json!(30.0)),
    ] {
        assert_eq!(options[name], value, "{name}");
    }
    let (summary, header) = (&finished.summary, finished.event("run"));
    for (name, value) in [("group", "checkout"), ("name", "zone-a")] {
        assert_eq!((&summary[name], &header[name]), (&value.into(), &value.into()));
        assert_eq!(finished.recorded()[0][name], value);
    }
    let run_id = summary["run_id"].as_str().unwrap();
    let mut writers: Vec<_> =
        finished.events_named("connected").iter().map(|event| &event["writer"]).collect();
    writers.sort_by_key(|writer| writer.as_i64());
    assert_eq!(writers, [1, 2]);
    let rows = format!("SELECT count(*) FROM pgchaos.user_events WHERE run_id = '{run_id}'");
    assert_eq!(server.psql(&rows), "4");
    assert!(finished.home().join("run.md").metadata().unwrap().len() > 0);
}
