//! Times in which pgchaos itself did not run: it was stopped, or got no processor. What was
//! measured across them is partly its own.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::seconds;

/// A shorter pause changes no measure by more than its precision.
pub const OWN_PAUSE_MIN: Duration = Duration::from_millis(100);

/// Pauses that are remembered one by one; of more the shortest are forgotten.
const KEPT: usize = 1024;

/// A pause that ends or begins this near to an outage may hide a part of it.
const NEAR: Duration = Duration::from_secs(1);

/// One pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnPause {
    /// When pgchaos last ran, since the start of the run.
    #[serde(rename = "from_s", with = "seconds")]
    pub from: Duration,
    /// For how long it did not.
    #[serde(rename = "length_s", with = "seconds")]
    pub length: Duration,
}

impl OwnPause {
    /// When it ran again, since the start of the run.
    #[must_use]
    pub fn until(self) -> Duration {
        self.from.saturating_add(self.length)
    }

    /// How much of it lies between two times.
    fn inside(self, from: Duration, to: Duration) -> Duration {
        self.until().min(to).saturating_sub(self.from.max(from))
    }
}

/// The pauses of a run, in their order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OwnPauses {
    pauses: Vec<OwnPause>,
    /// The total length of the pauses that were forgotten.
    forgotten: Duration,
}

impl FromIterator<OwnPause> for OwnPauses {
    fn from_iter<T: IntoIterator<Item = OwnPause>>(pauses: T) -> Self {
        let mut all = Self::default();
        pauses.into_iter().for_each(|pause| all.add(pause));
        all
    }
}

impl OwnPauses {
    /// Adds one.
    pub fn add(&mut self, pause: OwnPause) {
        if self.pauses.len() == KEPT {
            let shortest = self.pauses.iter().enumerate().min_by_key(|(_, pause)| pause.length);
            if let Some((index, _)) = shortest {
                self.forgotten += self.pauses.remove(index).length;
            }
        }
        self.pauses.push(pause);
    }

    /// All of them.
    #[must_use]
    pub fn as_slice(&self) -> &[OwnPause] {
        &self.pauses
    }

    /// The longest one.
    #[must_use]
    pub fn longest(&self) -> Option<Duration> {
        self.pauses.iter().map(|pause| pause.length).max()
    }

    /// How long all of them were together.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.pauses.iter().map(|pause| pause.length).sum::<Duration>() + self.forgotten
    }

    /// How long pgchaos did not run between two times and outside of these stretches, which do not
    /// overlap. Pauses that are forgotten may have been there.
    #[must_use]
    pub fn outside(
        &self,
        from: Duration,
        to: Duration,
        stretches: &[(Duration, Duration)],
    ) -> Duration {
        let mut length = self.forgotten;
        for pause in &self.pauses {
            let within =
                |(begin, end): &(Duration, Duration)| pause.inside(from.max(*begin), to.min(*end));
            let known: Duration = stretches.iter().map(within).sum();
            length += pause.inside(from, to).saturating_sub(known);
        }
        length
    }

    /// What a length that was measured from one time to another is at least and at most: less what
    /// pgchaos slept through, and with what it slept through just before or after.
    #[must_use]
    pub fn bounds(&self, from: Duration, to: Duration) -> (Duration, Duration) {
        let length = to.saturating_sub(from);
        // Pauses that were forgotten count on both sides: their place is unknown.
        let (mut inside, mut outside) = (self.forgotten, self.forgotten);
        for pause in &self.pauses {
            let within = pause.inside(from, to);
            inside += within;
            if !pause.inside(from.saturating_sub(NEAR), to.saturating_add(NEAR)).is_zero() {
                outside += pause.length.saturating_sub(within);
            }
        }
        (length.saturating_sub(inside), length.saturating_add(outside))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn pauses(all: &[(u64, u64)]) -> OwnPauses {
        let mut pauses = OwnPauses::default();
        for (from, length) in all {
            pauses.add(OwnPause { from: ms(*from), length: ms(*length) });
        }
        pauses
    }

    #[test]
    fn a_length_is_less_by_pauses_inside_and_more_by_those_at_its_edges() {
        let (from, to) = (ms(10_000), ms(14_000));
        assert_eq!(pauses(&[]).bounds(from, to), (ms(4_000), ms(4_000)));
        assert_eq!(pauses(&[(11_000, 1_000)]).bounds(from, to), (ms(3_000), ms(4_000)));
        assert_eq!(pauses(&[(9_000, 2_000)]).bounds(from, to), (ms(3_000), ms(5_000)));
        assert_eq!(pauses(&[(14_500, 2_000)]).bounds(from, to), (ms(4_000), ms(6_000)));
        assert_eq!(pauses(&[(1_000, 2_000)]).bounds(from, to), (ms(4_000), ms(4_000)));
    }

    #[test]
    fn the_longest_of_many_are_kept() {
        let all: Vec<_> = (0..3_000).map(|n| (n * 1_000, n % 997 + 1)).collect();
        let kept = pauses(&all);
        assert_eq!(kept.as_slice().len(), KEPT);
        assert_eq!(kept.longest(), Some(ms(997)));
        assert!(kept.as_slice().is_sorted_by_key(|pause| pause.from));
    }
}
