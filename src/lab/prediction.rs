//! How long an outage will take, from the settings that are in force.

use std::time::Duration;

use crate::lab::spec::Checks;

/// How long no write will be possible, as a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prediction {
    /// At the least.
    pub from: Duration,
    /// At the most, when nothing else goes wrong.
    pub to: Duration,
}

/// For a replica to be promoted and to take writes.
const PROMOTION: Duration = Duration::from_secs(2);

/// For a server to shut down, its last checkpoint included.
const SHUTDOWN: Duration = Duration::from_secs(1);

impl Prediction {
    /// When the leader is killed. Its key in etcd was renewed at most `loop_wait` ago and lapses
    /// `ttl` after that; then a replica is promoted and HAProxy must see it.
    #[must_use]
    pub fn after_kill(ttl: Duration, loop_wait: Duration, checks: &Checks) -> Self {
        Self { from: ttl.saturating_sub(loop_wait), to: ttl + PROMOTION + checks.up_again() }
    }

    /// When the leader is stopped. It shuts down, gives its key back, and a replica takes it at
    /// once; then as after a kill.
    #[must_use]
    pub fn after_stop(checks: &Checks) -> Self {
        let at_best =
            Duration::from_millis(u64::from(checks.rise.saturating_sub(1) * checks.fastinter_ms));
        Self { from: SHUTDOWN + at_best, to: SHUTDOWN + PROMOTION + checks.up_again() }
    }
}

impl std::fmt::Display for Prediction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} to {} s", self.from.as_secs(), self.to.as_secs_f64().ceil())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::spec::{PatroniVersion, Profile, Timing};

    /// The ranges hold what was measured with these settings.
    #[test]
    fn the_ranges_hold_what_was_measured() {
        let seconds = |s: u32| Duration::from_secs(s.into());
        for (profile, version, killed, stopped) in [
            (Profile::Default, "3.0.2", [29.0, 30.0], [8.0, 8.6]),
            (Profile::Quick, "3.0.2", [4.8, 5.0], [2.1, 2.3]),
            (Profile::Quick, "4.1.5", [20.8, 21.0], [2.1, 2.3]),
        ] {
            let timing = Timing::of(profile, &PatroniVersion(version.to_owned()));
            let (ttl, wait) = (seconds(timing.ttl_s), seconds(timing.loop_wait_s));
            let kill = Prediction::after_kill(ttl, wait, &timing.checks);
            let stop = Prediction::after_stop(&timing.checks);
            for (prediction, measured) in [(kill, killed), (stop, stopped)] {
                let holds = |s: f64| {
                    (prediction.from..=prediction.to).contains(&Duration::from_secs_f64(s))
                };
                assert!(measured.into_iter().all(holds), "{prediction} for {measured:?}");
            }
        }
    }
}
