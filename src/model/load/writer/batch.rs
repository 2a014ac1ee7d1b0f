//! What a writer tells: in batches, as one message a write would cost more than the write.
//!
//! A batch says how far the writer is together with everything that is no plain acknowledgement
//! on the way there: no order of messages decides what is acknowledged.

use std::time::Duration;

use crate::model::fault::Fault;
use crate::model::ledger::seq_set::SeqSet;
use crate::model::load::rejection::{Refused, Rejections};
use crate::model::load::writer::written::Written;

/// What happened on one writer since its last batch.
#[derive(Debug, Default, PartialEq)]
pub struct Batch {
    /// Which writer.
    pub writer: i32,
    /// The highest seq sent.
    pub attempted: i64,
    /// The highest seq with an outcome.
    pub resolved: i64,
    /// Proven not committed.
    pub rejected: SeqSet,
    /// Of these, those that the trouble rejects.
    pub rejected_by_trouble: SeqSet,
    /// The refusals that are no trouble, by kind.
    pub refusals: Refusals,
    /// Sent, and not proven either way.
    pub in_doubt: SeqSet,
    /// Acknowledged without the synchronous standby.
    pub acknowledged_locally: SeqSet,
    /// What went wrong: with it come the writes that it rejects or leaves in doubt.
    pub trouble: Option<Box<Trouble>>,
    /// Every acknowledgement before this time is in this batch or in an earlier one.
    pub told_until: Duration,
    /// The highest seq acknowledged, if any was.
    pub acknowledged: Option<i64>,
    /// When the oldest write without an outcome was due, or when the next one will be; none when
    /// there is nothing more to write.
    pub waits_from: Option<Duration>,
    /// The same before the trouble, where there is some.
    pub waited_from: Option<Duration>,
    /// When each acknowledged write was acknowledged, ascending.
    pub acknowledged_at: Vec<Duration>,
    /// When each of them was sent.
    pub sent_at: Vec<Duration>,
    /// Their sequence numbers.
    pub acknowledged_seqs: Vec<i64>,
    /// How long after it was due each of them was acknowledged.
    pub latency_us: Vec<u64>,
    /// The first id that a new session was given.
    pub first_id: Option<i64>,
    /// The highest id of these writes.
    pub highest_id: Option<i64>,
    /// Writes that came due, since the start.
    pub due: u64,
    /// Of these, those that were never sent.
    pub skipped: u64,
    /// Due and not sent now.
    pub backlog: u64,
    /// Single writes, when they are told one by one.
    pub written: Vec<Written>,
}

/// What goes wrong on a writer.
#[derive(Debug, PartialEq)]
pub enum Trouble {
    /// The session cannot be used any more, or takes no writes: the writer cannot write.
    Failed {
        /// When the oldest unanswered write was sent, or when the failure was noticed.
        since: Duration,
        /// When it was noticed.
        at: Duration,
        /// What failed.
        fault: Fault,
    },
    /// Every write has been refused for so long that the writer is out. The session is kept.
    Refused {
        /// Since when, and what was refused before.
        refused: Refused,
        /// When the refusal came that shows it.
        at: Duration,
        /// That refusal.
        fault: Fault,
    },
    /// The server has given no sign of life for too long.
    Stalled {
        /// The oldest write that waits; none when only a read does.
        seq: Option<i64>,
        /// Since when: the last answer, or when it was asked.
        since: Duration,
        /// When it was noticed.
        at: Duration,
    },
    /// The run is stopped at once: what is in flight is not waited for.
    StoppedNow {
        /// When.
        at: Duration,
    },
}

/// Refusals that are the fate of single writes and reads.
#[derive(Debug, Default, PartialEq)]
pub struct Refusals {
    /// How many, by kind.
    pub counts: Rejections,
    /// The first refused write of each of these kinds; none of reads.
    pub firsts: Vec<Option<i64>>,
    /// When the last refused write was sent, and when the last refusal came.
    pub last: (Duration, Duration),
    /// From when refused writes were due until they were refused, those without an
    /// acknowledgement between as one.
    pub waits: Vec<(Duration, Duration)>,
    /// Whether the last write with an answer was refused.
    pub at_the_end: bool,
}

/// A write that was refused.
#[derive(Debug, Clone, Copy)]
pub struct RefusedWrite {
    /// Its sequence number.
    pub seq: i64,
    /// When it was due.
    pub due: Duration,
    /// When it was sent.
    pub sent_at: Duration,
    /// When the refusal came.
    pub at: Duration,
}

/// An acknowledged write.
#[derive(Debug, Clone, Copy)]
pub struct AcknowledgedWrite {
    /// Its sequence number.
    pub seq: i64,
    /// When it was sent.
    pub sent_at: Duration,
    /// When it was acknowledged.
    pub at: Duration,
    /// When it was due.
    pub due: Duration,
    /// The id that the server gave.
    pub id: Option<i64>,
    /// The first on its session.
    pub first: bool,
    /// Without the synchronous standby.
    pub locally: bool,
}
