//! Whether as many writes are sent as are due, and how evenly: by the clock of a relay in between.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;

use super::arguments::Arguments;
use super::child::as_float;
use super::relay::Relay;
use super::results::{Column, Table};
use super::server::{Load, Server};
use super::statistics::quantile;

const COLUMNS: [Column; 9] = [
    Column { key: "rate_per_s", title: "writes/s", decimals: 0 },
    Column { key: "writers", title: "writers", decimals: 0 },
    Column { key: "due", title: "due", decimals: 0 },
    Column { key: "skipped", title: "skipped", decimals: 0 },
    Column { key: "sent", title: "sent", decimals: 0 },
    Column { key: "rate_error", title: "off rate", decimals: 1 },
    Column { key: "gap_p50_ms", title: "gap p50", decimals: 3 },
    Column { key: "gap_p99_ms", title: "p99 ms", decimals: 3 },
    Column { key: "gap_max_ms", title: "max ms", decimals: 1 },
];

const NOTES: [&str; 6] = [
    "due: as pgchaos counts it. sent: writes that a relay saw; less than due where the server does",
    "not keep up. off rate: those, less the rate times the time from the first to the last, so that",
    "0 is exact, and ±1 what the two ends can be off.",
    "gap, in ms: between writes that follow each other at the relay; those of one read have a gap of",
    "0. The relay takes processor time too, most at 50,000/s.",
    "aims: over 60 s (--full) due ± 1; gaps at 1,000/s have p99 under 2 ms on an idle machine.",
];

/// Rate, connections, writes in flight on each.
const CASES: [(u32, u32, u32); 3] = [(1, 1, 1), (1_000, 1, 16), (50_000, 8, 64)];

const SLEEPS: usize = 3_000;
const SLEEP: Duration = Duration::from_millis(1);

pub(crate) fn measure(server: &Server, arguments: &Arguments) -> Table {
    let lasts = arguments.seconds_or(if arguments.full { 60 } else { 5 });
    let mut table = Table::new("pacing", &NOTES, &COLUMNS);
    table.note(format!("{} s each, synchronous_commit off", lasts.as_secs()));
    table.note(timer_in_words());
    for (rate, writers, pipeline) in CASES {
        measure_case(&mut table, server, lasts, (rate, writers, pipeline));
    }
    table
}

fn measure_case(
    table: &mut Table,
    server: &Server,
    lasts: Duration,
    (rate, writers, pipeline): (u32, u32, u32),
) {
    server.reset(false);
    let relay = Relay::start(server.postgres.port());
    let load = Load::run(
        &relay.url(),
        &[
            &format!("--rate={rate}"),
            &format!("--writers={writers}"),
            &format!("--pipeline={pipeline}"),
            &format!("-T{}s", lasts.as_secs()),
            "--read-every=0",
        ],
    );
    let sent = relay.sent();
    let count: u64 = sent.len().try_into().unwrap();
    assert_eq!(load.writes("attempted"), count, "what was counted is what was seen");
    let gaps_ms: Vec<f64> =
        sent.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64() * 1e3).collect();
    let seen_for = sent[sent.len() - 1] - sent[0];
    table.row(json!({
        "rate_per_s": rate,
        "writers": writers,
        "pipeline": pipeline,
        "due": load.writes("due"),
        "skipped": load.writes("skipped"),
        "sent": count,
        "rate_error": as_float(count) - 1.0 - f64::from(rate) * seen_for.as_secs_f64(),
        "gap_p50_ms": quantile(&gaps_ms, 0.5),
        "gap_p99_ms": quantile(&gaps_ms, 0.99),
        "gap_max_ms": quantile(&gaps_ms, 1.0),
    }));
}

/// The best that is possible: how late this machine wakes a thread that sleeps and does nothing.
fn timer_in_words() -> String {
    let mut due = Instant::now();
    let late_ms: Vec<f64> = (0..SLEEPS)
        .map(|_| {
            due += SLEEP;
            sleep(due.saturating_duration_since(Instant::now()));
            due.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    let late = |share| quantile(&late_ms, share);
    format!(
        "before it, a thread that only sleeps for {} ms was woken late by: p50 {:.2} ms, p99 {:.2} ms, \
         max {:.1} ms",
        SLEEP.as_millis(),
        late(0.5),
        late(0.99),
        late(1.0)
    )
}
