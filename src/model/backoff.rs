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
}

impl Backoff {
    /// Waits between `min` and `max`.
    #[must_use]
    pub fn new(min: Duration, max: Duration) -> Self {
        Self { min, max: max.max(min), failures: 0 }
    }

    /// The wait before the next attempt: none before the first one after a success, then between
    /// the minimum and a ceiling that doubles up to the maximum.
    pub fn next_wait<R: Rng>(&mut self, random: &mut R) -> Duration {
        let failures = self.failures;
        self.failures = failures.saturating_add(1);
        if failures == 0 {
            return Duration::ZERO;
        }
        let doubled = self.min.saturating_mul(2_u32.saturating_pow(failures));
        random.random_range(self.min..=doubled.min(self.max))
    }

    /// A write was acknowledged: the next failure starts from the beginning.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::SmallRng};

    use super::*;

    #[test]
    fn the_first_attempt_goes_out_at_once_also_after_a_success() {
        let mut random = SmallRng::seed_from_u64(1);
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_millis(500));
        assert_eq!(backoff.next_wait(&mut random), Duration::ZERO);
        assert!(backoff.next_wait(&mut random) > Duration::ZERO);
        backoff.reset();
        assert_eq!(backoff.next_wait(&mut random), Duration::ZERO);
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
            backoff.next_wait(&mut random);
            for _ in 1..attempts {
                let wait = backoff.next_wait(&mut random);
                prop_assert!(wait >= min && wait <= max, "{wait:?}");
            }
        }
    }
}
