//! How long to wait before the next connect attempt: exponential backoff with full jitter.
//!
//! Full jitter, as synchronised clients are what turns a failover into a storm; from a minimum,
//! as a jitter of nearly nothing is no wait at all.

use std::time::Duration;

use rand::{Rng, RngExt};

/// The waits of one writer.
#[derive(Debug, Clone)]
pub struct Backoff {
    min: Duration,
    max: Duration,
    failures: u32,
    /// Since when writes are acknowledged, if any was since the last failure.
    working_since: Option<Duration>,
}

/// How long writes have to be acknowledged before the next failure starts from the beginning.
///
/// What acknowledges one write and then ends each session would else be connected to without a
/// pause, and be told as a new outage each time.
const LASTING: Duration = Duration::from_millis(100);

impl Backoff {
    /// Waits between `min` and `max`.
    #[must_use]
    pub fn new(min: Duration, max: Duration) -> Self {
        Self { min, max: max.max(min), failures: 0, working_since: None }
    }

    /// The wait before the next attempt, `now` in the time of the run: none before the first one
    /// after success that lasted, then between the minimum and a ceiling that doubles up to the
    /// maximum.
    pub fn next_wait<R: Rng>(&mut self, now: Duration, random: &mut R) -> Duration {
        let worked_for = self.working_since.take().map(|since| now.saturating_sub(since));
        if worked_for.is_some_and(|time| time >= LASTING) {
            self.failures = 0;
        }
        let failures = self.failures;
        self.failures = failures.saturating_add(1);
        if failures == 0 {
            return Duration::ZERO;
        }
        let doubled = self.min.saturating_mul(2_u32.saturating_pow(failures));
        random.random_range(self.min..=doubled.min(self.max))
    }

    /// A write was acknowledged, at this time of the run.
    pub fn works(&mut self, at: Duration) {
        self.working_since.get_or_insert(at);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::SmallRng};

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_first_attempt_goes_out_at_once_also_after_a_success_that_lasted() {
        let mut random = SmallRng::seed_from_u64(1);
        let mut backoff = Backoff::new(50 * MS, 500 * MS);
        assert_eq!(backoff.next_wait(Duration::ZERO, &mut random), Duration::ZERO);
        assert!(backoff.next_wait(10 * MS, &mut random) > Duration::ZERO);
        backoff.works(500 * MS);
        backoff.works(599 * MS);
        assert_eq!(backoff.next_wait(600 * MS, &mut random), Duration::ZERO);
    }

    #[test]
    fn a_success_that_did_not_last_is_no_new_beginning() {
        let mut random = SmallRng::seed_from_u64(1);
        let mut backoff = Backoff::new(50 * MS, 500 * MS);
        backoff.next_wait(Duration::ZERO, &mut random);
        for round in 1..20 {
            backoff.works(1000 * MS * round);
            let wait = backoff.next_wait(1000 * MS * round + 99 * MS, &mut random);
            assert!(wait >= 50 * MS, "{wait:?}");
        }
    }

    proptest! {
        #[test]
        fn every_wait_after_the_first_is_between_the_bounds(
            seed: u64, min_ms in 1_u64..200, span_ms in 0_u64..2000, attempts in 2_usize..40,
        ) {
            let min = Duration::from_millis(min_ms);
            let max = Duration::from_millis(min_ms + span_ms);
            let mut random = SmallRng::seed_from_u64(seed);
            let mut backoff = Backoff::new(min, max);
            backoff.next_wait(Duration::ZERO, &mut random);
            for _ in 1..attempts {
                let wait = backoff.next_wait(Duration::ZERO, &mut random);
                prop_assert!(wait >= min && wait <= max, "{wait:?}");
            }
        }
    }
}
