//! When the lost writes were acknowledged.
//!
//! The ledger keeps no time for a write, as memory goes by exceptions. The record has how far
//! every writer was at each interval, so a second look at it dates a loss to about a second.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::model::ledger::progress::Progress;
use crate::model::ledger::seq_set::SeqSet;

/// Neighbouring lost writes of one writer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostWrites {
    /// Which writer.
    pub writer: i32,
    /// The first of them.
    pub first_seq: i64,
    /// The last of them.
    pub last_seq: i64,
    /// Not acknowledged before this time, by the wall clock; to a second, from the record.
    pub acknowledged_from: Option<DateTime<Utc>>,
    /// Acknowledged by this time.
    pub acknowledged_to: Option<DateTime<Utc>>,
}

/// Reads a run's events once more, in order, and dates the lost writes.
#[derive(Debug)]
pub struct LossTimes {
    started_at: DateTime<Utc>,
    losses: Vec<Loss>,
    last_interval: BTreeMap<i32, Duration>,
}

#[derive(Debug)]
struct Loss {
    writer: i32,
    first: i64,
    last: i64,
    from: Option<Duration>,
    to: Option<Duration>,
}

impl LossTimes {
    /// For these lost writes, by writer, of a run that started at `started_at`.
    #[must_use]
    pub fn new(started_at: DateTime<Utc>, lost: &BTreeMap<i32, SeqSet>) -> Self {
        let losses = lost
            .iter()
            .flat_map(|(writer, seqs)| {
                seqs.ranges().map(|range| Loss {
                    writer: *writer,
                    first: *range.start(),
                    last: *range.end(),
                    from: None,
                    to: None,
                })
            })
            .collect();
        Self { started_at, losses, last_interval: BTreeMap::new() }
    }

    /// Takes in the next event.
    pub fn interval(&mut self, at: Duration, writers: &[Progress]) {
        for progress in writers {
            // Losses are ascending by writer and seq, so those of one writer lie together.
            let start = self.losses.partition_point(|loss| loss.writer < progress.writer);
            let before =
                self.last_interval.get(&progress.writer).copied().unwrap_or(Duration::ZERO);
            for loss in self.losses[start..]
                .iter_mut()
                .take_while(|loss| {
                    loss.writer == progress.writer && loss.first <= progress.resolved
                })
                .filter(|loss| loss.to.is_none())
            {
                loss.from.get_or_insert(before);
                if loss.last <= progress.resolved {
                    loss.to = Some(at);
                }
            }
            self.last_interval.insert(progress.writer, at);
        }
    }

    /// The lost writes with what was found.
    #[must_use]
    pub fn finish(self) -> Vec<LostWrites> {
        let started_at = self.started_at;
        let at = |since_start: Option<Duration>| {
            let since = TimeDelta::from_std(since_start?).ok()?;
            started_at.checked_add_signed(since)
        };
        self.losses
            .into_iter()
            .map(|loss| LostWrites {
                writer: loss.writer,
                first_seq: loss.first,
                last_seq: loss.last,
                acknowledged_from: at(loss.from),
                acknowledged_to: at(loss.to),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_dated_by_the_intervals_around_it() {
        let started_at = DateTime::from_timestamp(1000, 0).unwrap();
        let lost = [(1, [15..=15, 28..=31].into_iter().collect())].into();
        let mut times = LossTimes::new(started_at, &lost);
        for (second, resolved) in [(1, 10), (2, 20), (3, 30), (4, 40)] {
            let progress = Progress { writer: 1, attempted: resolved, resolved };
            times.interval(Duration::from_secs(second), &[progress]);
        }
        let second = |second: i64| DateTime::from_timestamp(1000 + second, 0);
        assert_eq!(
            times.finish(),
            [
                LostWrites {
                    writer: 1,
                    first_seq: 15,
                    last_seq: 15,
                    acknowledged_from: second(1),
                    acknowledged_to: second(2),
                },
                LostWrites {
                    writer: 1,
                    first_seq: 28,
                    last_seq: 31,
                    acknowledged_from: second(2),
                    acknowledged_to: second(4),
                },
            ]
        );
    }
}
