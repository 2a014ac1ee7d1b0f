//! Outages of known length beside what is reported of them.
//!
//! Known is when the proxy broke the way and when it mended it. What a client can know is less: it
//! finds out by its next attempt that somebody listens again, and says itself how long before its
//! first write that may have been (the resolution). So the error is told twice: by the bare numbers,
//! and beyond the resolution.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::arguments::Arguments;
use super::clocks::{seconds, wait_for_answers, wait_for_outage};
use super::results::{Column, Table};
use super::server::Server;
use super::statistics::{median, sizes, worst};
use super::support::{Gen, Proxy};

const COLUMNS: [Column; 9] = [
    Column { key: "way", title: "broken by", decimals: 0 },
    Column { key: "writes_per_s", title: "writes/s", decimals: 0 },
    Column { key: "writers", title: "writers", decimals: 0 },
    Column { key: "outages", title: "outages", decimals: 0 },
    Column { key: "error_ms", title: "error ms", decimals: 1 },
    Column { key: "worst_error_ms", title: "worst", decimals: 1 },
    Column { key: "beyond_resolution_ms", title: "beyond res.", decimals: 1 },
    Column { key: "worst_beyond_resolution_ms", title: "worst", decimals: 1 },
    Column { key: "resolution_ms", title: "res. ms", decimals: 1 },
];

const NOTES: [&str; 6] = [
    "error: reported duration − known length; the median of the sizes, and the worst with its sign.",
    "beyond res.: what is left of it when the true end lies where the report says that it may: up to",
    "its resolution (res., the median) before the first write. Refusal: sessions are cut and nobody",
    "listens. Silence: nothing moves; that is noticed by the next write that is due, so that up to",
    "one interval between writes is missing from what is reported.",
    "aims: median at most 5 ms, worst 20 ms.",
];

/// One after the other in every round; the longest once, as it takes the most time.
const LENGTHS_MS: [u64; 3] = [100, 300, 1_000];
const LONGEST_MS: u64 = 3_000;

/// How the way is broken.
struct Way {
    name: &'static str,
    break_it: fn(&Proxy) -> Instant,
    arguments: &'static [&'static str],
}

const WAYS: [Way; 2] = [
    Way { name: "a refusal", break_it: Proxy::refuse, arguments: &[] },
    // The shortest outage must be longer than what counts as one.
    Way { name: "silence", break_it: Proxy::silence, arguments: &["--stall-after=50ms"] },
];

/// One outage, in milliseconds.
struct Measured {
    error_ms: f64,
    beyond_resolution_ms: f64,
    resolution_ms: f64,
}

pub(crate) fn measure(server: &Server, arguments: &Arguments) -> Table {
    let mut table = Table::new("outage-clock", &NOTES, &COLUMNS);
    let rounds = arguments.rounds_or(2);
    let mut lengths_ms: Vec<u64> = (0..rounds).flat_map(|_| LENGTHS_MS).collect();
    lengths_ms.push(LONGEST_MS);
    table.note(format!("lengths in ms, in this order: {LENGTHS_MS:?} × {rounds}, {LONGEST_MS}"));
    server.reset(false);
    for way in &WAYS {
        for rate in [100, 1_000] {
            for writers in [1, 4] {
                let measured = outages(server, way, rate, writers, &lengths_ms);
                tell(&mut table, way, rate, writers, &measured);
            }
        }
    }
    table
}

fn tell(table: &mut Table, way: &Way, rate: u32, writers: u32, measured: &[Measured]) {
    let of = |value: fn(&Measured) -> f64| measured.iter().map(value).collect::<Vec<f64>>();
    let (errors, beyond) = (of(|one| one.error_ms), of(|one| one.beyond_resolution_ms));
    table.row(json!({
        "way": way.name,
        "writes_per_s": rate,
        "writers": writers,
        "outages": measured.len(),
        "error_ms": median(&sizes(&errors)),
        "worst_error_ms": worst(&errors),
        "errors_ms": errors,
        "beyond_resolution_ms": median(&sizes(&beyond)),
        "worst_beyond_resolution_ms": worst(&beyond),
        "resolution_ms": median(&of(|one| one.resolution_ms)),
    }));
}

/// Outages of these lengths, one after the other, in one run.
fn outages(
    server: &Server,
    way: &Way,
    rate: u32,
    writers: u32,
    lengths_ms: &[u64],
) -> Vec<Measured> {
    let proxy = Proxy::start(server.postgres.port());
    let (url, rate) = (proxy.url(), format!("--rate={rate}"));
    let writers = format!("--writers={writers}");
    let mut arguments = vec![&*url, &*rate, &*writers, "--read-every=0"];
    arguments.extend(way.arguments);
    let load = Gen::start(arguments);
    wait_for_answers(&load, 0, 1, 20);
    let measured = lengths_ms
        .iter()
        .zip(1..)
        .map(|(length_ms, n)| one_outage(&load, &proxy, way, Duration::from_millis(*length_ms), n))
        .collect();
    let finished = load.interrupt_and_finish();
    let counted = finished.summary["outages"].as_array().map(Vec::len);
    assert_eq!(counted, Some(lengths_ms.len()), "no outage of its own: {}", finished.stderr);
    measured
}

fn one_outage(load: &Gen, proxy: &Proxy, way: &Way, length: Duration, n: u64) -> Measured {
    let broken = (way.break_it)(proxy);
    sleep(length);
    let known_s = (proxy.pass() - broken).as_secs_f64();
    let outage: Value = wait_for_outage(load, n);
    let resolution_s = seconds(&outage["resolution_s"]);
    let error_s = seconds(&outage["duration_s"]) - known_s;
    // Nothing when the known end lies within the span that the report gives.
    let beyond_s = if error_s > 0.0 { (error_s - resolution_s).max(0.0) } else { error_s };
    // The next one is its own: the load is back to its rate, and its sessions are no new ones.
    sleep(Duration::from_millis(400));
    Measured {
        error_ms: error_s * 1e3,
        beyond_resolution_ms: beyond_s * 1e3,
        resolution_ms: resolution_s * 1e3,
    }
}
