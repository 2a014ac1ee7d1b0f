//! Rows that disappear, appear twice, or were never this run's.

use chrono::{DateTime, TimeDelta, Utc};

use crate::looks::{
    SOON, assert_complete, by_writer, lost_writes, recorded_run_id, rows, run_id, verify,
    wait_for_answers, wait_for_check, wait_for_rows,
};
use crate::support::{Finished, Gen, Postgres, Proxy};

fn reasons(finished: &Finished) -> String {
    finished.summary["reasons"].to_string()
}

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn rows_that_disappear_are_lost_and_listed_with_when_they_were_acknowledged() {
    let server = Postgres::shared();
    let url = server.url();
    let load = Gen::start([&*url, "--rate=100", "--writers=2"]);
    let run = run_id(&load);
    wait_for_answers(&load, &[1, 2], 60);
    let gone = format!(
        "run_id = '{run}' AND (writer = 1 AND seq BETWEEN 11 AND 20 OR writer = 2 AND seq IN (5, 60))"
    );
    let when = |writer: i64, which: &str, first: i64, last: i64| {
        time(&server.psql(&format!(
            "SELECT to_char({which}(created_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')
               FROM pgchaos.user_events
              WHERE run_id = '{run}' AND writer = {writer} AND seq BETWEEN {first} AND {last}"
        )))
    };
    let written: Vec<_> = [(1, 11, 20), (2, 5, 5), (2, 60, 60)]
        .map(|(writer, first, last)| {
            (when(writer, "min", first, last), when(writer, "max", first, last))
        })
        .into();
    server.psql(&format!("DELETE FROM pgchaos.user_events WHERE {gone}"));
    let finished = load.interrupt_and_finish();
    assert_eq!(finished.code, 1, "{}", finished.stderr);
    assert_complete(&finished.summary);
    assert_eq!(finished.summary["verification"]["lost"], 12);
    assert_eq!(finished.summary["verdict"], "fail");
    assert!(
        reasons(&finished).contains("12 acknowledged writes are lost"),
        "{}",
        reasons(&finished)
    );
    let lost = finished.summary["verification"]["lost_writes"].as_array().unwrap();
    let listed: Vec<_> = lost
        .iter()
        .map(|lost| (lost["writer"].clone(), lost["first_seq"].clone(), lost["last_seq"].clone()))
        .collect();
    let expected =
        [(1, 11, 20), (2, 5, 5), (2, 60, 60)].map(|(w, f, l)| (w.into(), f.into(), l.into()));
    assert_eq!(listed, expected);
    // A write is acknowledged soon after its transaction began; both clocks are this machine's.
    let slack = TimeDelta::milliseconds(100);
    for (lost, (first, last)) in lost.iter().zip(written) {
        let from = time(lost["acknowledged_from"].as_str().unwrap());
        let to = time(lost["acknowledged_to"].as_str().unwrap());
        assert!(from <= first + slack, "{from} is after {first}");
        assert!(to >= last, "{to} is before {last}");
        println!("acknowledged {first} to {last}, said {from} to {to}");
    }
    // The same from the record alone, later.
    let (code, summary, _) = verify(&finished.record, &[]);
    assert_eq!((code, &summary["verification"]), (1, &finished.summary["verification"]));
}

#[test]
fn recent_losses_are_told_right_after_an_outage_before_the_verification() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let url = proxy.url();
    let load = Gen::start([&*url, "--rate=50", "--stall-after=20s"]);
    let run = run_id(&load);
    wait_for_answers(&load, &[1], 40);
    let delete = |run: &str| {
        server.psql(&format!(
            "DELETE FROM pgchaos.user_events WHERE run_id = '{run}' AND seq BETWEEN 10 AND 14"
        ))
    };
    delete(&run);
    proxy.cut();
    let found = wait_for_check(&load, 1);
    assert_eq!(by_writer(&found["missing"]), (10..=14).map(|seq| (1, seq)).collect(), "{found}");
    assert!(found["looked_up"].as_u64() >= Some(40), "{found}");
    let finished = load.interrupt_and_finish();
    assert_eq!((finished.code, &finished.summary["verification"]["lost"]), (1, &5.into()));
    assert_eq!(finished.summary["outages"][0]["lost"], 5);

    // The log for people says it loudly.
    let load = Gen::start([&*url, "--rate=50", "--stall-after=20s", "--log-format=text"]);
    let run = recorded_run_id(&load);
    wait_for_rows(&server, &run, 40);
    let connections = proxy.connections_accepted();
    delete(&run);
    proxy.cut();
    crate::support::wait_until(SOON, "it connects again", || {
        proxy.connections_accepted() > connections
    });
    wait_for_rows(&server, &run, rows(&server, &run).len() + 10);
    let finished = load.interrupt_and_finish();
    assert_eq!(finished.code, 1);
    let loud = "!!! 5 acknowledged writes are NOT THERE (writer 1 #10–#14) · provisional";
    assert!(finished.stderr.contains(loud), "{}", finished.stderr);
}

#[test]
fn a_row_that_is_there_twice_is_duplicated() {
    let server = Postgres::shared();
    let url = server.url();
    let load = Gen::start([&*url, "--rate=100"]);
    let run = run_id(&load);
    wait_for_answers(&load, &[1], 20);
    server.psql(&format!(
        "INSERT INTO pgchaos.user_events (run_id, writer, seq, user_id, event_type)
         SELECT run_id, writer, seq, user_id, event_type FROM pgchaos.user_events
          WHERE run_id = '{run}' AND seq IN (3, 7)"
    ));
    let finished = load.interrupt_and_finish();
    assert_eq!(finished.code, 1, "{}", finished.stderr);
    assert_complete(&finished.summary);
    let verification = &finished.summary["verification"];
    assert_eq!((&verification["duplicated"], &verification["lost"]), (&2.into(), &0.into()));
    assert_eq!(verification["present"], rows(&server, &run).len() - 2);
    assert!(reasons(&finished).contains("2 writes are there more than once"));
}

#[test]
fn rows_under_the_runs_id_that_it_never_sent_are_unexpected() {
    let server = Postgres::shared();
    let url = server.url();
    let load = Gen::start([&*url, "--rate=100"]);
    let run = run_id(&load);
    wait_for_answers(&load, &[1], 20);
    server.psql(&format!(
        "INSERT INTO pgchaos.user_events (run_id, writer, seq, user_id, event_type)
         VALUES ('{run}', 999, 1, 1, 'login'), ('{run}', 1, 1000000, 1, 'login'),
                ('{run}', 1, 0, 1, 'login'), (gen_random_uuid(), 1, 2000000, 1, 'login')"
    ));
    let finished = load.interrupt_and_finish();
    assert_eq!(finished.code, 1, "{}", finished.stderr);
    assert_complete(&finished.summary);
    let verification = &finished.summary["verification"];
    assert_eq!((&verification["unexpected"], &verification["lost"]), (&3.into(), &0.into()));
    assert_eq!(verification["present"], rows(&server, &run).len() - 3);
    assert!(lost_writes(&finished.summary).is_empty());
}

#[test]
fn another_cluster_proves_nothing_and_takes_nothing_back() {
    let server = Postgres::shared();
    let url = server.url();
    let finished = Gen::start([&*url, "--rate=max", "--writes=20"]).finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let other = Postgres::start();
    let identifier =
        |server: &Postgres| server.psql("SELECT system_identifier FROM pg_control_system()");
    let port = other.port().to_string();
    let (code, summary, _) = verify(&finished.record, &["-h", "127.0.0.1", "-p", &port]);
    assert_eq!(code, 3, "{summary:#}");
    // What was found before stays; that it could not be had now is no pass.
    assert_eq!(summary["verdict"], "inconclusive");
    assert_eq!(summary["verification"]["present"], 20);
    let since = summary["verification"]["since"].to_string();
    assert!(since.contains(&identifier(&server)), "{since}");
    assert!(since.contains(&identifier(&other)), "{since}");
    // Back at the right one, everything is there as before.
    let (code, summary, _) = verify(&finished.record, &[]);
    assert_eq!((code, &summary["verification"]["present"]), (0, &20.into()));
}
