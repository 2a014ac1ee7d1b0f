//! Whether as many writes are sent as are due, and how evenly: by the clock of a relay in between.

use std::time::Duration;

use serde_json::{Value, json};

use super::arguments::Arguments;
use super::child::as_float;
use super::relay::Relay;
use super::results::{Column, Table};
use super::server::{Load, Server};
use super::statistics::quantile;

const COLUMNS: [Column; 9] = [
    Column { key: "rate_per_s", title: "writes/s", decimals: 0 },
    Column { key: "writers", title: "writers", decimals: 0 },
    Column { key: "due", title: "exactly due", decimals: 0 },
    Column { key: "counted_due", title: "counted due", decimals: 0 },
    Column { key: "sent", title: "sent", decimals: 0 },
    Column { key: "rate_error", title: "off rate", decimals: 1 },
    Column { key: "gap_p50_ms", title: "gap p50", decimals: 3 },
    Column { key: "gap_p99_ms", title: "p99 ms", decimals: 3 },
    Column { key: "gap_max_ms", title: "max ms", decimals: 1 },
];

const NOTES: [&str; 6] = [
    "exactly due: over all writers, slots of its share of the rate from its first session to the end.",
    "counted due: by pgchaos itself. sent: writes that a relay saw; less than due where the server",
    "does not keep up. off rate: those, less the rate times the time from the first to the last.",
    "gap, in ms: between writes that follow each other at the relay; those of one read have a gap of",
    "0. The relay takes processor time too, most at 50,000/s.",
    "aims: over 60 s (--full) due ± 1; gaps at 1,000/s have p99 under 2 ms on an idle machine.",
];

/// Rate, connections, writes in flight on each.
const CASES: [(u32, u32, u32); 3] = [(1, 1, 1), (1_000, 1, 16), (50_000, 8, 64)];

pub(crate) fn measure(server: &Server, arguments: &Arguments) -> Table {
    let lasts = arguments.seconds_or(if arguments.full { 60 } else { 5 });
    let mut table = Table::new("pacing", &NOTES, &COLUMNS);
    table.note(format!("{} s each, synchronous_commit off", lasts.as_secs()));
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
        "due": exactly_due(&load, f64::from(rate), writers),
        "counted_due": load.writes("due"),
        "sent": count,
        "rate_error": as_float(count) - 1.0 - f64::from(rate) * seen_for.as_secs_f64(),
        "gap_p50_ms": quantile(&gaps_ms, 0.5),
        "gap_p99_ms": quantile(&gaps_ms, 0.99),
        "gap_max_ms": quantile(&gaps_ms, 1.0),
    }));
}

/// A writer's first write is due when it has its first session, and the others follow.
fn exactly_due(load: &Load, rate_per_s: f64, writers: u32) -> f64 {
    let rate_each_per_s = rate_per_s / f64::from(writers);
    let end_s = load.at("stopping").as_secs_f64();
    let of_writer = |writer: u32| {
        let is_first = |line: &&Value| line["event"] == "connected" && line["writer"] == writer;
        let connected_s = load.record.iter().find(is_first).and_then(|line| line["at_s"].as_f64());
        let writes_s = end_s - connected_s.expect("every writer had a session");
        (rate_each_per_s * writes_s).floor() + 1.0
    };
    (1..=writers).map(of_writer).sum()
}
