//! Each kind of outage that one server has, by its real cause.

use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use uuid::Uuid;

use super::lengths::assert_exact;
use crate::books::{Said, Verdict, assert_true};
use crate::harness::{Case, exact_or_again};
use crate::one_server::{OneServer, SOON, run_id, start_load, wait_for, wait_for_outage};
use crate::support::{Gen, Session, Stop, wait_until};

pub(crate) const CASES: &[Case] = &[
    Case::alone("outages::restart_backend_killed", restart_backend_killed),
    Case::alone("outages::restart_only_backend_killed", restart_only_backend_killed),
    Case::alone("outages::restart_postmaster_killed", restart_postmaster_killed),
    Case::alone("outages::restart_by_an_administrator", restart_by_an_administrator),
    Case::alone("outages::restart_at_once", restart_at_once),
    Case::alone("outages::terminated_all_sessions", terminated_all_sessions),
    Case::alone("outages::terminated_when_idle", terminated_when_idle),
    Case::alone("outages::read_only_server", read_only_server),
    Case::alone("outages::read_only_database", read_only_database),
    Case::alone("outages::read_only_role", read_only_role),
    Case::alone("outages::overloaded_by_others", overloaded_by_others),
    Case::alone("outages::overloaded_by_own_sessions", overloaded_by_own_sessions),
    Case::alone("outages::denied_insert_revoked", denied_insert_revoked),
    Case::alone("outages::denied_role_without_login", denied_role_without_login),
    Case::alone("outages::denied_by_pg_hba", denied_by_pg_hba),
    Case::alone("outages::connection_refused_by_a_proxy", connection_refused_by_a_proxy),
];

/// A load for a story without silence: a server that waits for a processor is no outage of its own.
fn patient_load(url: &str, args: &[&str]) -> Gen {
    start_load(url, &[&["--stall-after=20s"], args].concat())
}

/// A server of its own, and a database that belongs to a role without any privilege.
fn of_a_plain_role() -> (OneServer, String) {
    let one = OneServer::own();
    one.server.psql("CREATE ROLE app LOGIN PASSWORD 'app'");
    one.server.psql(&format!("ALTER DATABASE {} OWNER TO app", one.database));
    let url = format!("postgresql://app:app@127.0.0.1:{}/{}", one.wire.port(), one.database);
    (one, url)
}

/// The longest time without a row among those that overlap the outage, by psql.
pub(crate) fn gap_s(psql: impl Fn(&str) -> String, run: Uuid, outage: &Value) -> f64 {
    let began = outage["began_at"].as_str().unwrap();
    let duration = outage["duration_s"].as_f64().unwrap();
    let gap = psql(&format!(
        "SELECT coalesce(max(extract(epoch FROM gap)), 0)
           FROM (SELECT created_at, created_at - lag(created_at) OVER (ORDER BY created_at) AS gap
                   FROM pgchaos.user_events WHERE run_id = '{run}') AS rows
          WHERE created_at >= '{began}'
            AND created_at - gap <= timestamptz '{began}' + make_interval(secs => {duration})"
    ));
    gap.parse().unwrap()
}

/// Every outage is of this kind, with this known beyond it, and the longest as long as the rows say.
#[track_caller]
fn assert_outages(
    said: &Said,
    psql: impl Fn(&str) -> String,
    run: Uuid,
    kind: &str,
    detail: &Value,
) -> String {
    let outages = said.summary["outages"].as_array().unwrap();
    assert!(!outages.is_empty(), "{}", said.words);
    for outage in outages {
        assert_eq!((&outage["kind"], &outage["detail"]), (&json!(kind), detail), "{}", said.words);
    }
    let length = |outage: &&Value| outage["duration_s"].as_f64().unwrap();
    let longest = outages.iter().max_by(|one, two| length(one).total_cmp(&length(two))).unwrap();
    let (duration, gap) = (length(&longest), gap_s(psql, run, longest));
    assert_exact(duration, gap, longest);
    format!("{kind} of {duration:.3} s, {gap:.3} s between the rows")
}

/// Ends a load after an outage, on a server that is well again.
#[track_caller]
fn end(one: &OneServer, load: Gen, kind: &str, detail: &Value) -> String {
    one.wait_for_writes(30);
    let run = run_id(&load);
    let (said, _, _) = one.end(load, Verdict::Pass);
    assert_outages(&said, |sql| one.psql(sql), run, kind, detail)
}

/// The server process of a writer's session.
fn backend(one: &OneServer, writer: i32) -> Pid {
    let pid = one.psql(&format!(
        "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'pgchaos:%:{writer}'"
    ));
    Pid::from_raw(pid.parse().unwrap())
}

/// One writer's process is killed: the server ends all others (57P02), and its postmaster stays. The role may not see the
/// checkpointer.
fn restart_backend_killed() -> String {
    let (one, url) = of_a_plain_role();
    let load = patient_load(&url, &["--writers=3"]);
    one.wait_for_writes(60);
    kill(backend(&one, 2), Signal::SIGKILL).unwrap();
    wait_for_the_only_outage(&one, &load);
    end(&one, load, "restart", &json!({"what": "process_crashed"}))
}

/// A postmaster that gets no processor just then takes the writer back before it notices that a process was killed: that
/// is an outage of its own, and another story.
fn wait_for_the_only_outage(one: &OneServer, load: &Gen) {
    wait_for_outage(load, 1);
    one.wait_for_writes(30);
    let more = load.events().into_iter().find(|event| event["n"] == 2);
    exact_or_again(more.is_none(), || format!("the postmaster was late: {more:?}"));
}

/// The only writer's process: all it hears is the end of its connection. The checkpointer tells.
fn restart_only_backend_killed() -> String {
    let one = OneServer::own();
    let load = patient_load(&one.url(), &["--writers=1"]);
    one.wait_for_writes(60);
    kill(backend(&one, 1), Signal::SIGKILL).unwrap();
    wait_for_the_only_outage(&one, &load);
    end(&one, load, "restart", &json!({"what": "process_crashed"}))
}

fn restart_postmaster_killed() -> String {
    let one = OneServer::own();
    let load = patient_load(&one.url(), &[]);
    one.wait_for_writes(60);
    one.server.kill_postmaster();
    wait_for(&load, 0, "outage_began");
    one.server.start_again();
    wait_for_outage(&load, 1);
    end(&one, load, "restart", &Value::Null)
}

fn restart_by_an_administrator() -> String {
    let one = OneServer::own();
    let load = patient_load(&one.url(), &[]);
    one.wait_for_writes(60);
    one.server.restart();
    wait_for_outage(&load, 1);
    end(&one, load, "restart", &Value::Null)
}

/// An immediate stop, which ends every session with a mere warning.
fn restart_at_once() -> String {
    let one = OneServer::own();
    let load = patient_load(&one.url(), &[]);
    one.wait_for_writes(60);
    one.server.stop(Stop::Immediate);
    one.server.start_again();
    let fault = wait_for(&load, 0, "fault");
    assert_eq!(fault["fault"]["sqlstate"], "57P01", "it says why: {fault}");
    wait_for_outage(&load, 1);
    end(&one, load, "restart", &Value::Null)
}

fn terminated_all_sessions() -> String {
    let one = OneServer::shared();
    let load = patient_load(&one.url(), &["--writers=4"]);
    one.wait_for_writes(60);
    let ended = one.psql(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
          WHERE application_name ~ '^pgchaos:.*:[0-9]+$' AND datname = current_database()",
    );
    assert_eq!(ended, "4");
    wait_for_outage(&load, 1);
    end(&one, load, "terminated", &json!({"what": "by_administrator"}))
}

/// A write a second, and sessions that end when they are idle for less.
fn terminated_when_idle() -> String {
    let one = OneServer::shared();
    one.psql(&format!("ALTER DATABASE {} SET idle_session_timeout = '300ms'", one.database));
    let load = patient_load(&one.url(), &["--writers=1", "--rate=1"]);
    wait_for_outage(&load, 2);
    let run = run_id(&load);
    let said = Said::from(&load.interrupt_and_finish());
    assert_true(&said, &one.truth(run), &[Verdict::Pass]);
    let outages = said.summary["outages"].as_array().unwrap();
    for outage in outages {
        let kind = (&outage["kind"], &outage["detail"]["what"]);
        assert_eq!(kind, (&json!("terminated"), &json!("by_time_limit")), "{}", said.words);
    }
    format!("{} outages", outages.len())
}

fn read_only_server() -> String {
    let one = OneServer::own();
    let load = patient_load(&one.url(), &[]);
    one.wait_for_writes(60);
    one.server.psql("ALTER SYSTEM SET default_transaction_read_only = on");
    one.server.psql("SELECT pg_reload_conf()");
    wait_for(&load, 0, "outage_began");
    wait_for_attempts(&load, "read_only");
    // A session is read-only too, and cannot set it back.
    fs::write(one.server.data_dir().join("postgresql.auto.conf"), "").unwrap();
    one.server.psql("SELECT pg_reload_conf()");
    wait_for_outage(&load, 1);
    end(&one, load, "read_only", &Value::Null)
}

/// New sessions are read-only; the old ones are cut off.
fn read_only_by(one: &OneServer, load: Gen, whose: &str) -> String {
    one.wait_for_writes(60);
    // From another database: its sessions can set it back.
    one.server.psql(&format!("ALTER {whose} SET default_transaction_read_only = on"));
    one.wire.cut();
    wait_for_attempts(&load, "read_only");
    one.server.psql(&format!("ALTER {whose} RESET default_transaction_read_only"));
    wait_for_outage(&load, 1);
    end(one, load, "read_only", &Value::Null)
}

fn read_only_database() -> String {
    let one = OneServer::shared();
    let load = patient_load(&one.url(), &[]);
    read_only_by(&one, load, &format!("DATABASE {}", one.database))
}

fn read_only_role() -> String {
    let (one, url) = of_a_plain_role();
    let load = patient_load(&url, &[]);
    read_only_by(&one, load, "ROLE app")
}

/// Waits until some attempts have failed by this class.
#[track_caller]
fn wait_for_attempts(load: &Gen, class: &str) {
    wait_until(SOON, &format!("attempts fail by {class}"), || {
        let is_it = |event: &&Value| event["event"] == "fault" && event["fault"]["class"] == class;
        load.events().iter().filter(is_it).count() >= 4
    });
}

/// While the way is closed, sessions of others take the places that the role may have.
fn overloaded_by_others() -> String {
    let (one, url) = of_a_plain_role();
    one.server.psql("ALTER ROLE app CONNECTION LIMIT 4");
    let load = patient_load(&url, &[]);
    one.wait_for_writes(60);
    let others = format!("postgresql://app:app@127.0.0.1:{}/postgres", one.server.port());
    let mut sessions = Vec::new();
    wait_until(SOON, "others have the other places", || {
        sessions.extend(Session::try_open(&others));
        sessions.len() >= 2
    });
    one.server.psql("ALTER ROLE app CONNECTION LIMIT 2");
    one.wire.cut();
    wait_for_attempts(&load, "overloaded");
    one.server.psql("ALTER ROLE app CONNECTION LIMIT 8");
    wait_for_outage(&load, 1);
    drop(sessions);
    end(&one, load, "overloaded", &Value::Null)
}

/// Two of four writers get in: they have all places of the role.
fn overloaded_by_own_sessions() -> String {
    let (one, url) = of_a_plain_role();
    one.server.psql("ALTER ROLE app CONNECTION LIMIT 2");
    let load = patient_load(&url, &["--writers=4", "--verify-timeout=20s"]);
    let run = run_id(&load);
    one.wait_for_writes(100);
    wait_for_attempts(&load, "overloaded");
    let said = Said::from(&load.interrupt_and_finish());
    assert_true(&said, &one.truth(run), &[Verdict::Pass, Verdict::Inconclusive]);
    let outage = &said.summary["outages"][0];
    let filled = json!({"what": "own_sessions", "own": 2, "of": {"role": "app"}, "max": 2});
    assert_eq!(
        (&outage["kind"], &outage["detail"]),
        (&json!("overloaded"), &filled),
        "{}",
        said.words
    );
    format!("{}", outage["detail"])
}

fn denied_insert_revoked() -> String {
    let one = OneServer::own();
    one.server.psql("CREATE ROLE app LOGIN PASSWORD 'app'");
    // Set-up has what it needs, and the table is not the role's own.
    let init = ["init", &crate::one_server::url(one.server.port(), &one.database)];
    assert_eq!(crate::one_server::ask(&init).code, 0);
    one.psql("GRANT USAGE ON SCHEMA pgchaos TO app");
    one.psql("GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA pgchaos TO app");
    one.psql("GRANT USAGE ON ALL SEQUENCES IN SCHEMA pgchaos TO app");
    let url = format!("postgresql://app:app@127.0.0.1:{}/{}", one.wire.port(), one.database);
    let load = patient_load(&url, &[]);
    one.wait_for_writes(60);
    one.psql("REVOKE INSERT ON pgchaos.user_events FROM app");
    wait_for(&load, 0, "outage_began");
    wait_until(SOON, "some writes are refused", || one.wire.wire().rejected.len() >= 4);
    one.psql("GRANT INSERT ON pgchaos.user_events TO app");
    wait_for_outage(&load, 1);
    end(&one, load, "denied", &Value::Null)
}

fn denied_role_without_login() -> String {
    let (one, url) = of_a_plain_role();
    let load = patient_load(&url, &[]);
    one.wait_for_writes(60);
    one.psql("ALTER ROLE app NOLOGIN");
    one.wire.cut();
    wait_for_attempts(&load, "auth");
    one.psql("ALTER ROLE app LOGIN");
    wait_for_outage(&load, 1);
    end(&one, load, "denied", &Value::Null)
}

fn denied_by_pg_hba() -> String {
    let (one, url) = of_a_plain_role();
    let load = patient_load(&url, &[]);
    one.wait_for_writes(60);
    let file = one.server.data_dir().join("pg_hba.conf");
    let before = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("host all app all reject\n{before}")).unwrap();
    one.server.psql("SELECT pg_reload_conf()");
    one.wire.cut();
    wait_for_attempts(&load, "auth");
    fs::write(&file, before).unwrap();
    one.server.psql("SELECT pg_reload_conf()");
    wait_for_outage(&load, 1);
    end(&one, load, "denied", &Value::Null)
}

fn connection_refused_by_a_proxy() -> String {
    let one = OneServer::shared();
    let load = patient_load(&one.url(), &[]);
    one.wait_for_writes(60);
    one.wire.refuse();
    wait_for_attempts(&load, "refused");
    one.wire.pass();
    wait_for_outage(&load, 1);
    end(&one, load, "connection", &Value::Null)
}
