//! A run over time, in at most 1,024 buckets: what a page draws and a comparison lays side by side.
//!
//! It is folded from a run's events, live and from the record alike. Its memory has a bound: a run
//! that outgrows its buckets has buckets of twice the width from then on. Edges lie at multiples of
//! the width, so that the timelines of two runs of one group can be put on one scale.
//!
//! An [`Interval`] has sums, and when the first and the last of its writes were acknowledged: its
//! writes are spread evenly between these. A gap that is shorter than an interval, and is no outage,
//! does not show.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::event::{Event, Failure, Interval, What};
use crate::model::fault::Class;
use crate::model::ledger::seq_set::SeqSet;
use crate::model::outage::Outage;
use crate::model::outage::ack_timeline::NoAckSpan;

/// Buckets of a timeline, at most.
pub const BUCKETS_MAX: usize = 1024;

/// The width of a bucket in a short run, in microseconds.
const WIDTH_MIN_US: u64 = 100_000;

/// A time beyond every run: the record takes none as late as that.
const LAST: Duration = Duration::from_secs(1 << 34);

/// Classes of latency: two for each doubling, from 1 µs to more than an hour.
pub const LATENCY_CLASSES: usize = 64;

/// What happened in one bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bucket {
    /// Writes that came due.
    pub due: u64,
    /// Writes acknowledged.
    pub acknowledged: u64,
    /// Writes that are proven not committed.
    pub rejected: u64,
    /// Writes that are in doubt.
    pub in_doubt: u64,
    /// Writes that came due and were never sent.
    pub skipped: u64,
    /// Errors by class.
    pub errors: BTreeMap<Class, u64>,
    /// Acknowledged writes by class of latency, see [`latency_class`]; empty without any.
    pub latencies: Vec<u64>,
    /// The longest latency of an acknowledged write, in microseconds.
    pub latency_max_us: u64,
    /// The most writes that were due and not sent although there were sessions.
    pub backlog_max: u64,
    /// The most writers that were out.
    pub writers_out_max: u64,
}

/// The buckets of a run, from its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    width_us: u64,
    buckets: Vec<Bucket>,
    /// Writers that are out, and since when. It is in the buckets once it changes: an outage is told
    /// after its beginning and after its end.
    out: u64,
    out_since: Duration,
    /// The outage of which it was told last how many writers are out.
    told_out: Option<u32>,
    /// The end of the last interval.
    told_until: Duration,
}

impl Default for Timeline {
    fn default() -> Self {
        Self {
            width_us: WIDTH_MIN_US,
            buckets: Vec::new(),
            out: 0,
            out_since: Duration::ZERO,
            told_out: None,
            told_until: Duration::ZERO,
        }
    }
}

/// The class of a latency in microseconds: two for each doubling.
#[must_use]
pub fn latency_class(latency_us: u64) -> usize {
    let latency_us = latency_us.max(1);
    let doublings = latency_us.ilog2();
    // The upper half of a doubling begins at the square root of 2 times its lower end.
    let square = u128::from(latency_us) * u128::from(latency_us);
    let is_upper = square >= 1_u128 << (2 * doublings + 1);
    (2 * doublings as usize + usize::from(is_upper)).min(LATENCY_CLASSES - 1)
}

/// Where a class of latency begins, in microseconds.
#[must_use]
pub fn latency_class_from_us(class: usize) -> f64 {
    let class = i32::try_from(class.min(LATENCY_CLASSES - 1)).unwrap_or(0);
    2_f64.powf(f64::from(class) / 2.0)
}

impl Bucket {
    /// Takes in the bucket that follows it.
    fn join(&mut self, next: &Self) {
        let sums = [
            (&mut self.due, next.due),
            (&mut self.acknowledged, next.acknowledged),
            (&mut self.rejected, next.rejected),
            (&mut self.in_doubt, next.in_doubt),
            (&mut self.skipped, next.skipped),
        ];
        for (sum, more) in sums {
            *sum = sum.saturating_add(more);
        }
        for (class, count) in &next.errors {
            self.error(*class, *count);
        }
        for (class, count) in next.latencies.iter().enumerate().filter(|(_, count)| **count > 0) {
            self.latency(class, *count, 0);
        }
        self.latency_max_us = self.latency_max_us.max(next.latency_max_us);
        self.backlog_max = self.backlog_max.max(next.backlog_max);
        self.writers_out_max = self.writers_out_max.max(next.writers_out_max);
    }

    fn error(&mut self, class: Class, count: u64) {
        let errors = self.errors.entry(class).or_default();
        *errors = errors.saturating_add(count);
    }

    fn latency(&mut self, class: usize, count: u64, longest_us: u64) {
        self.latencies.resize(LATENCY_CLASSES, 0);
        self.latency_max_us = self.latency_max_us.max(longest_us);
        self.latencies[class] = self.latencies[class].saturating_add(count);
    }
}

impl Timeline {
    /// The width of every bucket.
    #[must_use]
    pub fn width(&self) -> Duration {
        Duration::from_micros(self.width_us)
    }

    /// The buckets, from the start of the run; the last one may not be full.
    #[must_use]
    pub fn buckets(&self) -> &[Bucket] {
        &self.buckets
    }

    /// Takes an event in.
    pub fn apply(&mut self, event: &Event) {
        match &event.what {
            What::Interval(interval) => self.interval(event.at, interval),
            What::Fault(Failure { fault, .. }) => self.at(event.at).error(fault.class, 1),
            What::OutageBegan(began) => {
                self.writers_are(1, began.began.min(event.at));
                self.writers_are(self.out, event.at);
            }
            What::WritersOut(writers) => {
                self.told_out = Some(writers.outage);
                self.writers_are(writers.out, event.at);
            }
            What::OutageEnded(outage) => self.ends_in(outage),
            _ => {}
        }
    }

    /// The writers' part of an outage that is over, or that a killed run's record ends in. How many
    /// were out is told some time after they were, and not at all in a short outage: the most of them
    /// were out in its stretches without any write, or all along where it had none and nothing was told.
    pub fn ends_in(&mut self, outage: &Outage) {
        let ended = outage.ended();
        self.writers_are(0, ended);
        let silent: Vec<NoAckSpan> = outage.silent().collect();
        for span in &silent {
            self.were_out(outage.writers_out_max, span.from, span.to);
        }
        if silent.is_empty() && self.told_out != Some(outage.n) {
            self.were_out(outage.writers_out_max, outage.began, ended);
        }
    }

    fn interval(&mut self, at: Duration, interval: &Interval) {
        let from = self.told_until.min(at);
        self.told_until = self.told_until.max(at);
        let sum = |sets: &BTreeMap<i32, SeqSet>| {
            sets.values().fold(0_u64, |sum, seqs| sum.saturating_add(seqs.len()))
        };
        let bucket = self.at(at);
        bucket.rejected = bucket.rejected.saturating_add(sum(&interval.rejected));
        bucket.in_doubt = bucket.in_doubt.saturating_add(sum(&interval.in_doubt));
        bucket.backlog_max = bucket.backlog_max.max(interval.backlog);
        for rejected in &interval.rejections {
            bucket.error(rejected.fault.class, rejected.count);
        }
        self.spread((from, at), interval.due, |bucket, due| {
            bucket.due = bucket.due.saturating_add(due);
        });
        self.spread((from, at), interval.skipped, |bucket, skipped| {
            bucket.skipped = bucket.skipped.saturating_add(skipped);
        });
        let acknowledged = (interval.first_ack.unwrap_or(from), interval.last_ack.unwrap_or(at));
        self.spread(acknowledged, interval.acknowledged, |bucket, count| {
            bucket.acknowledged = bucket.acknowledged.saturating_add(count);
        });
        // By class first: a foreign record may have any number of latencies.
        let mut latencies = [(0_u64, 0_u64); LATENCY_CLASSES];
        for (latency_us, count) in interval.latency_us.iter().filter(|(_, count)| *count > 0) {
            let (sum, longest_us) = &mut latencies[latency_class(*latency_us)];
            *sum = sum.saturating_add(*count);
            *longest_us = (*longest_us).max(*latency_us);
        }
        for (class, (count, longest_us)) in latencies.into_iter().enumerate() {
            self.spread(acknowledged, count, |bucket, count| {
                bucket.latency(class, count, longest_us);
            });
        }
    }

    /// So many writers are out from this time on; those that were out before are in the buckets now.
    fn writers_are(&mut self, out: u64, at: Duration) {
        self.were_out(self.out, self.out_since, at);
        self.out = out;
        self.out_since = at;
    }

    fn were_out(&mut self, out: u64, from: Duration, to: Duration) {
        if out == 0 || to < from {
            return;
        }
        // The last one first: it may double the width.
        let last = self.index(to);
        let first = self.index(from).min(last);
        for bucket in &mut self.buckets[first..=last] {
            bucket.writers_out_max = bucket.writers_out_max.max(out);
        }
    }

    /// Spreads a count evenly over a span: what falls into a bucket is what the span up to its end
    /// has, less what the span up to its beginning has, so that nothing is lost by rounding.
    fn spread(
        &mut self,
        (from, to): (Duration, Duration),
        count: u64,
        add: impl Fn(&mut Bucket, u64),
    ) {
        if count == 0 {
            return;
        }
        // The last one first: it may double the width.
        let last = self.index(to.max(from));
        let first = self.index(from.min(to)).min(last);
        let (from_us, width) = (from.min(to).as_micros(), u128::from(self.width_us));
        let length = to.max(from).as_micros().saturating_sub(from_us).max(1);
        let mut before = 0;
        for index in first..=last {
            let end = (index as u128 + 1).saturating_mul(width);
            let share = end.saturating_sub(from_us).min(length);
            let up_to = if index == last {
                count
            } else {
                u64::try_from(u128::from(count) * share / length).unwrap_or(count)
            };
            if up_to > before {
                add(&mut self.buckets[index], up_to - before);
                before = up_to;
            }
        }
    }

    fn at(&mut self, at: Duration) -> &mut Bucket {
        let index = self.index(at);
        &mut self.buckets[index]
    }

    /// The bucket of this time, made if it is not there yet. A later time can change the width, and
    /// with it every index.
    fn index(&mut self, at: Duration) -> usize {
        // Beyond it lies no run; a width that cannot double any more would never hold it.
        let at_us = at.min(LAST).as_micros();
        while at_us / u128::from(self.width_us) >= BUCKETS_MAX as u128 {
            self.double();
        }
        let index = usize::try_from(at_us / u128::from(self.width_us)).unwrap_or(BUCKETS_MAX - 1);
        if index >= self.buckets.len() {
            self.buckets.resize(index + 1, Bucket::default());
        }
        index
    }

    fn double(&mut self) {
        self.width_us = self.width_us.saturating_mul(2);
        let pairs = std::mem::take(&mut self.buckets);
        self.buckets = pairs
            .chunks(2)
            .map(|pair| {
                let mut joined = pair[0].clone();
                if let Some(next) = pair.get(1) {
                    joined.join(next);
                }
                joined
            })
            .collect();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::event::{OutageBegan, WritersOut};
    use crate::model::outage::Outage;
    use crate::model::run::record_format::{decode, encode};

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn event(at: u64, what: What) -> Event {
        Event { at: ms(at), what }
    }

    fn interval(acknowledged: u64, first: u64, last: u64) -> What {
        What::Interval(Box::new(Interval {
            due: acknowledged,
            acknowledged,
            latency_us: vec![(500, acknowledged)],
            first_ack: (acknowledged > 0).then(|| ms(first)),
            last_ack: (acknowledged > 0).then(|| ms(last)),
            ..Interval::default()
        }))
    }

    fn folded(events: &[Event]) -> Timeline {
        let mut timeline = Timeline::default();
        for event in events {
            timeline.apply(event);
        }
        timeline
    }

    fn acknowledged(timeline: &Timeline) -> Vec<u64> {
        timeline.buckets().iter().map(|bucket| bucket.acknowledged).collect()
    }

    #[test]
    fn writes_are_where_they_were_acknowledged_and_not_where_they_were_told() {
        let timeline =
            folded(&[event(500, interval(30, 0, 299)), event(1000, interval(10, 950, 960))]);
        assert_eq!(timeline.width(), ms(100));
        assert_eq!(acknowledged(&timeline), [10, 10, 10, 0, 0, 0, 0, 0, 0, 10, 0]);
        let due: u64 = timeline.buckets().iter().map(|bucket| bucket.due).sum();
        assert_eq!(due, 40);
        assert_eq!(timeline.buckets()[0].latencies[latency_class(500)], 10);
    }

    #[test]
    fn writers_are_out_from_the_first_evidence_to_the_end_of_the_outage() {
        let began = OutageBegan { n: 1, began: ms(1000), writers: Vec::new() };
        let out = WritersOut { outage: 1, out: 4, others_write: false };
        let ended = Outage { began: ms(1000), degraded: ms(600), ..Outage::default() };
        let timeline = folded(&[
            event(1100, interval(5, 600, 990)),
            event(1200, What::OutageBegan(began)),
            event(1300, What::WritersOut(out)),
            event(1900, interval(5, 1610, 1890)),
            event(2000, What::OutageEnded(Box::new(ended))),
            event(2400, interval(5, 1900, 2390)),
        ]);
        let out: Vec<u64> = timeline.buckets().iter().map(|one| one.writers_out_max).collect();
        assert_eq!(out[9..18], [0, 1, 1, 1, 4, 4, 4, 4, 0], "told late, drawn in time");
    }

    #[test]
    fn all_that_were_out_in_a_short_outage_are_out_in_its_bucket() {
        let began = OutageBegan { n: 1, began: ms(1020), writers: Vec::new() };
        let short = Outage {
            n: 1,
            began: ms(1020),
            duration: ms(30),
            degraded: ms(160),
            last_ack: Some(ms(1025)),
            first_ack: Some(ms(1055)),
            writers_out_max: 8,
            ..Outage::default()
        };
        let events = |outage: &Outage| {
            [
                event(1025, What::OutageBegan(began.clone())),
                event(1200, What::OutageEnded(Box::new(outage.clone()))),
            ]
        };
        let out = |timeline: Timeline| -> Vec<u64> {
            timeline.buckets()[10..].iter().map(|one| one.writers_out_max).collect()
        };
        assert_eq!(out(folded(&events(&short))), [8, 1], "not told, and known at its end");
        let partial = Outage { partial: true, writers_out_max: 3, ..short };
        assert_eq!(out(folded(&events(&partial))), [3, 3], "it has no silence");
    }

    #[test]
    fn an_outage_that_the_record_ends_in_lasts_until_then() {
        let began = OutageBegan { n: 1, began: ms(1000), writers: Vec::new() };
        let mut timeline = folded(&[event(1000, What::OutageBegan(began))]);
        timeline.apply(&event(1400, interval(0, 0, 0)));
        let open = Outage {
            n: 1,
            began: ms(1000),
            duration: ms(400),
            degraded: ms(400),
            open: Some(ms(400)),
            writers_out_max: 2,
            ..Outage::default()
        };
        timeline.ends_in(&open);
        let out: Vec<u64> = timeline.buckets()[9..].iter().map(|one| one.writers_out_max).collect();
        assert_eq!(out, [0, 2, 2, 2, 2, 2]);
    }

    #[test]
    fn a_long_run_has_wide_buckets_and_nothing_is_lost_by_that() {
        let hour = 3_600_000;
        let events: Vec<Event> = (0..hour / 500)
            .map(|n| event((n + 1) * 500, interval(7, n * 500, n * 500 + 499)))
            .collect();
        let timeline = folded(&events);
        assert!(timeline.buckets().len() <= BUCKETS_MAX);
        assert_eq!(timeline.width(), Duration::from_micros(WIDTH_MIN_US * 64));
        assert_eq!(acknowledged(&timeline).iter().sum::<u64>(), 7 * hour / 500);
    }

    #[test]
    fn a_time_beyond_all_runs_costs_no_more_memory() {
        let far = Event { at: Duration::MAX, what: interval(1, 0, 10) };
        let timeline = folded(&[event(500, interval(3, 0, 400)), far]);
        assert!(timeline.buckets().len() <= BUCKETS_MAX);
        assert_eq!(acknowledged(&timeline).iter().sum::<u64>(), 4);
    }

    #[test]
    fn a_class_of_latency_begins_where_the_one_before_ends() {
        for latency_us in 1..100_000_u64 {
            let class = latency_class(latency_us);
            let (from, to) = (latency_class_from_us(class), latency_class_from_us(class + 1));
            #[allow(clippy::cast_precision_loss)]
            let latency_us = latency_us as f64;
            assert!(from <= latency_us + 1e-9 && latency_us < to + 1e-9, "{latency_us}: {class}");
        }
        assert_eq!(latency_class(u64::MAX), LATENCY_CLASSES - 1);
    }

    proptest! {
        #[test]
        fn sums_are_kept_and_the_record_tells_the_same(
            parts in prop::collection::vec((1..4_000_u64, 0..500_u64, 0..100_u64), 1..300),
        ) {
            let mut at = 0;
            let mut events = Vec::new();
            for (took, count, late) in parts {
                let from = at;
                at += took;
                events.push(event(at, interval(count, from, at.saturating_sub(late).max(from))));
            }
            let timeline = folded(&events);
            prop_assert!(timeline.buckets().len() <= BUCKETS_MAX);
            let of = |count: fn(&Bucket) -> u64| timeline.buckets().iter().map(count).sum::<u64>();
            let all = events.iter().map(|event| match &event.what {
                What::Interval(interval) => interval.acknowledged,
                _ => 0,
            });
            let all: u64 = all.sum();
            prop_assert_eq!(of(|bucket| bucket.acknowledged), all);
            prop_assert_eq!(of(|bucket| bucket.due), all);
            prop_assert_eq!(of(|bucket| bucket.latencies.iter().sum()), all);
            let read: Vec<Event> = events
                .iter()
                .map(|event| decode(encode(event).unwrap().trim_end().as_bytes(), 2).unwrap())
                .collect();
            prop_assert_eq!(folded(&read), timeline);
        }
    }
}
