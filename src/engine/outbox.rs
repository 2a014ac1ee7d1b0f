//! What a writer tells the recorder: in batches, as one message a write would cost more than the
//! write.
//!
//! A batch says how far the writer is together with everything that is no plain acknowledgement
//! on the way there: no order of messages decides what is acknowledged.

use std::time::Duration;

use tokio::sync::mpsc;

use super::signal::Signal;
use crate::model::event::Written;
use crate::model::fault::Fault;
use crate::model::ledger::seq_set::SeqSet;
use crate::model::load::rejection::{Refused, Rejections};
use crate::model::load::schedule::Schedule;

/// No acknowledgement and no refusal waits longer than this to be told.
pub(crate) const MAX_AGE: Duration = Duration::from_millis(20);

/// What happened on one writer since its last batch.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) writer: i32,
    /// The highest seq sent, and the highest with an outcome.
    pub(crate) attempted: i64,
    pub(crate) resolved: i64,
    /// Proven not committed.
    pub(crate) rejected: SeqSet,
    /// Of these, those that the trouble rejects.
    pub(crate) rejected_by_trouble: SeqSet,
    /// The refusals that are no trouble, by kind.
    pub(crate) refusals: Refusals,
    /// Sent, and not proven either way.
    pub(crate) in_doubt: SeqSet,
    /// Acknowledged without the synchronous standby.
    pub(crate) acknowledged_locally: SeqSet,
    /// What went wrong: with it come the writes that it rejects or leaves in doubt.
    pub(crate) trouble: Option<Box<Trouble>>,
    /// Every acknowledgement before this time is in this batch or in an earlier one.
    pub(crate) told_until: Duration,
    /// The highest seq acknowledged, if any was.
    pub(crate) acknowledged: Option<i64>,
    /// When the oldest write without an outcome was due, or when the next one will be; none when
    /// there is nothing more to write.
    pub(crate) waits_from: Option<Duration>,
    /// The same before the trouble, where there is some.
    pub(crate) waited_from: Option<Duration>,
    /// When each acknowledged write was acknowledged, ascending, when it was sent, and how long
    /// after it was due it was acknowledged.
    pub(crate) acknowledged_at: Vec<Duration>,
    pub(crate) sent_at: Vec<Duration>,
    pub(crate) latency_us: Vec<u64>,
    /// The first id that a new session was given.
    pub(crate) first_id: Option<i64>,
    pub(crate) highest_id: Option<i64>,
    /// Totals since the start.
    pub(crate) due: u64,
    pub(crate) skipped: u64,
    /// Due and not sent now.
    pub(crate) backlog: u64,
    /// Single writes, when they are told one by one.
    pub(crate) written: Vec<Written>,
}

/// What goes wrong on a writer.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The session cannot be used any more, or takes no writes: the writer cannot write.
    Failed {
        /// When the oldest unanswered write was sent, or when the failure was noticed.
        since: Duration,
        at: Duration,
        fault: Fault,
    },
    /// Every write has been refused for so long that the writer is out. The session is kept.
    Refused { refused: Refused, at: Duration, fault: Fault },
    /// The server has given no sign of life for too long.
    Stalled { seq: Option<i64>, since: Duration, at: Duration },
    /// The run is stopped at once: what is in flight is not waited for.
    GivenUp { at: Duration },
}

/// Refusals that are the fate of single writes and reads.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    pub(crate) counts: Rejections,
    /// The first refused write of each of these kinds; none of reads.
    pub(crate) firsts: Vec<Option<i64>>,
    /// When the last refused write was sent, and when the last refusal came.
    pub(crate) last: (Duration, Duration),
    /// From when refused writes were due until they were refused, those without an
    /// acknowledgement between as one.
    pub(crate) waits: Vec<(Duration, Duration)>,
    /// Whether the last write with an answer was refused.
    pub(crate) at_the_end: bool,
}

/// A write that was refused.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RefusedWrite {
    pub(crate) seq: i64,
    pub(crate) due: Duration,
    pub(crate) sent_at: Duration,
    pub(crate) at: Duration,
}

/// An acknowledged write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Acknowledged {
    pub(crate) seq: i64,
    pub(crate) sent_at: Duration,
    pub(crate) at: Duration,
    pub(crate) due: Duration,
    pub(crate) id: Option<i64>,
    /// The first on its session.
    pub(crate) first: bool,
    /// Without the synchronous standby.
    pub(crate) locally: bool,
}

/// One writer's batch in the making.
#[derive(Debug)]
pub(crate) struct Outbox {
    recorder: mpsc::Sender<Signal>,
    batch: Batch,
    /// When the oldest answer in the batch came.
    oldest: Option<Duration>,
}

impl Outbox {
    pub(crate) fn new(writer: i32, recorder: mpsc::Sender<Signal>) -> Self {
        Self { recorder, batch: Batch { writer, ..Batch::default() }, oldest: None }
    }

    /// A write was acknowledged.
    pub(crate) fn acknowledged(&mut self, write: &Acknowledged) {
        let batch = &mut self.batch;
        self.oldest.get_or_insert(write.at);
        batch.refusals.at_the_end = false;
        batch.acknowledged = Some(write.seq);
        batch.acknowledged_at.push(write.at);
        batch.sent_at.push(write.sent_at);
        let latency = write.at.saturating_sub(write.due);
        batch.latency_us.push(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
        if write.first {
            batch.first_id = write.id;
        }
        if write.locally {
            batch.acknowledged_locally.insert(write.seq..=write.seq);
        }
        batch.highest_id = batch.highest_id.max(write.id);
    }

    /// A write was refused, and that is its own fate.
    pub(crate) fn rejected(&mut self, write: RefusedWrite, fault: &Fault) {
        self.oldest.get_or_insert(write.at);
        self.batch.rejected.insert(write.seq..=write.seq);
        let refusals = &mut self.batch.refusals;
        if refusals.counts.add(fault, 1) {
            refusals.firsts.push(Some(write.seq));
        }
        refusals.last = (write.sent_at, write.at);
        match refusals.waits.last_mut().filter(|_| refusals.at_the_end) {
            Some((from, until)) => (*from, *until) = (write.due.min(*from), write.at),
            None => refusals.waits.push((write.due, write.at)),
        }
        refusals.at_the_end = true;
    }

    /// A read was refused.
    pub(crate) fn read_refused(&mut self, at: Duration, fault: &Fault) {
        self.oldest.get_or_insert(at);
        let refusals = &mut self.batch.refusals;
        if refusals.counts.add(fault, 1) {
            refusals.firsts.push(None);
        }
        refusals.last.1 = at;
    }

    /// Whether the batch has refused writes.
    pub(crate) fn has_rejected(&self) -> bool {
        !self.batch.rejected.is_empty()
    }

    /// Something went wrong, with the writes that it rejects and those that it leaves in doubt.
    /// The batch is to be told at once. The oldest write without an outcome was due at
    /// `waited_from` before.
    pub(crate) fn trouble(
        &mut self,
        trouble: Trouble,
        rejected: &SeqSet,
        in_doubt: &SeqSet,
        waited_from: Option<Duration>,
    ) {
        self.batch.waited_from = waited_from;
        self.batch.rejected.extend(rejected);
        self.batch.rejected_by_trouble.extend(rejected);
        self.batch.in_doubt.extend(in_doubt);
        self.batch.trouble = Some(Box::new(trouble));
    }

    /// A single write, for the log.
    pub(crate) fn written(&mut self, written: Written) {
        self.batch.written.push(written);
    }

    /// When the batch must be told, if it holds anything.
    pub(crate) fn due(&self) -> Option<Duration> {
        self.oldest.map(|oldest| oldest + MAX_AGE)
    }

    /// Tells the batch: how far the writer is, with every acknowledgement before `told_until`.
    pub(crate) async fn flush(
        &mut self,
        attempted: i64,
        resolved: i64,
        schedule: &Schedule,
        now: Duration,
        (waits_from, told_until): (Option<Duration>, Duration),
    ) {
        let writer = self.batch.writer;
        let mut batch = std::mem::replace(&mut self.batch, Batch { writer, ..Batch::default() });
        self.oldest = None;
        let capacity = batch.acknowledged_at.len();
        self.batch.acknowledged_at.reserve(capacity);
        self.batch.sent_at.reserve(capacity);
        self.batch.latency_us.reserve(capacity);
        let overdue = schedule.overdue(now);
        batch.attempted = attempted;
        batch.resolved = resolved;
        batch.waits_from = waits_from;
        batch.told_until = told_until;
        // The one that came due just now counts when it is sent.
        batch.due = schedule.taken() + overdue.saturating_sub(1);
        batch.skipped = schedule.skipped();
        batch.backlog = overdue.saturating_sub(1);
        self.send(Signal::Batch(Box::new(batch))).await;
    }

    /// Tells something else, after what is in the batch.
    pub(crate) async fn send(&self, signal: Signal) {
        // The recorder outlives the writers; when it is gone the program is ending.
        let _ = self.recorder.send(signal).await;
    }
}
