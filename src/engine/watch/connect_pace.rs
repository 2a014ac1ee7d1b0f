//! How often a member is connected to again that no session could be opened to.
//!
//! A server that is down or starting is asked fast, as the moment at which it is back is what is looked for. One that
//! answers and refuses (a wrong password, TLS, too many sessions, another server) is asked ever less often: each
//! attempt takes a process and a line of its log.

use std::time::Duration;

use rand::{Rng, RngExt};

use crate::model::cluster::member_servers::MemberServerState;

/// The longest wait.
const REFUSED_MAX: Duration = Duration::from_secs(5);

/// The waits between attempts to connect to one member.
#[derive(Debug, Clone)]
pub(super) struct ConnectPace {
    /// How long the wait is that nothing refuses, at least and at most.
    fast: (Duration, Duration),
    /// How often it has refused in a row.
    refusals: u32,
}

impl ConnectPace {
    /// Waits so long where nothing refuses.
    pub(super) fn new(min: Duration, max: Duration) -> Self {
        Self { fast: (min, max.max(min)), refusals: 0 }
    }

    /// Takes in what an attempt has found.
    pub(super) fn tried(&mut self, is: &MemberServerState) {
        self.refusals = match is {
            MemberServerState::Refused { .. } => self.refusals.saturating_add(1),
            _ => 0,
        };
    }

    /// Until the next attempt.
    pub(super) fn wait<R: Rng>(&self, random: &mut R) -> Duration {
        let (min, max) = self.fast;
        // The first refusal may be that of a server that changes just then.
        let times = 2_u32.saturating_pow(self.refusals.saturating_sub(1));
        let slower = |wait: Duration| wait.saturating_mul(times).min(REFUSED_MAX.max(wait));
        random.random_range(slower(min)..=slower(max))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::SmallRng};

    use super::*;

    const MIN: Duration = Duration::from_millis(100);
    const MAX: Duration = Duration::from_millis(250);

    fn refused() -> MemberServerState {
        MemberServerState::Refused { reason: "no such role".to_owned() }
    }

    #[test]
    fn one_that_refuses_is_asked_ever_less_often() {
        let mut random = SmallRng::seed_from_u64(1);
        let mut pace = ConnectPace::new(MIN, MAX);
        let doubled = [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000];
        for at_least_ms in doubled {
            pace.tried(&refused());
            let wait = pace.wait(&mut random);
            assert!(wait >= Duration::from_millis(at_least_ms), "{wait:?}");
        }
        for is in [MemberServerState::Gone, MemberServerState::Starting, MemberServerState::Silent]
        {
            pace.tried(&refused());
            pace.tried(&is);
            assert!(pace.wait(&mut random) <= MAX, "{is:?}");
        }
    }

    proptest! {
        #[test]
        fn no_wait_is_out_of_bounds(seed: u64, refusals in 0..100_u32) {
            let mut random = SmallRng::seed_from_u64(seed);
            let mut pace = ConnectPace::new(MIN, MAX);
            for _ in 0..refusals {
                pace.tried(&refused());
            }
            let wait = pace.wait(&mut random);
            prop_assert!(wait >= MIN && wait <= REFUSED_MAX, "{wait:?}");
        }
    }
}
