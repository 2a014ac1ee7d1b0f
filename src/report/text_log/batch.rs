//! What belongs on one line of failures.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::model::event::{Failure, Stalled};
use crate::model::fault::{Class, Fault, Phase};
use crate::model::seq_set::SeqSet;

/// What belongs together on one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// A session ended, or writes are in doubt.
    Session(Class),
    /// The server said no, and the session goes on.
    Rejection(Class),
    /// No session came to be.
    Attempt(Class),
    /// Writes wait for their answers.
    Stall,
}

impl Key {
    /// The line that a failure belongs on.
    pub(super) fn of(failure: &Failure) -> Self {
        let Fault { class, phase, .. } = failure.fault;
        let goes_on = matches!(phase, Phase::Write | Phase::Read)
            && failure.in_doubt.is_empty()
            && class != Class::Lost;
        match (phase.is_connecting(), goes_on) {
            (true, _) => Self::Attempt(class),
            (false, true) => Self::Rejection(class),
            (false, false) => Self::Session(class),
        }
    }
}

/// Failures that belong on one line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Batch {
    /// When the first of them was.
    pub(super) at: Duration,
    /// When the last of them was.
    pub(super) last: Duration,
    /// How many they are.
    pub(super) count: u64,
    /// The writers that had them.
    pub(super) writers: BTreeSet<i32>,
    /// Writes that are in doubt by them; of a stall those that wait.
    pub(super) in_doubt: BTreeMap<i32, SeqSet>,
    /// Writes that they prove not committed.
    pub(super) rejected: BTreeMap<i32, SeqSet>,
    /// The first of them; `None` of a stall.
    pub(super) fault: Option<Fault>,
    /// Of a stall: when the oldest of the writes that wait was sent.
    pub(super) sent: Duration,
}

impl Batch {
    /// Of one failure.
    pub(super) fn of_failure(at: Duration, failure: &Failure) -> Self {
        Self {
            at,
            last: at,
            count: 1,
            writers: failure.writer.into_iter().collect(),
            in_doubt: of_writer(failure.writer, &failure.in_doubt),
            rejected: of_writer(failure.writer, &failure.rejected),
            fault: Some(failure.fault.clone()),
            sent: at,
        }
    }

    /// Of one write that waits.
    pub(super) fn of_stall(at: Duration, stalled: &Stalled) -> Self {
        Self {
            at,
            last: at,
            count: 1,
            writers: [stalled.writer].into(),
            in_doubt: stalled
                .seq
                .map(|seq| (stalled.writer, SeqSet::range(seq, seq)))
                .into_iter()
                .collect(),
            rejected: BTreeMap::new(),
            fault: None,
            sent: stalled.since,
        }
    }

    /// Adds a later one.
    pub(super) fn add(&mut self, later: Self) {
        self.last = later.last;
        self.count += later.count;
        self.sent = self.sent.min(later.sent);
        self.writers.extend(later.writers);
        for (all, new) in
            [(&mut self.in_doubt, later.in_doubt), (&mut self.rejected, later.rejected)]
        {
            for (writer, seqs) in new {
                all.entry(writer).or_default().extend(&seqs);
            }
        }
    }

    /// How long the oldest write has waited.
    pub(super) fn waited(&self) -> Duration {
        self.last.saturating_sub(self.sent)
    }
}

/// What has to be told now.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told {
    /// Which line it is.
    pub(super) key: Key,
    /// When it is told: the line's time.
    pub(super) at: Duration,
    /// What is new since the last line of this series.
    pub(super) batch: Batch,
    /// Of a series told before: how many since it began, and when that was.
    pub(super) series: Option<(u64, Duration)>,
}

impl Told {
    /// Whether it only says that an attempt failed again.
    pub(super) fn is_repeat(&self) -> bool {
        matches!(self.key, Key::Attempt(_)) && self.series.is_some()
    }
}

fn of_writer(writer: Option<i32>, seqs: &SeqSet) -> BTreeMap<i32, SeqSet> {
    writer.filter(|_| !seqs.is_empty()).map(|writer| (writer, seqs.clone())).into_iter().collect()
}
