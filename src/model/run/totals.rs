//! What a run has come to so far, as one value that is published as a whole.
//!
//! A watcher of events may miss some of them; sums of its own would be wrong from then on. These
//! are folded where no event is missed, so that the last published value is always right.

use crate::model::event::What;

/// The totals of a run that goes on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Writes acknowledged, as far as intervals tell: late by less than an interval.
    pub acknowledged: u64,
    /// Intervals in which writes were acknowledged.
    pub acknowledging_intervals: u64,
    /// An outage goes on.
    pub is_out: bool,
    /// An outage went on when a drill last did something, or has begun since.
    pub was_out: bool,
    /// And a write was acknowledged after it.
    pub recovered: bool,
}

impl Totals {
    /// Takes an event in. Whether anything changed.
    pub fn apply(&mut self, what: &What) -> bool {
        let before = *self;
        match what {
            What::Interval(interval) if interval.acknowledged > 0 => {
                self.acknowledged += interval.acknowledged;
                self.acknowledging_intervals += 1;
            }
            What::Injected(_) => {
                self.was_out = self.is_out;
                self.recovered = false;
            }
            What::OutageBegan(_) => {
                self.is_out = true;
                self.was_out = true;
            }
            What::WritesResumed(_) => self.recovered |= self.was_out,
            What::OutageEnded(outage) => {
                self.is_out = false;
                self.recovered |= self.was_out && outage.first_ack.is_some();
            }
            _ => {}
        }
        *self != before
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::event::{Interval, OutageBegan};
    use crate::model::outage::Outage;
    use crate::model::outage::injection::Injected;

    fn began() -> What {
        What::OutageBegan(OutageBegan { n: 1, began: Duration::ZERO, writers: Vec::new() })
    }

    fn ended(first_ack: Option<Duration>) -> What {
        What::OutageEnded(Box::new(Outage { first_ack, ..Outage::default() }))
    }

    fn injected() -> What {
        let (action, target) = ("kill".to_owned(), "leader".to_owned());
        What::Injected(Injected { step: 1, action, target, member: None })
    }

    fn after(events: &[What]) -> Totals {
        let mut totals = Totals::default();
        for what in events {
            totals.apply(what);
        }
        totals
    }

    #[test]
    fn an_outage_is_recovered_from_by_an_acknowledged_write() {
        let over = Some(Duration::from_secs(2));
        let goes_on = after(&[injected(), began()]);
        assert!(goes_on.is_out && goes_on.was_out && !goes_on.recovered);
        let recovered = after(&[injected(), began(), ended(over)]);
        assert!(!recovered.is_out && recovered.was_out && recovered.recovered);
        let cut_off = after(&[injected(), began(), ended(None)]);
        assert!(!cut_off.recovered, "the run ended in it");
    }

    #[test]
    fn the_next_thing_done_starts_anew_but_keeps_an_outage_that_goes_on() {
        let over = Some(Duration::from_secs(2));
        let anew = after(&[injected(), began(), ended(over), injected()]);
        assert!(!anew.was_out && !anew.recovered);
        let kept = after(&[injected(), began(), injected()]);
        assert!(kept.was_out && !kept.recovered);
    }

    #[test]
    fn an_interval_without_an_acknowledgement_changes_nothing() {
        let mut totals = Totals::default();
        let interval = |acknowledged| {
            What::Interval(Box::new(Interval { acknowledged, ..Interval::default() }))
        };
        assert!(!totals.apply(&interval(0)));
        assert!(totals.apply(&interval(7)));
        assert_eq!((totals.acknowledged, totals.acknowledging_intervals), (7, 1));
    }
}
