//! When writes are due: an open-loop schedule that no slow server can thin.
//!
//! Every writer has its own slots: writer `index` of `writers` at rate `r` has slot `k` at
//! `(k * writers + index) / r` seconds. So no state is shared, and over all writers the slots are
//! evenly spaced.

use std::time::Duration;

use crate::model::load::options::{Backlog, Rate};

/// One writer's slots, and which of them are used up.
#[derive(Debug, Clone)]
pub struct Schedule {
    pace: Pace,
    backlog: Backlog,
    /// When it begins.
    begin: Duration,
    /// Slots used up: sent or skipped.
    taken: u64,
    /// Writes sent before any slot was due, and acknowledged.
    probes: u64,
    /// Slots that may still be sent, when the number of writes is bounded.
    left: Option<u64>,
    /// Slots that were never sent.
    skipped: u64,
}

#[derive(Debug, Clone, Copy)]
enum Pace {
    Slots { first: Duration, seconds_each: f64 },
    Max,
}

impl Schedule {
    /// The slots of writer `index` (from 0) of `writers`.
    ///
    /// `writes` bounds the slots over all writers; `begin` is when the first of them is due.
    #[must_use]
    pub fn new(
        rate: Rate,
        backlog: Backlog,
        index: u32,
        writers: u32,
        writes: Option<u64>,
        begin: Duration,
    ) -> Self {
        let writers = writers.max(1);
        let pace = match rate {
            Rate::Max => Pace::Max,
            Rate::PerSecond(per_second) => Pace::Slots {
                first: begin + Duration::from_secs_f64(f64::from(index) / per_second),
                seconds_each: f64::from(writers) / per_second,
            },
        };
        let left = writes.map(|writes| {
            let each = writes / u64::from(writers);
            let rest = writes % u64::from(writers);
            each + u64::from(u64::from(index) < rest)
        });
        Self { pace, backlog, begin, taken: 0, probes: 0, left, skipped: 0 }
    }

    /// When the next write is due; now when the pace is `max`, `None` when all are sent.
    #[must_use]
    pub fn next_due(&self, now: Duration) -> Option<Duration> {
        if self.left == Some(0) {
            return None;
        }
        Some(match self.pace {
            Pace::Max => now,
            Pace::Slots { .. } => self.slot(self.taken),
        })
    }

    /// When the last slot is due, where the number of writes is bounded, they have a pace, and
    /// what is not sent in time is skipped.
    #[must_use]
    pub fn last_due(&self) -> Option<Duration> {
        match self.pace {
            Pace::Slots { .. } if self.backlog == Backlog::Skip => {
                Some(self.slot((self.taken + self.left?).checked_sub(1)?))
            }
            Pace::Slots { .. } | Pace::Max => None,
        }
    }

    /// Uses up the next slot for a write that is sent now, and says when it was due. A write that
    /// is sent before any slot is due, to see whether writes are taken again, moves no slot; it is
    /// one more than the schedule has once it is acknowledged.
    pub fn take(&mut self, now: Duration) -> Duration {
        let next = self.next_due(now);
        self.left = self.left.map(|left| left.saturating_sub(1));
        match next {
            Some(due) if due <= now => {
                self.taken += 1;
                due
            }
            _ => now,
        }
    }

    /// A write that was sent before its time was acknowledged: it counts as due.
    pub fn probe_acknowledged(&mut self) {
        self.probes += 1;
    }

    /// The schedule begins at `at`, later than it was made for.
    pub fn begins(&mut self, at: Duration) {
        if let Pace::Slots { first, .. } = &mut self.pace {
            *first += at.saturating_sub(self.begin);
        }
        self.begin = self.begin.max(at);
    }

    /// A session is there, for the first time or again: slots that came due without one are
    /// skipped, or stay due when they are to be caught up.
    ///
    /// One write goes out at once, so that the end of the outage is sharp: the last slot that
    /// came due is kept for it.
    pub fn session_opened(&mut self, now: Duration) {
        let due = self.overdue(now);
        if self.backlog == Backlog::CatchUp || due <= 1 {
            return;
        }
        self.skip(due - 1);
    }

    /// The run is over without a session: what came due by now is not sent any more.
    pub fn end_without_session(&mut self, now: Duration) {
        let due = self.overdue(now);
        self.skip(due);
    }

    fn skip(&mut self, slots: u64) {
        let slots = self.left.map_or(slots, |left| left.min(slots));
        self.taken += slots;
        self.skipped += slots;
        self.left = self.left.map(|left| left - slots);
    }

    /// Slots that are due by `now` and not used up.
    #[must_use]
    pub fn overdue(&self, now: Duration) -> u64 {
        let overdue = match self.pace {
            Pace::Max => 0,
            Pace::Slots { first, seconds_each } => match now.checked_sub(first) {
                None => 0,
                Some(since_first) => {
                    // Slots are counted up to 2^52, where f64 still counts exactly.
                    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                    let slots = (since_first.as_secs_f64() / seconds_each) as u64 + 1;
                    slots.saturating_sub(self.taken)
                }
            },
        };
        self.left.map_or(overdue, |left| left.min(overdue))
    }

    /// Writes that came due and were sent or skipped.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.taken + self.probes
    }

    /// Slots that were never sent.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    fn slot(&self, number: u64) -> Duration {
        match self.pace {
            Pace::Max => Duration::ZERO,
            Pace::Slots { first, seconds_each } => {
                #[allow(clippy::cast_precision_loss)]
                let seconds = number as f64 * seconds_each;
                first.saturating_add(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn writers_share_the_rate_evenly() {
        let due = |index| {
            Schedule::new(Rate::PerSecond(4.0), Backlog::Skip, index, 2, None, Duration::ZERO)
                .next_due(Duration::ZERO)
                .unwrap()
        };
        assert_eq!((due(0), due(1)), (ms(0), ms(250)));
        let mut first =
            Schedule::new(Rate::PerSecond(4.0), Backlog::Skip, 0, 2, None, Duration::ZERO);
        first.take(ms(0));
        assert_eq!(first.next_due(ms(0)), Some(ms(500)));
    }

    #[test]
    fn a_late_write_keeps_its_due_time() {
        let mut schedule =
            Schedule::new(Rate::PerSecond(10.0), Backlog::Skip, 0, 1, None, Duration::ZERO);
        assert_eq!(schedule.take(ms(750)), ms(0));
        assert_eq!(schedule.take(ms(750)), ms(100));
        assert_eq!(schedule.overdue(ms(750)), 6);
    }

    #[test]
    fn after_an_outage_all_but_one_due_write_are_skipped() {
        let mut schedule =
            Schedule::new(Rate::PerSecond(10.0), Backlog::Skip, 0, 1, None, Duration::ZERO);
        schedule.take(ms(0));
        schedule.session_opened(ms(1000));
        assert_eq!((schedule.skipped(), schedule.overdue(ms(1000))), (9, 1));
        assert_eq!(schedule.take(ms(1000)), ms(1000));
        assert_eq!(schedule.next_due(ms(1000)), Some(ms(1100)));
    }

    #[test]
    fn catching_up_skips_nothing() {
        let mut schedule =
            Schedule::new(Rate::PerSecond(10.0), Backlog::CatchUp, 0, 1, None, Duration::ZERO);
        schedule.session_opened(ms(1000));
        assert_eq!((schedule.skipped(), schedule.overdue(ms(1000))), (0, 11));
        assert_eq!(schedule.take(ms(1000)), ms(0));
    }

    #[test]
    fn a_write_before_its_time_moves_no_slot() {
        let mut schedule =
            Schedule::new(Rate::PerSecond(1.0), Backlog::Skip, 0, 1, None, Duration::ZERO);
        schedule.take(ms(0));
        assert_eq!(schedule.take(ms(300)), ms(300));
        assert_eq!(schedule.next_due(ms(300)), Some(ms(1000)));
        assert_eq!(schedule.taken(), 1);
        schedule.probe_acknowledged();
        assert_eq!(schedule.taken(), 2);
    }

    #[test]
    fn bounded_writes_are_shared_out_to_the_last_one() {
        let sent: u64 = (0..3)
            .map(|index| {
                let mut schedule =
                    Schedule::new(Rate::Max, Backlog::Skip, index, 3, Some(10), Duration::ZERO);
                while schedule.next_due(ms(0)).is_some() {
                    schedule.take(ms(0));
                }
                schedule.taken()
            })
            .sum();
        assert_eq!(sent, 10);
    }

    proptest! {
        #[test]
        fn over_all_writers_the_count_is_due_to_within_one(
            per_second in 1_u32..50_000, writers in 1_u32..64, elapsed_ms in 0_u64..100_000,
        ) {
            let now = ms(elapsed_ms);
            let due: u64 = (0..writers)
                .map(|index| {
                    let rate = Rate::PerSecond(f64::from(per_second));
                    Schedule::new(rate, Backlog::Skip, index, writers, None, Duration::ZERO).overdue(now)
                })
                .sum();
            let exact = u64::from(per_second) * elapsed_ms / 1000 + 1;
            prop_assert!(due.abs_diff(exact) <= 1, "{due} of {exact}");
        }
    }
}
