//! The monotonic clock of a run, in the grain of the record.
//!
//! Times are whole microseconds, as the record writes them ([`crate::model::seconds`]): what the run
//! reckons with while it goes on is what a report reads from its record later, to the last digit.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use crate::model::seconds;

/// Longer than a run takes from the time that its record has for its start to its clock's start.
const A_MOMENT: Duration = Duration::from_secs(1);

/// How often both clocks are read, as something else may have the processor between.
const PAIRS: u32 = 5;

/// Tells the time since the run started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    started: Instant,
}

impl Clock {
    /// Starts now, for a test that has no record.
    #[cfg(test)]
    pub(crate) fn start() -> Self {
        Self { started: Instant::now() }
    }

    /// Started when the wall clock was at `started_at`, a moment ago: what happens so long after the
    /// start is so long after `started_at`, too.
    pub(crate) fn started_at(started_at: DateTime<Utc>) -> Self {
        let started = |(now, wall): (Instant, DateTime<Utc>)| {
            // A wall clock that was set in this moment must not move the run.
            let ago = wall.signed_duration_since(started_at).to_std().unwrap_or_default();
            now.checked_sub(ago.min(A_MOMENT)).unwrap_or(now)
        };
        // Of several pairs of readings the closest: the least time went by between its two.
        let pair = (0..PAIRS).map(|_| {
            let (before, wall) = (Instant::now(), Utc::now());
            (before.elapsed(), (before, wall))
        });
        let closest = pair.min_by_key(|(between, _)| *between).map(|(_, pair)| pair);
        Self { started: started(closest.unwrap_or_else(|| (Instant::now(), Utc::now()))) }
    }

    /// Now, since the start.
    pub(crate) fn now(&self) -> Duration {
        self.at(Instant::now())
    }

    /// That instant, since the start.
    pub(crate) fn at(&self, instant: Instant) -> Duration {
        seconds::whole(instant.saturating_duration_since(self.started))
    }

    /// The instant at this time since the start, or one that never comes.
    pub(crate) fn instant(&self, since_start: Duration) -> Instant {
        const A_YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
        self.started + since_start.min(A_YEAR)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_time_of_the_clock_is_what_the_record_gives_back(nanoseconds in 0..100 * 86_400 * 1_000_000_000u64) {
            let clock = Clock::start();
            let at = clock.at(clock.started + Duration::from_nanos(nanoseconds));
            prop_assert!(at <= Duration::from_nanos(nanoseconds));
            prop_assert!(Duration::from_nanos(nanoseconds) - at < Duration::from_micros(1));
            let written = seconds::serialize(&at, serde_json::value::Serializer).unwrap();
            prop_assert_eq!(seconds::deserialize(written).unwrap(), at);
        }
    }
}
