//! What the books cost: the pure floor alone, by criterion.
//!
//! A run does each of these once a write, once a batch or once at its end; a hundred nanoseconds
//! too many in the first kind are one per cent of a processor at 100,000 writes a second.
//!
//! ```sh
//! cargo bench --bench model            # everything
//! cargo bench --bench model -- ledger  # what has this in its name
//! ```
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on ends, at once")]
#![allow(missing_docs, unreachable_pub, reason = "criterion's macros make such functions")]

#[path = "model/histories.rs"]
mod histories;
#[path = "model/memory.rs"]
mod memory;
#[path = "../tests/support/samples.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with tests, which use all of it")]
mod samples;

use std::hint::black_box;
use std::io::ErrorKind;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use pgchaos::model::fault::{Evidence, Phase, Severity};
use pgchaos::model::ledger::account::{Closing, account};
use pgchaos::model::ledger::books::Ledger;
use pgchaos::model::ledger::progress::Progress;
use pgchaos::model::ledger::seq_set::SeqSet;
use pgchaos::model::load::latency::Latencies;
use pgchaos::model::load::options::{Backlog, Rate};
use pgchaos::model::load::schedule::Schedule;
use pgchaos::model::outage::clock::{Input, OutageClock};
use pgchaos::model::run::record_format::encode;

/// Acknowledgements in one message of a fast writer: 20 ms at 5,000 writes a second.
const BATCH: u32 = 100;

fn ledger(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ledger");
    group.bench_function("progress of one batch, 32 writers", |bencher| {
        let mut ledger = Ledger::default();
        let mut seq = 0_i64;
        bencher.iter(|| {
            seq += 1;
            let writer = i32::try_from(seq % 32).unwrap() + 1;
            ledger.progress(Progress { writer, attempted: seq + 16, resolved: seq });
        });
    });
    group.bench_function("16 writes in doubt, a new range", |bencher| {
        let mut first = 0_i64;
        bencher.iter_batched_ref(
            || histories::ledger(1, 1_000_000, 10),
            |ledger| {
                first += 100;
                ledger.doubt(1, &SeqSet::range(first, first + 15));
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

fn account_of_100_million(criterion: &mut Criterion) {
    let ledger = histories::ledger(32, 100_000_000, 10);
    let presence = histories::presence(&ledger);
    memory::tell("the ledger of 100 million writes and ten failovers", &ledger);
    let mut group = criterion.benchmark_group("account");
    group.bench_function("100 million writes, ten failovers, 32 writers", |bencher| {
        bencher.iter(|| account(black_box(&ledger), black_box(&presence), &Closing::Closed));
    });
    group.bench_function("counts of that ledger", |bencher| {
        bencher.iter(|| black_box(&ledger).counts());
    });
    group.finish();
}

fn outage_clock(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("outage clock");
    group.throughput(Throughput::Elements(BATCH.into()));
    for writers in [1, 32] {
        group.bench_function(format!("a batch of {BATCH}, {writers} writers"), |bencher| {
            let mut clock =
                OutageClock::new(samples::started_at(), writers, Duration::from_secs(5));
            let mut at = [Duration::ZERO; BATCH as usize];
            let mut turn = 0_u32;
            bencher.iter(|| {
                // All writers report the same 20 ms, one after the other.
                let begin = Duration::from_millis(20) * (turn / writers);
                for (nth, at) in (0..).zip(&mut at) {
                    *at = begin + Duration::from_micros(200) * nth;
                }
                let writer = i32::try_from(turn % writers).unwrap() + 1;
                turn += 1;
                clock.step(Input::Acknowledged { writer, at: &at });
                clock.step(Input::ToldUntil { writer, at: at[at.len() - 1] })
            });
        });
    }
    group.finish();
}

fn schedule(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("schedule");
    let rates = [("50,000/s", Rate::PerSecond(50_000.0)), ("max", Rate::Max)];
    for (name, rate) in rates {
        group.bench_function(format!("one write at {name}"), |bencher| {
            let mut schedule = Schedule::new(rate, Backlog::Skip, 0, 8, None, Duration::ZERO);
            let mut now = Duration::ZERO;
            bencher.iter(|| {
                now += Duration::from_micros(160);
                let due = schedule.next_due(now);
                (due, schedule.take(now), schedule.overdue(now))
            });
        });
    }
    group.finish();
}

fn latencies(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("latencies");
    group.bench_function("record one", |bencher| {
        let mut latencies = Latencies::default();
        let mut latency_us = 0;
        bencher.iter(|| {
            latency_us = (latency_us + 997) % 50_000;
            latencies.record_us(latency_us);
        });
    });
    group.bench_function("drain an interval of 5,000", |bencher| {
        let mut latencies = Latencies::default();
        bencher.iter_custom(|iterations| {
            let mut spent = Duration::ZERO;
            for _ in 0..iterations {
                (0..5_000).for_each(|nth| latencies.record_us(histories::latency_us(nth)));
                let begin = std::time::Instant::now();
                black_box(latencies.drain());
                spent += begin.elapsed();
            }
            spent
        });
    });
    group.finish();
}

fn classification(criterion: &mut Criterion) {
    let failover = Evidence {
        sqlstate: Some(("57P01".to_owned(), Severity::Fatal)),
        server_spoke: true,
        ..Evidence::default()
    };
    let refused = Evidence { io: Some(ErrorKind::ConnectionRefused), ..Evidence::default() };
    let mut group = criterion.benchmark_group("classification");
    group.bench_function("57P01 during a write", |bencher| {
        bencher.iter(|| black_box(&failover).class(black_box(Phase::Write)));
    });
    group.bench_function("a connection refused", |bencher| {
        bencher.iter(|| black_box(&refused).class(black_box(Phase::Connect)));
    });
    group.finish();
}

fn sequence_sets(criterion: &mut Criterion) {
    let (even, odd) = (histories::every_other(0, 1_000), histories::every_other(1, 1_000));
    let mut group = criterion.benchmark_group("seq set");
    group.bench_function("difference of two with 1,000 ranges", |bencher| {
        bencher.iter(|| black_box(&even) - black_box(&odd));
    });
    group.bench_function("a neighbour joins the last of 1,000 ranges", |bencher| {
        bencher.iter_batched_ref(
            || even.clone(),
            |set| {
                let next = set.last().unwrap() + 1;
                set.insert(next..=next);
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

fn record(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("record");
    for writers in [1, 32] {
        let interval = histories::interval(writers);
        group.throughput(Throughput::Bytes(encode(&interval).unwrap().len().try_into().unwrap()));
        group.bench_function(format!("encode an interval of {writers} writers"), |bencher| {
            bencher.iter(|| encode(black_box(&interval)).unwrap());
        });
    }
    group.finish();
}

/// Short: all of it takes about half a minute, and its parts differ by orders of magnitude.
fn settings() -> Criterion {
    Criterion::default()
        .without_plots()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1_000))
        .sample_size(50)
        .configure_from_args()
}

criterion_group! {
    name = model;
    config = settings();
    targets = ledger, account_of_100_million, outage_clock, schedule, latencies, classification,
        sequence_sets, record
}
criterion_main!(model);
