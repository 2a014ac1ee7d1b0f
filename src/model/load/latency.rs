//! Latencies of acknowledged writes.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// A distribution of latencies to three significant digits, from a microsecond to an hour.
#[derive(Debug, Clone)]
pub struct Latencies(Histogram<u64>);

/// The percentiles of the summary, in milliseconds; `None` when nothing was acknowledged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// The median.
    pub p50: Option<f64>,
    /// Nine in ten are at most this.
    pub p90: Option<f64>,
    /// Ninety-nine in a hundred.
    pub p99: Option<f64>,
    /// Nine hundred and ninety-nine in a thousand.
    pub p999: Option<f64>,
    /// The longest.
    pub max: Option<f64>,
}

const HIGHEST_US: u64 = 3_600_000_000;

/// More latencies than any run has; a damaged record may tell of more.
const COUNT_MAX: u64 = 1 << 53;

impl Default for Latencies {
    fn default() -> Self {
        // The bounds are constants that the crate accepts; were they not, a histogram that
        // grows by itself serves as well.
        let histogram = Histogram::new_with_bounds(1, HIGHEST_US, 3)
            .or_else(|_| Histogram::new(3))
            .map(|mut histogram| {
                histogram.auto(true);
                histogram
            });
        match histogram {
            Ok(histogram) => Self(histogram),
            Err(error) => unreachable!("three significant digits are valid: {error}"),
        }
    }
}

impl Latencies {
    /// Adds one latency, in microseconds.
    pub fn record_us(&mut self, latency_us: u64) {
        self.0.saturating_record(latency_us.clamp(1, HIGHEST_US));
    }

    /// Adds `count` latencies of about `latency_us` microseconds.
    pub fn record_many_us(&mut self, latency_us: u64, count: u64) {
        // The crate adds counts up without a look at their sum.
        let count = count.min(COUNT_MAX.saturating_sub(self.0.len()));
        self.0.saturating_record_n(latency_us.clamp(1, HIGHEST_US), count);
    }

    /// Takes everything out, as `[microseconds, count]`, ascending.
    pub fn drain(&mut self) -> Vec<(u64, u64)> {
        let counts = self
            .0
            .iter_recorded()
            .map(|bucket| (bucket.value_iterated_to(), bucket.count_since_last_iteration()))
            .collect();
        self.0.reset();
        counts
    }

    /// The latency that `quantile` (0 to 1) of the writes did not exceed.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> Option<Duration> {
        (!self.0.is_empty())
            .then(|| Duration::from_micros(self.0.value_at_quantile(quantile).min(self.0.max())))
    }

    /// These without others that are among them.
    #[must_use]
    pub fn without(&self, others: &Self) -> Self {
        let mut rest = Self::default();
        for bucket in self.0.iter_recorded() {
            let value = bucket.value_iterated_to();
            let count = bucket.count_at_value().saturating_sub(others.0.count_at(value));
            rest.record_many_us(value, count);
        }
        rest
    }

    /// The percentiles of the summary.
    #[must_use]
    pub fn percentiles(&self) -> Percentiles {
        let ms = |quantile| {
            self.quantile(quantile).map(|latency| (latency.as_secs_f64() * 1e6).round() / 1e3)
        };
        Percentiles { p50: ms(0.5), p90: ms(0.9), p99: ms(0.99), p999: ms(0.999), max: ms(1.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drained_and_added_again_has_the_same_percentiles() {
        let mut live = Latencies::default();
        for latency_us in 1..=10_000 {
            live.record_us(latency_us * 7);
        }
        let percentiles = live.percentiles();
        let mut rebuilt = Latencies::default();
        for (latency_us, count) in live.drain() {
            rebuilt.record_many_us(latency_us, count);
        }
        assert_eq!(rebuilt.percentiles(), percentiles);
        assert_eq!(live.percentiles(), Percentiles::default());
    }

    #[test]
    fn an_hour_and_more_is_kept_as_an_hour() {
        let mut latencies = Latencies::default();
        latencies.record_us(u64::MAX);
        let max_ms = latencies.percentiles().max.unwrap();
        assert!((3_599_000.0..3_602_000.0).contains(&max_ms), "{max_ms}");
    }
}
