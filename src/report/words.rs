//! Writes, errors and outages in words, the same in log, summary and report.

use std::collections::BTreeMap;

use crate::model::event::{Backwards, BackwardsWhat, ErrorCounts};
use crate::model::fault::Class;
use crate::model::injection::Cause;
use crate::model::kind::Kind;
use crate::model::options::{LoadOptions, Rate};
use crate::model::outage::{Outage, Side};
use crate::model::seq_set::SeqSet;

use super::numbers::{counted, duration, grouped, per_second};

/// How many ranges or writers are named before the rest is only counted.
const NAMED: usize = 4;

/// Sequence numbers: `#82`, `#70–#81`, `#1, #5–#9 and 3 more ranges`.
#[must_use]
pub fn seqs(seqs: &SeqSet) -> String {
    let named: Vec<String> = seqs
        .ranges()
        .take(NAMED)
        .map(|range| match (range.start(), range.end()) {
            (first, last) if first == last => format!("#{first}"),
            (first, last) => format!("#{first}–#{last}"),
        })
        .collect();
    and_more(&named, seqs.ranges().count(), "range")
}

/// Writes of several writers: `writer 1 #70–#81, writer 3 #5`.
#[must_use]
pub fn by_writer(writes: &BTreeMap<i32, SeqSet>) -> String {
    let named: Vec<String> = writes
        .iter()
        .take(NAMED)
        .map(|(writer, set)| format!("writer {writer} {}", seqs(set)))
        .collect();
    and_more(&named, writes.len(), "writer")
}

fn and_more(named: &[String], all: usize, noun: &str) -> String {
    let more = all.saturating_sub(named.len());
    match more {
        0 => named.join(", "),
        more => {
            format!("{} and {}", named.join(", "), counted(more as u64, &format!("more {noun}")))
        }
    }
}

/// How many writes there are.
#[must_use]
pub fn total(writes: &BTreeMap<i32, SeqSet>) -> u64 {
    writes.values().map(SeqSet::len).sum()
}

/// How far a verification is: `looked at 2 000 000 of 5 000 000 writes`.
#[must_use]
pub fn looked_at(writes: u64, of: u64) -> String {
    format!("looked at {} of {}", grouped(writes), counted(of, "write"))
}

/// One write by its name, more by their number: `INSERT #82`, `writer 3 INSERT #82`, `8 writes`.
#[must_use]
pub fn inserts(writes: &BTreeMap<i32, SeqSet>, several_writers: bool) -> String {
    match (writes.iter().next(), total(writes)) {
        (Some((writer, set)), 1) if several_writers => {
            format!("writer {writer} INSERT {}", seqs(set))
        }
        (Some((_, set)), 1) => format!("INSERT {}", seqs(set)),
        (Some((_, set)), count) if !several_writers => {
            format!("{} ({})", counted(count, "write"), seqs(set))
        }
        (_, count) => counted(count, "write"),
    }
}

/// Errors by class: `lost 1, no_backend 11`.
#[must_use]
pub fn errors(errors: &ErrorCounts) -> String {
    let counts: Vec<String> =
        errors.iter().map(|(class, count)| format!("{class} {}", grouped(*count))).collect();
    counts.join(", ")
}

/// A class as the log calls it: `NO BACKEND`.
#[must_use]
pub fn loud_class(class: Class) -> String {
    // A server that shuts down says the same SQLSTATE as one that starts.
    let name = if class == Class::Starting { "not_ready" } else { class.name() };
    name.replace('_', " ").to_uppercase()
}

/// An outage by its kind and who was in it: `failover patroni2 → patroni3`.
#[must_use]
pub fn outage(outage: &Outage) -> String {
    let (from, to) = (outage.from.as_ref().map(Side::name), outage.to.as_ref().map(Side::name));
    let same = to.or(from).map(|name| format!(" of {name}")).unwrap_or_default();
    match outage.kind {
        Kind::Failover | Kind::Switchover => format!("{}{}", outage.kind, way(from, to)),
        Kind::Restart | Kind::Demotion => format!("{}{same}", outage.kind),
        Kind::Connection => "connection (proxy or network)".to_owned(),
        Kind::Stall => "stall: nothing but silence".to_owned(),
        Kind::Unknown if outage.last_ack.is_none() => "before the first write".to_owned(),
        Kind::Unknown if from == to || to.is_none() => "cause unknown".to_owned(),
        Kind::Unknown => format!("cause unknown{}", way(from, to)),
    }
}

/// What an outage followed, in a drill: `4 ms after kill leader (patroni2)`.
#[must_use]
pub fn cause(cause: &Cause) -> String {
    let after = duration(cause.evidence_after);
    format!("{after} after {} {}", cause.what.action, cause.what.whom())
}

fn way(from: Option<&str>, to: Option<&str>) -> String {
    match (from, to) {
        (Some(from), Some(to)) => format!(" {from} → {to}"),
        (Some(from), None) => format!(" from {from}"),
        (None, Some(to)) => format!(" to {to}"),
        (None, None) => String::new(),
    }
}

/// The load: `1 writer · 1 write/s`.
#[must_use]
pub fn load(options: &LoadOptions) -> String {
    let writers = counted(u64::from(options.writers), "writer");
    let pipeline = match options.pipeline {
        ..=1 => String::new(),
        some => format!(" × {some} in flight"),
    };
    let rate = match options.rate {
        Rate::Max => "as fast as the server answers".to_owned(),
        Rate::PerSecond(rate) => {
            let noun = if (rate - 1.0).abs() < f64::EPSILON { "write" } else { "writes" };
            format!("{} {noun}/s", per_second(rate).trim_end_matches("/s"))
        }
    };
    format!("{writers}{pipeline} · {rate}")
}

/// What went backwards: `timeline 3 → 2 on patroni1`.
#[must_use]
pub fn backwards(backwards: &Backwards) -> String {
    let Backwards { from, to, server, .. } = backwards;
    match backwards.what {
        BackwardsWhat::Timeline => format!("timeline {from} → {to} on {server}"),
        BackwardsWhat::Id => format!("id {to} on {server} after id {from}"),
        BackwardsWhat::SystemIdentifier => {
            format!("{server} is another cluster (system identifier {from} → {to})")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_are_named_as_ranges_and_the_rest_is_counted() {
        let some: SeqSet = [1..=1, 5..=9].into_iter().collect();
        assert_eq!(seqs(&some), "#1, #5–#9");
        let many: SeqSet = (0..7).map(|n| n * 10..=n * 10).collect();
        assert_eq!(seqs(&many), "#0, #10, #20, #30 and 3 more ranges");
    }

    #[test]
    fn one_write_is_named_and_several_are_counted() {
        let one = [(3, SeqSet::range(82, 82))].into();
        assert_eq!(inserts(&one, false), "INSERT #82");
        assert_eq!(inserts(&one, true), "writer 3 INSERT #82");
        let more: BTreeMap<_, _> = [(1, SeqSet::range(70, 82))].into();
        assert_eq!(inserts(&more, false), "13 writes (#70–#82)");
        assert_eq!(inserts(&more, true), "13 writes");
        assert_eq!(by_writer(&more), "writer 1 #70–#82");
    }
}
