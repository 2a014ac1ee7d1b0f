//! Which change of Patroni's leader belongs to which outage.
//!
//! A change is seen between two looks: it came after `not_before` and not after `seen`. It belongs
//! to an outage that overlaps this span. A change seen before the first evidence belongs to none:
//! the leader changed, and no write was kept from succeeding yet. Of several changes in one outage
//! the first counts, as with every other phase.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::outage::Outage;

/// Changes kept: evidence of an outage can be told late, and outages can be long.
const KEPT: usize = 64;

#[derive(Debug, Clone, Copy)]
struct Change {
    not_before: Duration,
    seen: Duration,
}

/// An outage that ended before a change of leader was seen in it.
#[derive(Debug, Clone, Copy)]
struct EndedOutage {
    n: u32,
    began: Duration,
    over: Duration,
}

/// The changes that belong to no outage yet, and the outage that still waits for one.
#[derive(Debug, Default)]
pub struct LeaderChanges {
    changes: VecDeque<Change>,
    waiting: Option<EndedOutage>,
}

impl LeaderChanges {
    /// Another leader, or the same one anew, was seen. When it belongs to an outage that is over:
    /// its number, and how long after it began.
    pub fn changed(&mut self, not_before: Duration, seen: Duration) -> Option<(u32, Duration)> {
        let late = |waiting: &mut EndedOutage| not_before < waiting.over && seen >= waiting.began;
        if let Some(waiting) = self.waiting.take_if(late) {
            return Some((waiting.n, seen - waiting.began));
        }
        if self.changes.len() == KEPT {
            self.changes.pop_front();
        }
        self.changes.push_back(Change { not_before, seen });
        None
    }

    /// An outage ended: when its leader changed, since it began. Without such a change it waits
    /// for one, as a look can come later than the first write.
    pub fn of(&mut self, outage: &Outage) -> Option<Duration> {
        self.waiting = None;
        let (began, over) = (outage.began, outage.began + outage.degraded);
        // The same member on the same timeline: no other member has led between.
        if outage.from.is_some() && outage.from == outage.to {
            return None;
        }
        let mut inside = self.changes.iter();
        let first = inside.find(|change| change.seen >= began && change.not_before < over).copied();
        self.changes.retain(|change| change.not_before >= over);
        if first.is_none() {
            self.waiting = Some(EndedOutage { n: outage.n, began, over });
        }
        first.map(|change| change.seen - began)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::outage::Side;
    use crate::model::outage::kind::Kind;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn side(member: &str, timeline: u32) -> Option<Side> {
        let address = "10.0.0.1:5432".to_owned();
        Some(Side { member: Some(member.to_owned()), address, timeline: Some(timeline) })
    }

    fn outage(n: u32, began: u64, over: u64, from: Option<Side>, to: Option<Side>) -> Outage {
        Outage {
            n,
            kind: Kind::Unknown,
            detail: None,
            began_at: "2026-11-22T20:57:42Z".parse().unwrap(),
            began: ms(began),
            duration: ms(over - began),
            degraded: ms(over - began),
            from,
            to,
            ..Outage::default()
        }
    }

    fn failover(n: u32, began: u64, over: u64) -> Outage {
        outage(n, began, over, side("patroni1", 1), side("patroni2", 2))
    }

    #[test]
    fn a_change_inside_counts_from_when_the_outage_began() {
        let mut changes = LeaderChanges::default();
        assert_eq!(changes.changed(ms(12_000), ms(12_250)), None);
        assert_eq!(changes.changed(ms(13_000), ms(13_250)), None);
        assert_eq!(changes.of(&failover(1, 10_000, 15_000)), Some(ms(2_250)), "the first");
        assert_eq!(changes.of(&failover(2, 20_000, 25_000)), None, "they are used up");
    }

    #[test]
    fn one_seen_before_the_first_evidence_belongs_to_no_outage() {
        let mut changes = LeaderChanges::default();
        changes.changed(ms(9_500), ms(9_900));
        assert_eq!(changes.of(&failover(1, 10_000, 15_000)), None);
    }

    #[test]
    fn one_seen_later_than_the_first_write_still_gets_in_once() {
        let mut changes = LeaderChanges::default();
        assert_eq!(changes.of(&failover(1, 10_000, 15_000)), None);
        assert_eq!(changes.changed(ms(14_900), ms(15_150)), Some((1, ms(5_150))));
        assert_eq!(changes.changed(ms(14_950), ms(15_200)), None);
    }

    #[test]
    fn one_that_came_after_the_first_write_is_not_the_outages() {
        let mut changes = LeaderChanges::default();
        assert_eq!(changes.of(&failover(1, 10_000, 15_000)), None);
        assert_eq!(changes.changed(ms(15_000), ms(15_250)), None);
        assert_eq!(changes.of(&failover(2, 15_100, 16_000)), Some(ms(150)), "but the next one's");
    }

    #[test]
    fn an_outage_that_ended_where_it_began_had_no_new_leader() {
        let mut changes = LeaderChanges::default();
        changes.changed(ms(10_050), ms(10_300));
        let hiccup = outage(1, 10_000, 10_100, side("patroni1", 1), side("patroni1", 1));
        assert_eq!(changes.of(&hiccup), None);
        assert_eq!(changes.of(&failover(2, 10_200, 15_000)), Some(ms(100)));
    }
}
