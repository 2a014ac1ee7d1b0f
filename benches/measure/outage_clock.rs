//! Outages of known length beside what is reported of them.
//!
//! An outage goes from the first evidence to the first acknowledged write. The first evidence is
//! given here, by breaking the way; the acknowledged write is seen by a relay before the server.
//! When the way was mended is something else, and known too: a client finds out by its next attempt
//! that the way is open, and says itself how long before its first write that may have been
//! (the resolution).

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::arguments::Arguments;
use super::clocks::{seconds, wait_for_answers, wait_for_outage};
use super::relay::Relay;
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
    Column { key: "finds_out_ms", title: "finds out ms", decimals: 1 },
    Column { key: "resolution_ms", title: "res. ms", decimals: 1 },
    Column { key: "worst_beyond_resolution_ms", title: "beyond res.", decimals: 1 },
];

const NOTES: [&str; 7] = [
    "error: reported duration − known length, from the first evidence to the first acknowledged",
    "write at the relay; the median of the sizes, and the worst with its sign. Refusal: sessions are",
    "cut (the first evidence) and nobody listens. Silence: nothing moves; the first evidence is the",
    "next write that is due. finds out: from the mended way to that write, by the backoff; the",
    "resolution (res.) is what the report says of it, and beyond res. the worst that it leaves out.",
    "Medians, but for the worst.",
    "aims: error: median at most 5 ms, worst 20 ms.",
];

/// One after the other in every round; the longest once, as it takes the most time.
const LENGTHS_MS: [u64; 3] = [100, 300, 1_000];
const LONGEST_MS: u64 = 3_000;

/// How the way is broken.
struct Way {
    name: &'static str,
    break_it: fn(&Proxy) -> Instant,
    /// Whether sessions end, which is noticed at once.
    ends_sessions: bool,
    arguments: &'static [&'static str],
}

const WAYS: [Way; 2] = [
    Way { name: "a refusal", break_it: Proxy::refuse, ends_sessions: true, arguments: &[] },
    // The shortest outage must be longer than what counts as one.
    Way {
        name: "silence",
        break_it: Proxy::silence,
        ends_sessions: false,
        arguments: &["--stall-after=50ms"],
    },
];

/// One outage, in milliseconds.
struct Measured {
    error_ms: f64,
    finds_out_ms: f64,
    resolution_ms: f64,
    beyond_resolution_ms: f64,
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
        "finds_out_ms": median(&of(|one| one.finds_out_ms)),
        "resolution_ms": median(&of(|one| one.resolution_ms)),
        "worst_beyond_resolution_ms": worst(&beyond),
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
    let relay = Relay::start(server.postgres.port());
    let proxy = Proxy::start(relay.port());
    let interval = Duration::from_secs(1) / rate;
    let (url, rate) = (proxy.url(), format!("--rate={rate}"));
    let writers = format!("--writers={writers}");
    let mut arguments = vec![&*url, &*rate, &*writers, "--read-every=0"];
    arguments.extend(way.arguments);
    let load = Gen::start(arguments);
    wait_for_answers(&load, 0, 1, 20);
    let measured = lengths_ms
        .iter()
        .zip(1..)
        .map(|(length_ms, n)| {
            let length = Duration::from_millis(*length_ms);
            let between = Between { load: &load, proxy: &proxy, relay: &relay, interval };
            between.one_outage(way, length, n)
        })
        .collect();
    let finished = load.interrupt_and_finish();
    let counted = finished.summary["outages"].as_array().map(Vec::len);
    assert_eq!(counted, Some(lengths_ms.len()), "no outage of its own: {}", finished.stderr);
    measured
}

/// What an outage happens between, and how often a write is due.
struct Between<'a> {
    load: &'a Gen,
    proxy: &'a Proxy,
    relay: &'a Relay,
    interval: Duration,
}

impl Between<'_> {
    fn one_outage(&self, way: &Way, length: Duration, n: u64) -> Measured {
        let broken = (way.break_it)(self.proxy);
        sleep(length);
        let mended = self.proxy.pass();
        let outage: Value = wait_for_outage(self.load, n);
        let (evidence, acknowledged) = match self.held(broken) {
            Some(sent) if !way.ends_sessions => (sent, mended),
            _ if way.ends_sessions => (broken, self.first_answer(mended)),
            _ => (self.last_sent(broken) + self.interval, self.first_answer(mended)),
        };
        let resolution_s = seconds(&outage["resolution_s"]);
        let finds_out_s = (acknowledged - mended).as_secs_f64();
        let known_s = (acknowledged - evidence).as_secs_f64();
        // The next one is its own: the load is back to its rate, and its sessions are no new ones.
        sleep(Duration::from_millis(400));
        Measured {
            error_ms: (seconds(&outage["duration_s"]) - known_s) * 1e3,
            finds_out_ms: finds_out_s * 1e3,
            resolution_ms: resolution_s * 1e3,
            beyond_resolution_ms: (finds_out_s - resolution_s).max(0.0) * 1e3,
        }
    }

    /// When the last write came through.
    fn last_sent(&self, broken: Instant) -> Instant {
        let sent = self.relay.sent().into_iter().rfind(|at| *at <= broken);
        sent.expect("writes came through")
    }

    /// That write, when its answer came too late to pass: the proxy has it until it passes again.
    fn held(&self, broken: Instant) -> Option<Instant> {
        let sent = self.last_sent(broken);
        let answered = self.relay.answered();
        let is_answered = answered.into_iter().any(|at| (sent..=broken).contains(&at));
        (!is_answered).then_some(sent)
    }

    fn first_answer(&self, after: Instant) -> Instant {
        let answered = self.relay.answered().into_iter().find(|at| *at > after);
        answered.expect("a write was answered")
    }
}
