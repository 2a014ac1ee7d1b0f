//! When writes were acknowledged, as far as an outage needs to know.
//!
//! Acknowledgements closer than a millisecond become one island, so that the trail of a fast load
//! is as short as that of a slow one. They arrive a little out of order, as every writer reports
//! its own in batches.

use std::collections::VecDeque;
use std::time::Duration;

const ISLAND_GAP: Duration = Duration::from_millis(1);

/// The islands of the recent past, ascending.
#[derive(Debug, Clone, Default)]
pub struct AckTimeline {
    islands: VecDeque<(Duration, Duration)>,
}

/// A span without any acknowledged write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoAckSpan {
    /// Its beginning.
    pub from: Duration,
    /// Its end.
    pub to: Duration,
}

impl NoAckSpan {
    /// How long it is.
    #[must_use]
    pub fn length(self) -> Duration {
        self.to.saturating_sub(self.from)
    }

    /// The longer of both; the earlier when they are equal.
    #[must_use]
    pub fn longer(self, other: Self) -> Self {
        if other.length() > self.length() { other } else { self }
    }
}

impl AckTimeline {
    /// Adds one acknowledgement.
    pub fn add(&mut self, at: Duration) {
        let mut index = self.islands.len();
        while index > 0 && self.islands[index - 1].0 > at {
            index -= 1;
        }
        // `index` is the first island that begins after `at`.
        if index > 0 && at <= self.islands[index - 1].1 + ISLAND_GAP {
            let island = &mut self.islands[index - 1];
            island.1 = island.1.max(at);
            let end = island.1;
            if let Some(next) = self.islands.get(index).copied()
                && next.0 <= end + ISLAND_GAP
            {
                self.islands.remove(index);
                self.islands[index - 1].1 = next.1.max(end);
            }
        } else if let Some(next) = self.islands.get_mut(index)
            && next.0 <= at + ISLAND_GAP
        {
            next.0 = at;
        } else {
            self.islands.insert(index, (at, at));
        }
    }

    /// The last acknowledgement at or before `at`; inside an island it is `at` itself, as the
    /// trail is no finer than that.
    #[must_use]
    pub fn last_before(&self, at: Duration) -> Option<Duration> {
        self.islands.iter().rev().find(|(first, _)| *first <= at).map(|(_, last)| (*last).min(at))
    }

    /// The longest stretch without an acknowledgement between `from` and `to`.
    #[must_use]
    pub fn longest_stretch(&self, from: Duration, to: Duration) -> NoAckSpan {
        let mut longest = NoAckSpan { from, to: from };
        let mut last = from;
        for &(first, end) in self.islands.iter().filter(|(_, end)| *end >= from) {
            if first > to {
                break;
            }
            longest = longest.longer(NoAckSpan { from: last, to: first.max(last) });
            last = end.max(last);
        }
        longest.longer(NoAckSpan { from: last, to: to.max(last) })
    }

    /// How long there was no acknowledgement between `from` and `to`, counting stretches of at
    /// least `least`.
    #[must_use]
    pub fn quiet(&self, from: Duration, to: Duration, least: Duration) -> Duration {
        let counted = |stretch: Duration| if stretch >= least { stretch } else { Duration::ZERO };
        let mut quiet = Duration::ZERO;
        let mut last = from;
        for &(first, end) in self.islands.iter().filter(|(_, end)| *end >= from) {
            if first > to {
                break;
            }
            quiet += counted(first.saturating_sub(last));
            last = end.max(last);
        }
        quiet + counted(to.saturating_sub(last))
    }

    /// Forgets what is older than `before`, but for the last island of it: that has the last
    /// acknowledgement before a pause.
    pub fn forget(&mut self, before: Duration) {
        while self.islands.get(1).is_some_and(|next| next.1 < before) {
            self.islands.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn trail(at_ms: &[u64]) -> AckTimeline {
        let mut trail = AckTimeline::default();
        for at in at_ms {
            trail.add(ms(*at));
        }
        trail
    }

    #[test]
    fn out_of_order_neighbours_become_one_island() {
        let trail = trail(&[10, 12, 11, 20, 9]);
        assert_eq!(trail.islands, [(ms(9), ms(12)), (ms(20), ms(20))]);
    }

    #[test]
    fn the_longest_stretch_is_found_between_its_bounds() {
        let trail = trail(&[5, 10, 11, 40, 100]);
        let stretch = |from, to| NoAckSpan { from: ms(from), to: ms(to) };
        assert_eq!(trail.longest_stretch(ms(10), ms(60)), stretch(11, 40));
        assert_eq!(trail.longest_stretch(ms(30), ms(60)), stretch(40, 60));
        assert_eq!(trail.longest_stretch(ms(12), ms(20)), stretch(12, 20));
        assert_eq!(trail.last_before(ms(39)), Some(ms(11)));
    }

    #[test]
    fn quiet_is_the_sum_of_the_stretches_that_are_long_enough() {
        let trail = trail(&[5, 10, 11, 40, 100]);
        assert_eq!(trail.quiet(ms(10), ms(130), ms(30)), ms(60 + 30));
        assert_eq!(trail.quiet(ms(20), ms(60), ms(20)), ms(20 + 20));
        assert_eq!(trail.quiet(ms(20), ms(60), ms(21)), ms(0));
    }

    #[test]
    fn a_fast_load_leaves_a_short_trail() {
        let mut trail = AckTimeline::default();
        for at_us in (0..1_000_000).step_by(20) {
            trail.add(Duration::from_micros(at_us));
        }
        assert_eq!(trail.islands.len(), 1);
    }
}
