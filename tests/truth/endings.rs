//! How a run ends: killed, stopped at once, and with sessions that it left behind.

use nix::sys::signal::Signal;

use crate::books::{Said, Truth, Verdict, assert_true, line, lost_writes, rows_of};
use crate::harness::Case;
use crate::one_server::{OneServer, SOON, report, run_id, stop_at_once, verify, wait_for};
use crate::support::{Gen, Session, wait_until};

pub(crate) const CASES: &[Case] = &[
    Case::alone("single::load_killed", load_killed),
    Case::alone(
        "single::load_killed_and_verified_at_the_wrong_port",
        load_killed_and_verified_at_the_wrong_port,
    ),
    Case::alone("single::stopped_at_once_and_verified", stopped_at_once_and_verified),
    Case::alone("single::load_killed_and_its_last_rows_gone", load_killed_and_its_last_rows_gone),
    Case::alone("single::stopped_at_once_mid_write", stopped_at_once_mid_write),
    Case::alone("single::idle_sessions_left_behind", idle_sessions_left_behind),
    Case::alone("single::sessions_of_others_are_left_alone", sessions_of_others_are_left_alone),
];

/// The rows of after the last flush go, and some of before it with them: these are lost, and how many the others were is
/// not known.
fn load_killed_and_its_last_rows_gone() -> String {
    let one = OneServer::shared();
    let (finished, run) = killed(&one);
    let recorded = report(&finished.record).summary["writes"]["acknowledged"].as_u64().unwrap();
    let kept = recorded / 2 - 50;
    one.psql(&format!("DELETE FROM pgchaos.user_events WHERE run_id = '{run}' AND seq > {kept}"));
    let said = verify(&finished.record, &[]);
    let truth = one.truth(run);
    let (writes, lost) = (&said.summary["writes"], lost_writes(&said.summary));
    assert_eq!((said.code, &said.summary["verdict"]), (1, &"fail".into()), "{}", said.words);
    assert!(lost.len() >= 50 && lost.is_subset(&truth.lost()), "{} named as lost", lost.len());
    let unrecorded = truth.acknowledged.len() as u64 - writes["acknowledged"].as_u64().unwrap();
    assert!(
        writes["unaccounted"].as_u64().is_none_or(|number| number >= unrecorded),
        "{unrecorded} acknowledged ones are not in the record: {writes}"
    );
    line(&said, &truth)
}

/// A load that is killed in the middle, and its run.
fn killed(one: &OneServer) -> (crate::support::Finished, uuid::Uuid) {
    let load = one.load(&["--rate=1000", "--pipeline=4"]);
    let run = run_id(&load);
    one.wait_for_writes(1500);
    for writer in [1, 2] {
        load.wait_for_record(SOON, "some answers of each writer", |line| {
            let mut progress = line["writers"].as_array().into_iter().flatten();
            progress.any(|at| at[0] == writer && at[2].as_i64() >= Some(200))
        });
    }
    load.signal(Signal::SIGKILL);
    let finished = load.finish();
    assert_eq!(finished.code, 137);
    (finished, run)
}

/// What was acknowledged after the last flush is an unknown number, never none, and never fine.
#[track_caller]
fn assert_unknown(said: &Said, truth: &Truth) {
    let writes = &said.summary["writes"];
    assert_eq!(
        (said.code, &said.summary["verdict"]),
        (3, &"inconclusive".into()),
        "{}",
        said.words
    );
    assert!(
        writes["acknowledged"].as_u64().unwrap() <= truth.acknowledged.len() as u64,
        "{writes}"
    );
    assert_eq!(lost_writes(&said.summary), truth.lost(), "nothing is lost");
    let unaccounted = &writes["unaccounted"];
    let unrecorded = truth.acknowledged.len() as u64 - writes["acknowledged"].as_u64().unwrap();
    assert!(
        unaccounted.as_u64().is_none_or(|number| number > 0 && number >= unrecorded),
        "unaccounted {unaccounted}, and {} were acknowledged of which the record has {}",
        truth.acknowledged.len(),
        writes["acknowledged"]
    );
    let reasons = said.summary["reasons"].to_string();
    assert!(!reasons.contains(" 0 writes") && !reasons.contains("\"0 writes"), "{reasons}");
}

fn load_killed() -> String {
    let one = OneServer::shared();
    let (finished, run) = killed(&one);
    let said = verify(&finished.record, &[]);
    let truth = one.truth(run);
    assert_unknown(&said, &truth);
    line(&said, &truth)
}

/// A look at a place where nothing is makes nothing known.
fn load_killed_and_verified_at_the_wrong_port() -> String {
    let one = OneServer::shared();
    let (finished, run) = killed(&one);
    let port = crate::support::free_port().to_string();
    let first = verify(&finished.record, &["-p", &port, "--verify-timeout=2s"]);
    assert_ne!(first.code, 0);
    let said = verify(&finished.record, &[]);
    let truth = one.truth(run);
    assert_unknown(&said, &truth);
    line(&said, &truth)
}

/// Stopped by a second Ctrl-C with everything answered: the verification later decides.
fn stopped_at_once_and_verified() -> String {
    let one = OneServer::shared();
    let load = one.load(&[]);
    let run = run_id(&load);
    one.wait_for_writes(60);
    one.wire.refuse();
    wait_for(&load, 0, "outage_began");
    let finished = stop_at_once(load);
    assert_ne!(finished.summary["verdict"], "pass", "nothing was verified");
    one.wire.pass();
    assert_true(&verify(&finished.record, &[]), &one.truth(run), &[Verdict::Pass])
}

/// The same with writes on their way: they are in doubt, and the verification decides them.
fn stopped_at_once_mid_write() -> String {
    let one = OneServer::shared();
    let load = one.load(&["--write-timeout=60s", "--stall-after=200ms", "--read-every=0"]);
    let run = run_id(&load);
    one.wait_for_writes(60);
    let from = load.now();
    one.wire.hold_answers();
    wait_for(&load, from, "stalled");
    let finished = stop_at_once(load);
    assert_ne!(finished.summary["verdict"], "pass", "nothing was verified");
    one.wire.pass();
    let truth = one.truth(run);
    assert!(!truth.in_doubt().is_empty());
    assert_true(&verify(&finished.record, &[]), &truth, &[Verdict::Pass])
}

/// A network cut that the server never hears of leaves its backends idle; one write is in doubt, so that the account
/// waits for them.
fn leave_sessions_behind(one: &OneServer, load: &Gen) {
    one.wait_for_writes(30);
    let from = load.now();
    one.wire.hold_answers();
    wait_for(load, from, "stalled");
    one.wire.abandon();
    one.wire.pass();
    wait_for(load, from, "outage_ended");
    one.wait_for_writes(30);
}

fn idle_sessions(one: &OneServer) -> String {
    one.psql(
        "SELECT count(*) FROM pg_stat_activity
          WHERE datname = current_database() AND state = 'idle' AND application_name LIKE 'pgchaos%'",
    )
}

fn idle_sessions_left_behind() -> String {
    let one = OneServer::shared();
    let load = one.load(&["--stall-after=200ms", "--verify-timeout=20s", "--read-every=0"]);
    leave_sessions_behind(&one, &load);
    let (said, truth, line) = one.end(load, Verdict::Pass);
    assert!(!truth.in_doubt().is_empty(), "the answers were held");
    assert_eq!(
        said.summary["verification"]["recovered"],
        truth.in_doubt().len(),
        "the server had committed them"
    );
    assert_eq!(idle_sessions(&one), "0", "what the run left behind is ended");
    line
}

/// The same with three other sessions: of another name, of the run's own name, and of the name of its writer.
fn sessions_of_others_are_left_alone() -> String {
    let one = OneServer::shared();
    let load = one.load(&["--stall-after=200ms", "--verify-timeout=20s", "--read-every=0"]);
    let run = run_id(&load);
    let direct = crate::one_server::url(one.server.port(), &one.database);
    let names = ["dba".to_owned(), "pgchaos".to_owned(), format!("pgchaos:{run}:1")];
    let others: Vec<Session> = names
        .iter()
        .map(|name| Session::open(&format!("{direct}?application_name={name}")))
        .collect();
    leave_sessions_behind(&one, &load);
    let (_, _, line) = one.end(load, Verdict::Pass);
    for (other, name) in others.iter().zip(&names) {
        other.run("SELECT 1");
        let there =
            format!("SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = '{name}'");
        wait_until(SOON, name, || one.psql(&there) == "t");
    }
    assert_ne!(one.psql(&rows_of(run)), "");
    line
}
