//! How many writes were acknowledged lately, by tenths of a second: enough to say when the rate
//! before an outage was reached again.

use std::collections::VecDeque;
use std::time::Duration;

const BUCKET: Duration = Duration::from_millis(100);
const KEPT_BUCKETS: u64 = 120;
/// The span before an outage that says what the full rate is.
const REFERENCE: Duration = Duration::from_secs(10);
/// The span in which the full rate must be reached.
const WINDOW: Duration = Duration::from_secs(1);
/// The share of the rate before that counts as full: above it is the noise of any load.
const FULL_SHARE: f64 = 0.9;

/// Counts of the last twelve seconds.
#[derive(Debug, Clone, Default)]
pub struct RateTimeline {
    buckets: VecDeque<(u64, u64)>,
    first_ack: Option<Duration>,
}

impl RateTimeline {
    /// Adds one acknowledgement.
    pub fn add(&mut self, at: Duration) {
        self.first_ack = Some(self.first_ack.map_or(at, |first| first.min(at)));
        let number = bucket(at);
        let index = self.buckets.partition_point(|(other, _)| *other < number);
        match self.buckets.get_mut(index) {
            Some((other, count)) if *other == number => *count += 1,
            _ => self.buckets.insert(index, (number, 1)),
        }
        let newest = self.buckets.back().map_or(0, |(number, _)| *number);
        while self.buckets.front().is_some_and(|(number, _)| number + KEPT_BUCKETS < newest) {
            self.buckets.pop_front();
        }
    }

    /// Acknowledged writes per second in the ten seconds before `at`.
    #[must_use]
    pub fn rate_before(&self, at: Duration) -> Option<f64> {
        let first = self.first_ack?;
        let from = at.saturating_sub(REFERENCE).max(first);
        let span = at.checked_sub(from)?.max(BUCKET);
        Some(self.count(from, at) / span.as_secs_f64())
    }

    /// The earliest time from `from` on after which a whole second had the full rate again, as
    /// far as this is known at `now`.
    #[must_use]
    pub fn full_rate_since(&self, from: Duration, now: Duration, rate: f64) -> Option<Duration> {
        let mut start = from;
        while start + WINDOW <= now {
            if self.count(start, start + WINDOW) >= (rate * WINDOW.as_secs_f64() * FULL_SHARE) {
                return Some(start);
            }
            start += BUCKET;
        }
        None
    }

    #[allow(clippy::cast_precision_loss)]
    fn count(&self, from: Duration, to: Duration) -> f64 {
        let (from, to) = (bucket(from), bucket(to));
        self.buckets
            .iter()
            .filter(|(number, _)| (from..to).contains(number))
            .map(|(_, count)| *count)
            .sum::<u64>() as f64
    }
}

fn bucket(at: Duration) -> u64 {
    u64::try_from(at.as_millis() / BUCKET.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_full_rate_is_back_when_a_second_has_it() {
        let mut trail = RateTimeline::default();
        (0..5000).step_by(10).for_each(|at| trail.add(ms(at)));
        let rate = trail.rate_before(ms(5000)).unwrap();
        assert!((99.0..102.0).contains(&rate), "{rate}");
        // Half the rate for a second, then all of it.
        (8000..9000).step_by(20).for_each(|at| trail.add(ms(at)));
        (9000..11_000).step_by(10).for_each(|at| trail.add(ms(at)));
        assert_eq!(trail.full_rate_since(ms(8000), ms(9000), rate), None);
        let full = trail.full_rate_since(ms(8000), ms(11_000), rate).unwrap();
        assert!((ms(8500)..=ms(9000)).contains(&full), "{full:?}");
    }
}
