//! Percentiles under a stall of known length: writes that came due in it and could not be sent must
//! be in them.
//!
//! A write that is due d seconds into a stall of s is answered s − d after it was due, and what a
//! write takes without a stall on top. So the exact percentiles follow from when the proxy was
//! silent and from when each write was due.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::arguments::Arguments;
use super::child::as_float;
use super::clocks::{RunClock, SOON, seconds};
use super::results::{Column, Table};
use super::server::Server;
use super::statistics::{median, quantile, sizes, worst};
use super::support::{Finished, Gen, Proxy};

const COLUMNS: [Column; 6] = [
    Column { key: "percentile", title: "percentile", decimals: 0 },
    Column { key: "exact_ms", title: "exact ms", decimals: 1 },
    Column { key: "reported_ms", title: "reported ms", decimals: 1 },
    Column { key: "error_pct", title: "error %", decimals: 2 },
    Column { key: "worst_error_pct", title: "worst %", decimals: 2 },
    Column { key: "unsure_ms", title: "unsure ms", decimals: 2 },
];

const NOTES: [&str; 5] = [
    "200 writes/s due, one connection; after 2 s the proxy is silent for 1 s. exact: from the time of",
    "the silence and of each write's due time, the time that the server needs to catch up left out.",
    "exact and reported are the last round's; errors are the median and the worst of all rounds.",
    "unsure: how long the orders to the proxy took, so how far the exact ones may be off.",
    "aim: within 2 %.",
];

const RATE_PER_S: f64 = 200.0;
const STALL: Duration = Duration::from_secs(1);
const STALL_AFTER: Duration = Duration::from_secs(2);
const PERCENTILES: [(&str, f64); 3] = [("p99", 0.99), ("p999", 0.999), ("max", 1.0)];

/// Each percentile: exact and reported, in milliseconds.
struct Round {
    percentiles: Vec<(f64, f64)>,
    unsure_ms: f64,
}

pub(crate) fn measure(server: &Server, arguments: &Arguments) -> Table {
    let (lasts, rounds) = (arguments.seconds_or(5), arguments.rounds_or(2));
    assert!(lasts > STALL_AFTER + STALL, "the stall ends before the load: --seconds 4 or more");
    let mut table = Table::new("coordinated-omission", &NOTES, &COLUMNS);
    table.note(format!("{rounds} rounds of {} s each", lasts.as_secs()));
    let rounds: Vec<Round> = (0..rounds).map(|_| round(server, lasts)).collect();
    for (nth, (percentile, _)) in PERCENTILES.iter().enumerate() {
        let pairs: Vec<(f64, f64)> = rounds.iter().map(|round| round.percentiles[nth]).collect();
        let errors: Vec<f64> =
            pairs.iter().map(|(exact, reported)| (reported / exact - 1.0) * 100.0).collect();
        let (exact, reported) = pairs[pairs.len() - 1];
        table.row(json!({
            "percentile": percentile,
            "exact_ms": exact,
            "reported_ms": reported,
            "error_pct": median(&sizes(&errors)),
            "worst_error_pct": worst(&errors),
            "errors_pct": errors,
            "unsure_ms": rounds.iter().map(|round| round.unsure_ms).fold(0.0, f64::max),
        }));
    }
    table
}

fn round(server: &Server, lasts: Duration) -> Round {
    server.reset(false);
    let proxy = Proxy::start(server.postgres.port());
    let url = proxy.url();
    let (rate, duration) = (format!("--rate={RATE_PER_S}"), format!("-T{}s", lasts.as_secs()));
    let load = Gen::start([&*url, &rate, "--read-every=0", &duration]);
    let clock = RunClock::of(&load);
    let connected = load.wait_for_event(SOON, "connected", |event| event["event"] == "connected");
    let first_due_s = seconds(&connected["at_s"]);
    sleep(STALL_AFTER);
    let silent = span(clock, proxy.silence());
    sleep(STALL);
    let passing = span(clock, proxy.pass());
    let finished = load.finish();
    let percentiles = percentiles(&finished, first_due_s, lasts, (silent.0, passing.1));
    let unsure_s = (silent.1 - silent.0) + (passing.1 - passing.0);
    Round { percentiles, unsure_ms: unsure_s * 1e3 }
}

/// An order was in force between these, in seconds of the run.
fn span(clock: RunClock, before: Instant) -> (f64, f64) {
    (clock.seconds(before), clock.seconds(Instant::now()))
}

fn percentiles(
    finished: &Finished,
    first_due_s: f64,
    lasts: Duration,
    stall: (f64, f64),
) -> Vec<(f64, f64)> {
    let reported_ms = |percentile: &str| -> f64 {
        let value: &Value = &finished.summary["latency_ms"][percentile];
        value.as_f64().unwrap_or_else(|| panic!("no {percentile}: {}", finished.summary))
    };
    let exact_ms = exact_latencies_ms(first_due_s, lasts, stall, reported_ms("p50"));
    let acknowledged = finished.summary["writes"]["acknowledged"].as_u64().unwrap();
    let due: u64 = exact_ms.len().try_into().unwrap();
    assert!(acknowledged.abs_diff(due) <= 1, "{acknowledged} acknowledged of {due} that were due");
    let exact_and_reported =
        |(name, share): &(&str, f64)| (quantile(&exact_ms, *share), reported_ms(name));
    PERCENTILES.iter().map(exact_and_reported).collect()
}

/// The latency of every write of the load, had the server answered each after `unstalled_ms`.
fn exact_latencies_ms(
    first_due_s: f64,
    lasts: Duration,
    (silent_s, passing_s): (f64, f64),
    unstalled_ms: f64,
) -> Vec<f64> {
    let latency_ms = |due_s: f64| {
        let waits_s = if due_s >= silent_s { (passing_s - due_s).max(0.0) } else { 0.0 };
        waits_s * 1e3 + unstalled_ms
    };
    (0..)
        .map(|nth| first_due_s + as_float(nth) / RATE_PER_S)
        .take_while(|due_s| *due_s < lasts.as_secs_f64())
        .map(latency_ms)
        .collect()
}
