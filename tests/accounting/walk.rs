//! The look that the verification takes at a run's rows: exact whatever is there, and along the index however little
//! the planner knows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::runtime::Runtime;
use uuid::Uuid;

use pgchaos::engine::Dialer;
use pgchaos::model::ledger::account::Presence;
use pgchaos::model::ledger::books::Ledger;
use pgchaos::model::ledger::progress::Progress;
use pgchaos::model::ledger::token_range::token_ranges;
use pgchaos::pg::presence_query::{SETTINGS, WALK};
use pgchaos::pg::sessions::session::Session;
use pgchaos::pg::settings::{Environment, Explicit, resolve};

use super::looks::SOON;
use crate::support::{Postgres, pgchaos};

const RUN_ID: Uuid = Uuid::from_u128(1);
const WRITERS: i32 = 4;

fn server_with_tables(settings: &[(&str, &str)]) -> Postgres {
    let server = Postgres::with_settings(settings);
    let home = tempfile::tempdir().unwrap();
    let init = pgchaos(home.path(), ["init", &server.url()]).output().unwrap();
    assert!(init.status.success(), "{init:?}");
    server
}

/// Rows as `(writer, seq)`, in this order.
fn insert(server: &Postgres, rows: &[(i32, i64)]) {
    let values: Vec<String> = rows
        .iter()
        .map(|(writer, seq)| format!("('{RUN_ID}', {writer}, '{seq}'::bigint, 1, 'click')"))
        .collect();
    server.psql(&format!(
        "TRUNCATE pgchaos.user_events;
         INSERT INTO pgchaos.user_events (run_id, writer, seq, user_id, event_type) VALUES ('{}', 1, 7, 1, 'click')",
        Uuid::from_u128(2)
    ));
    for values in values.chunks(1_000) {
        let values = values.join(", ");
        server.psql(&format!(
            "INSERT INTO pgchaos.user_events (run_id, writer, seq, user_id, event_type) VALUES {values}"
        ));
    }
}

async fn session(server: &Postgres) -> Session {
    let explicit = Explicit { dsn: Some(server.url()), ..Explicit::default() };
    let settings = resolve(&explicit, &Environment::empty()).unwrap().settings;
    let dialer = Dialer::new(Arc::new(settings), Duration::from_secs(10));
    dialer.dial().await.unwrap().session
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// What the program sees, a stretch of so many writes at a time.
fn look(server: &Postgres, ledger: &Ledger, stretch_writes: u32) -> Presence {
    runtime().block_on(async {
        let session = session(server).await;
        session.begin_look(None).await.unwrap();
        let mut presence = Presence::default();
        for stretch in token_ranges(ledger, stretch_writes) {
            presence.add(session.presence(RUN_ID, &stretch, SOON).await.unwrap());
        }
        session.end_look().await.unwrap();
        presence
    })
}

/// The same, one row after the other.
fn counted(rows: &[(i32, i64)]) -> Presence {
    let mut counts: BTreeMap<(i32, i64), u32> = BTreeMap::new();
    for row in rows {
        *counts.entry(*row).or_default() += 1;
    }
    let mut presence = Presence::default();
    for ((writer, seq), count) in counts {
        presence.present.entry(writer).or_default().insert(seq..=seq);
        if count > 1 {
            presence.duplicated.entry(writer).or_default().insert(seq..=seq);
        }
    }
    presence
}

/// Every writer's seqs from 1, but for some that are missing, some that are there again, and some that were never sent.
fn random_rows(random: &mut StdRng) -> (Ledger, Vec<(i32, i64)>) {
    let mut ledger = Ledger::default();
    let mut rows = Vec::new();
    for writer in 1..=WRITERS {
        let attempted = random.random_range(0..700);
        ledger.progress(Progress { writer, attempted, resolved: attempted });
        let missing = random.random_range(1..=attempted.max(1))..random.random_range(1..900);
        rows.extend((1..=attempted).filter(|seq| !missing.contains(seq)).map(|seq| (writer, seq)));
        for _ in 0..random.random_range(0..4) {
            rows.push((writer, random.random_range(-70..=attempted + 70)));
        }
        if random.random() {
            rows.extend([i64::MIN, i64::MAX, i64::MAX].map(|seq| (writer, seq)));
        }
    }
    (ledger, rows)
}

#[test]
fn a_look_sees_what_is_there_however_it_is_cut_into_stretches() {
    let server = server_with_tables(&[]);
    let seed = rand::rng().random();
    let mut random = StdRng::seed_from_u64(seed);
    for round in 0..8 {
        let (ledger, rows) = random_rows(&mut random);
        insert(&server, &rows);
        for stretch_writes in [1_000_000, 300, random.random_range(1..200)] {
            let seen = look(&server, &ledger, stretch_writes);
            assert_eq!(seen, counted(&rows), "seed {seed}, round {round}, {stretch_writes}");
        }
    }
}

#[test]
fn a_second_session_looks_at_the_moment_of_the_first() {
    let server = server_with_tables(&[]);
    insert(&server, &[(1, 1), (1, 2)]);
    let everything = token_ranges(&Ledger::default(), 1)[0];
    runtime().block_on(async {
        let (first, second, third) = (session(&server).await, session(&server).await, session(&server).await);
        first.begin_look(None).await.unwrap();
        let snapshot = first.export_snapshot().await.unwrap();
        server.psql(&format!(
            "INSERT INTO pgchaos.user_events (run_id, writer, seq, user_id, event_type) VALUES ('{RUN_ID}', 1, 3, 1, 'click')"
        ));
        second.begin_look(Some(&snapshot)).await.unwrap();
        for before in [&first, &second] {
            assert_eq!(before.presence(RUN_ID, &everything, SOON).await.unwrap(), counted(&[(1, 1), (1, 2)]));
        }
        first.end_look().await.unwrap();
        assert!(third.begin_look(Some(&snapshot)).await.is_err(), "that moment is over");
    });
}

#[test]
fn the_walk_goes_along_the_index_also_where_the_table_was_never_analysed() {
    // A vacuum that comes by itself would bring the statistics that must be missing.
    let server = server_with_tables(&[("autovacuum", "off")]);
    server.psql(&format!(
        "INSERT INTO pgchaos.user_events (run_id, writer, seq, user_id, event_type)
         SELECT '{RUN_ID}', 1 + g % 4, 1 + g / 4, 1, 'click' FROM generate_series(0, 199999) AS g"
    ));
    let plan = || {
        server.psql(&format!(
            "BEGIN;
             {};
             PREPARE walk (uuid, int, bigint, int, bigint) AS {WALK};
             EXPLAIN (COSTS OFF) EXECUTE walk ('{RUN_ID}', 1, 1, 3, 40000)",
            SETTINGS.join(";\n")
        ))
    };
    for when in ["never analysed", "analysed", "vacuumed"] {
        match when {
            "analysed" => drop(server.psql("ANALYZE pgchaos.user_events")),
            "vacuumed" => drop(server.psql("VACUUM pgchaos.user_events")),
            _ => {}
        }
        let plan = plan();
        let rows_into_blocks = "HashAggregate\n";
        let walk = plan.rfind(rows_into_blocks).map(|at| &plan[at + rows_into_blocks.len()..]);
        let walk = walk.unwrap_or_else(|| panic!("blocks are hashed, {when}:\n{plan}"));
        assert!(walk.contains("Index Only Scan using user_events_token"), "{when}:\n{plan}");
        assert!(!walk.contains("Sort"), "{when}:\n{plan}");
    }
}
