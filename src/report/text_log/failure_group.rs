//! Failures that stand on one line of the log.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::model::event::{Failure, NoSession, Stalled};
use crate::model::fault::{Class, Fault, Phase};
use crate::model::ledger::seq_set::SeqSet;
use crate::model::load::rejection::Rejected;
use crate::model::tls_cause::TlsCause;

/// What failures on one line have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    /// A session ended, or writes are in doubt.
    Session(Class),
    /// The server refused a write or a read with this SQLSTATE; or it broke the protocol, which
    /// happens again with every session.
    Rejection(Phase, Class, Option<String>),
    /// An attempt to connect failed, of TLS for this cause: what mends it differs by it.
    Attempt(Class, Option<TlsCause>),
    /// The same, for the first time at this endpoint, where others failed in the same way before.
    AttemptElsewhere(Class, Option<TlsCause>, String),
    /// Writes wait for their answers.
    Stall,
    /// Writers wait for a session, and no attempt has failed.
    NoSession,
}

impl Key {
    /// The key of a failure.
    pub(super) fn of(failure: &Failure) -> Self {
        let Fault { class, phase, ref sqlstate, .. } = failure.fault;
        let goes_on = matches!(phase, Phase::Write | Phase::Read)
            && (failure.in_doubt.is_empty() || class == Class::Protocol)
            && class != Class::ConnectionLost;
        match (phase.is_connecting(), goes_on) {
            (true, _) => Self::Attempt(class, failure.fault.tls_cause),
            (false, true) => Self::Rejection(phase, class, sqlstate.clone()),
            (false, false) => Self::Session(class),
        }
    }
}

/// Endpoints that a line counts, or that a series tells by themselves.
pub(super) const ENDPOINTS_MAX: usize = 64;

/// Failures that belong on one line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FailureGroup {
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
    /// Writes that they prove not committed, as far as it is known which they are.
    pub(super) rejected: BTreeMap<i32, SeqSet>,
    /// Where they were, each once in the order of the first, at most [`ENDPOINTS_MAX`].
    pub(super) endpoints: Vec<String>,
    /// How many they prove not committed.
    pub(super) uncommitted: u64,
    /// The first of them; `None` of a stall.
    pub(super) fault: Option<Fault>,
    /// Of a stall: when the oldest of the writes that wait was sent.
    pub(super) sent: Duration,
    /// How late the latest of them was noticed, where that is notable.
    pub(super) noticed_after: Option<Duration>,
}

impl FailureGroup {
    /// Of one failure that was noticed so late.
    pub(super) fn of_failure(
        at: Duration,
        failure: &Failure,
        noticed_after: Option<Duration>,
    ) -> Self {
        Self {
            at,
            last: at,
            count: 1,
            writers: failure.writer.into_iter().collect(),
            in_doubt: of_writer(failure.writer, &failure.in_doubt),
            rejected: of_writer(failure.writer, &failure.rejected),
            endpoints: [failure.fault.endpoint.clone()].into(),
            uncommitted: failure.rejected.len(),
            fault: Some(failure.fault.clone()),
            sent: at,
            noticed_after,
        }
    }

    /// Of refusals that were counted.
    pub(super) fn of_rejected(at: Duration, rejected: &Rejected) -> Self {
        let Rejected { fault, count } = rejected;
        Self {
            at,
            last: at,
            count: *count,
            writers: BTreeSet::new(),
            in_doubt: BTreeMap::new(),
            rejected: BTreeMap::new(),
            uncommitted: if fault.phase == Phase::Write { *count } else { 0 },
            endpoints: [fault.endpoint.clone()].into(),
            fault: Some(fault.clone()),
            sent: at,
            noticed_after: None,
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
            endpoints: Vec::new(),
            uncommitted: 0,
            fault: None,
            sent: stalled.since,
            noticed_after: None,
        }
    }

    /// Of one writer that waits for a session.
    pub(super) fn of_no_session(at: Duration, waits: NoSession) -> Self {
        Self::of_stall(at, &Stalled { writer: waits.writer, seq: None, since: waits.since })
    }

    /// Adds a later one.
    pub(super) fn add(&mut self, later: Self) {
        self.last = later.last;
        self.count += later.count;
        self.uncommitted += later.uncommitted;
        self.sent = self.sent.min(later.sent);
        self.noticed_after = self.noticed_after.max(later.noticed_after);
        self.writers.extend(later.writers);
        for endpoint in later.endpoints {
            if self.endpoints.len() < ENDPOINTS_MAX && !self.endpoints.contains(&endpoint) {
                self.endpoints.push(endpoint);
            }
        }
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

/// Refused writes, of all writes with an outcome in the same time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) refused: u64,
    pub(super) writes: u64,
}

/// Failures that are due to be told, as one line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FoldedFailures {
    /// Which line it is.
    pub(super) key: Key,
    /// When it is told: the line's time.
    pub(super) at: Duration,
    /// The failures since the last line of this series.
    pub(super) group: FailureGroup,
    /// Of a series told before: how many since it began, and when that was.
    pub(super) series: Option<(u64, Duration)>,
    /// Of a series told before: since when the group is gathered.
    pub(super) gathered_since: Option<Duration>,
    /// Of refused writes: how many of how many, as far as that is known.
    pub(super) share: Share,
}

impl FoldedFailures {
    /// Whether the line only says that attempts still fail.
    pub(super) fn is_repeat(&self) -> bool {
        matches!(self.key, Key::Attempt(..)) && self.series.is_some()
    }
}

fn of_writer(writer: Option<i32>, seqs: &SeqSet) -> BTreeMap<i32, SeqSet> {
    writer.filter(|_| !seqs.is_empty()).map(|writer| (writer, seqs.clone())).into_iter().collect()
}
