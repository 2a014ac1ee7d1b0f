//! Runs to measure with: large ones, and what they leave in the books.

use std::time::Duration;

use pgchaos::model::event::{Event, Interval, What};
use pgchaos::model::ledger::account::Presence;
use pgchaos::model::ledger::books::Ledger;
use pgchaos::model::ledger::progress::Progress;
use pgchaos::model::ledger::seq_set::SeqSet;

/// How many writes each writer has in flight when a failover comes.
const IN_FLIGHT: i64 = 16;

/// The books of a run in which each failover left every writer's pipeline in doubt, and the first
/// write after it was rejected, as the server was still read-only.
pub(crate) fn ledger(writers: i32, writes: i64, failovers: i64) -> Ledger {
    let each = writes / i64::from(writers);
    let mut ledger = Ledger::default();
    for writer in 1..=writers {
        ledger.progress(Progress { writer, attempted: each, resolved: each });
        for failover in 1..=failovers {
            let first = each / (failovers + 1) * failover;
            ledger.doubt(writer, &SeqSet::range(first, first + IN_FLIGHT - 1));
            let after = first + IN_FLIGHT;
            ledger.reject(writer, &SeqSet::range(after, after));
        }
    }
    ledger
}

/// What the primary holds after it: half of what was in doubt, and not the last ten that were
/// acknowledged before each failover.
pub(crate) fn presence(ledger: &Ledger) -> Presence {
    let mut presence = Presence::default();
    for (writer, book) in ledger.books() {
        let mut present = book.acknowledged();
        for in_doubt in book.in_doubt.ranges() {
            let first = *in_doubt.start();
            present.extend(&SeqSet::range(first, first + IN_FLIGHT / 2 - 1));
            present = &present - &SeqSet::range(first - 10, first - 1);
        }
        presence.present.insert(writer, present);
    }
    presence
}

/// So many ranges, none of which touches another.
pub(crate) fn every_other(first: i64, ranges: i64) -> SeqSet {
    (0..ranges).map(|nth| first + nth * 3..=first + nth * 3).collect()
}

/// Latencies spread as those of a server: most within a factor of two, few far off.
pub(crate) fn latency_us(nth: u64) -> u64 {
    let near = 150 + nth * 7_919 % 150;
    if nth.is_multiple_of(100) { near * 20 } else { near }
}

/// One second of a fast run.
pub(crate) fn interval(writers: i32) -> Event {
    let writers = (1..=writers)
        .map(|writer| Progress { writer, attempted: 123_456_789, resolved: 123_456_773 })
        .collect();
    let latency_us = (0..300).map(|nth| (latency_us(nth), 100)).collect();
    let interval = Interval {
        due: 30_000,
        acknowledged: 30_000,
        writers,
        latency_us,
        highest_id: Some(987_654_321),
        ..Interval::default()
    };
    Event { at: Duration::from_micros(12_345_678), what: What::Interval(Box::new(interval)) }
}
