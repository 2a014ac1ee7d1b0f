//! A timeline as the summary has it: one list a quantity, with one value a bucket.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::fault::Class;
use crate::model::run::timeline::{Bucket, Timeline, latency_class_from_us};
use crate::model::seconds;

/// What happened when, in at most 1,024 buckets of equal width from the start of the run. Every
/// list has one value a bucket; a list that would have only zeros is left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TimelineColumns {
    /// The width of a bucket.
    pub width_s: f64,
    /// Writes that came due.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub due: Vec<u64>,
    /// Writes acknowledged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acknowledged: Vec<u64>,
    /// Writes that are proven not committed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejected: Vec<u64>,
    /// Writes that are in doubt, when that was known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub in_doubt: Vec<u64>,
    /// Writes that came due and were never sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<u64>,
    /// The most writes that were due and not sent although there were sessions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub backlog_max: Vec<u64>,
    /// The most writers that were out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub writers_out_max: Vec<u64>,
    /// Latencies of the writes acknowledged.
    pub latency_ms: LatencyColumns,
    /// Errors by class.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub errors: BTreeMap<Class, Vec<u64>>,
}

/// Latencies in milliseconds, null where no write was acknowledged. The percentiles are true to a
/// fifth, the longest to three digits.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LatencyColumns {
    /// The median.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub p50: Vec<Option<f64>>,
    /// Ninety-nine in a hundred are at most this.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub p99: Vec<Option<f64>>,
    /// The longest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub max: Vec<Option<f64>>,
}

impl TimelineColumns {
    /// How many buckets there are.
    #[must_use]
    pub fn len(&self) -> usize {
        // A record without any write has no list but perhaps one of errors.
        let counts = [&self.due, &self.acknowledged, &self.skipped, &self.writers_out_max];
        let errors = self.errors.values();
        counts.into_iter().chain(errors).map(Vec::len).max().unwrap_or(0)
    }

    /// Whether there is nothing to show.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl From<&Timeline> for TimelineColumns {
    fn from(timeline: &Timeline) -> Self {
        let buckets = timeline.buckets();
        let column = |of: fn(&Bucket) -> u64| -> Vec<u64> {
            let values: Vec<u64> = buckets.iter().map(of).collect();
            if values.iter().any(|value| *value > 0) { values } else { Vec::new() }
        };
        Self {
            width_s: seconds::of(timeline.width()),
            due: column(|bucket| bucket.due),
            acknowledged: column(|bucket| bucket.acknowledged),
            rejected: column(|bucket| bucket.rejected),
            in_doubt: column(|bucket| bucket.in_doubt),
            skipped: column(|bucket| bucket.skipped),
            backlog_max: column(|bucket| bucket.backlog_max),
            writers_out_max: column(|bucket| bucket.writers_out_max),
            latency_ms: latencies(buckets),
            errors: errors(buckets),
        }
    }
}

fn latencies(buckets: &[Bucket]) -> LatencyColumns {
    if buckets.iter().all(|bucket| bucket.latencies.is_empty()) {
        return LatencyColumns::default();
    }
    LatencyColumns {
        p50: buckets.iter().map(|bucket| quantile_ms(bucket, 0.5)).collect(),
        p99: buckets.iter().map(|bucket| quantile_ms(bucket, 0.99)).collect(),
        max: buckets.iter().map(longest_ms).collect(),
    }
}

fn errors(buckets: &[Bucket]) -> BTreeMap<Class, Vec<u64>> {
    let mut errors = BTreeMap::new();
    for (at, bucket) in buckets.iter().enumerate() {
        for (class, count) in &bucket.errors {
            let column: &mut Vec<u64> =
                errors.entry(*class).or_insert_with(|| vec![0; buckets.len()]);
            column[at] = *count;
        }
    }
    errors
}

/// The middle, by ratio, of the class of latency in which this share of a bucket's writes is
/// reached: classes are a factor of √2 wide, so it is off by less than a fifth.
#[allow(clippy::cast_precision_loss, reason = "a rank among counts")]
fn quantile_ms(bucket: &Bucket, share: f64) -> Option<f64> {
    let all: u64 = bucket.latencies.iter().fold(0, |sum, count| sum.saturating_add(*count));
    let rank = (all as f64 * share).max(1.0);
    let mut below = 0_u64;
    let class = bucket.latencies.iter().position(|count| {
        below = below.saturating_add(*count);
        below as f64 >= rank
    })?;
    let middle_us = (latency_class_from_us(class) * latency_class_from_us(class + 1)).sqrt();
    longest_ms(bucket).map(|longest| rounded(middle_us / 1e3).min(longest))
}

#[allow(clippy::cast_precision_loss, reason = "a latency, not an account")]
fn longest_ms(bucket: &Bucket) -> Option<f64> {
    (!bucket.latencies.is_empty()).then(|| rounded(bucket.latency_max_us as f64 / 1e3))
}

/// To three digits, as more of them are not known.
fn rounded(ms: f64) -> f64 {
    let step = 10_f64.powf(ms.max(1e-3).log10().floor() - 2.0);
    // The quotient of two such numbers has no binary tail where the step is below 1.
    if step < 1.0 { (ms / step).round() / (1.0 / step).round() } else { (ms / step).round() * step }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::model::event::{Event, Interval, What};

    /// First and last acknowledgement in milliseconds, and latencies in microseconds with counts.
    type Part = (u64, u64, Vec<(u64, u64)>);

    fn timeline(parts: &[Part]) -> Timeline {
        let mut timeline = Timeline::default();
        for (from_ms, to_ms, latency_us) in parts {
            let acknowledged = latency_us.iter().map(|(_, count)| *count).sum();
            let interval = Interval {
                due: acknowledged,
                acknowledged,
                latency_us: latency_us.clone(),
                first_ack: (acknowledged > 0).then(|| Duration::from_millis(*from_ms)),
                last_ack: (acknowledged > 0).then(|| Duration::from_millis(*to_ms)),
                ..Interval::default()
            };
            let at = Duration::from_millis(*to_ms);
            timeline.apply(&Event { at, what: What::Interval(Box::new(interval)) });
        }
        timeline
    }

    #[test]
    fn columns_have_a_value_a_bucket_and_zeros_are_left_out() {
        let columns = TimelineColumns::from(&timeline(&[
            (0, 90, vec![(1_000, 99), (40_000, 1)]),
            (90, 250, vec![]),
            (310, 390, vec![(2_000, 10)]),
        ]));
        assert_eq!(columns.width_s, 0.1);
        assert_eq!(columns.acknowledged, [100, 0, 0, 10]);
        assert!(columns.rejected.is_empty(), "only zeros");
        assert_eq!(columns.latency_ms.max, [Some(40.0), None, None, Some(2.0)]);
        assert_eq!(columns.latency_ms.p50[0], Some(0.861));
        assert_eq!(columns.latency_ms.p99, [Some(0.861), None, None, Some(1.72)]);
        assert_eq!(columns.len(), 4);
    }

    #[test]
    fn an_empty_run_has_no_columns() {
        let columns = TimelineColumns::from(&Timeline::default());
        assert!(columns.is_empty());
        assert_eq!(serde_json::to_string(&columns).unwrap(), r#"{"width_s":0.1,"latency_ms":{}}"#);
    }

    proptest! {
        #[test]
        fn percentiles_are_true_to_a_fifth(
            mut latencies in prop::collection::vec(1..10_000_000_u64, 1..200),
        ) {
            let counted = latencies.iter().map(|latency_us| (*latency_us, 1)).collect();
            let columns = TimelineColumns::from(&timeline(&[(10, 20, counted)]));
            latencies.sort_unstable();
            for (column, share) in [(&columns.latency_ms.p50, 0.5), (&columns.latency_ms.p99, 0.99)] {
                #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation,
                        clippy::cast_sign_loss)]
                let rank = ((latencies.len() as f64 * share).ceil() as usize).max(1);
                #[allow(clippy::cast_precision_loss)]
                let exact_ms = latencies[rank - 1] as f64 / 1e3;
                let said = column[0].unwrap();
                prop_assert!((said / exact_ms - 1.0).abs() < 0.2, "{said} of {exact_ms}");
            }
        }
    }
}
