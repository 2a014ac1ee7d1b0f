//! How long the exact account takes, beside counting the same rows.

use std::path::Path;
use std::time::{Duration, Instant};

use pgchaos::pg::presence_query::{SETTINGS, WALK};
use serde_json::{Value, json};

use super::arguments::Arguments;
use super::books::{insert_rows, run_id, write_record};
use super::child;
use super::results::{Column, Table};
use super::server::Server;
use super::support::{Session, pgchaos};

const COLUMNS: [Column; 6] = [
    Column { key: "rows", title: "rows", decimals: 0 },
    Column { key: "state", title: "the table", decimals: 0 },
    Column { key: "verify_s", title: "verify s", decimals: 3 },
    Column { key: "count_s", title: "count(*) s", decimals: 3 },
    Column { key: "ratio", title: "ratio", decimals: 2 },
    Column { key: "peak_mb", title: "peak MB", decimals: 1 },
];

const NOTES: [&str; 3] = [
    "verify: `pgchaos verify` as a process, from its start to its end. count(*): of that run's rows,",
    "on a session that is there. Best of three each; no other run is in the table.",
    "aim: at most 8 × count(*) at 10 million rows (--full).",
];

const TRIES: usize = 3;
const PAGE_COLUMNS: usize = 94;

pub(crate) fn measure(server: &Server, arguments: &Arguments) -> Table {
    let mut table = Table::new("verification", &NOTES, &COLUMNS);
    let rows = if arguments.full { 10_000_000 } else { 2_000_000 };
    let home = tempfile::tempdir().unwrap();
    let record = home.path().join("run.jsonl");
    server.reset(false);
    insert_rows(server, rows);
    write_record(server, rows, &record);
    row(&mut table, server, &record, rows, "as loaded");
    // Its deadline is psql's own, and this takes longer than one statement may at 10 million rows.
    Session::open(&server.url()).run("VACUUM (ANALYZE) pgchaos.user_events");
    row(&mut table, server, &record, rows, "vacuumed");
    server.reset(false);
    table
}

fn row(table: &mut Table, server: &Server, record: &Path, rows: u64, state: &str) {
    let (verify, peak_mb) = best_verification(record, rows);
    let count = best_count(server);
    table.row(json!({
        "rows": rows,
        "state": state,
        "verify_s": verify.as_secs_f64(),
        "count_s": count.as_secs_f64(),
        "ratio": verify.as_secs_f64() / count.as_secs_f64(),
        "peak_mb": peak_mb,
        "plan": plan(server),
    }));
    table.note(format!("the plan of the walk over a million of one writer's, {state}:"));
    for line in plan(server) {
        table.note(format!("  {}", cut(&line)));
    }
}

/// As wide as the page. The JSON has all of it.
fn cut(line: &str) -> String {
    let cut: String = line.chars().take(PAGE_COLUMNS).collect();
    if cut.len() < line.len() { cut + "…" } else { cut }
}

fn best_verification(record: &Path, rows: u64) -> (Duration, f64) {
    let home = record.parent().unwrap();
    let tries = (0..TRIES).map(|_| {
        let mut verify = pgchaos(home, ["verify", "--summary", "json"]);
        let ended = child::run(verify.arg(record).env("PGPASSWORD", "postgres"));
        let summary: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(summary["verification"]["present"], rows, "{summary}");
        assert_eq!(summary["verdict"], "pass", "{summary}");
        (ended.took, ended.peak_mb())
    });
    tries.min_by_key(|(took, _)| *took).unwrap()
}

fn best_count(server: &Server) -> Duration {
    let session = Session::open(&server.url());
    let count = format!("SELECT count(*) FROM pgchaos.user_events WHERE run_id = '{}'", run_id());
    let tries = (0..TRIES).map(|_| {
        let begin = Instant::now();
        session.run(&count);
        begin.elapsed()
    });
    tries.min().unwrap()
}

/// What the planner chooses for the statement as the program prepares it.
fn plan(server: &Server) -> Vec<String> {
    let run_id = run_id();
    let plan = server.postgres.psql(&format!(
        "BEGIN;
         {};
         PREPARE walk (uuid, int, bigint, int, bigint) AS {WALK};
         EXPLAIN (COSTS OFF) EXECUTE walk ('{run_id}', 1, 1, 1, 1000000)",
        SETTINGS.join(";\n")
    ));
    plan.lines().map(str::to_owned).collect()
}
