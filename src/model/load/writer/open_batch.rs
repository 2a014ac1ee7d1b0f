//! One writer's batch in the making.

use std::time::Duration;

use super::batch::{AcknowledgedWrite, Batch, RefusedWrite, Trouble};
use super::rules::BATCH_AGE_MAX;
use super::written::Written;
use crate::model::fault::Fault;
use crate::model::ledger::seq_set::SeqSet;

/// One writer's batch in the making.
#[derive(Debug)]
pub struct OpenBatch {
    batch: Batch,
    /// When the oldest answer in the batch came.
    oldest: Option<Duration>,
}

/// How far a writer is, as its batch tells it.
#[derive(Debug, Clone, Copy)]
pub struct HowFar {
    /// The highest seq sent.
    pub attempted: i64,
    /// The highest seq with an outcome.
    pub resolved: i64,
    /// Writes that came due, since the start.
    pub due: u64,
    /// Of these, those that were never sent.
    pub skipped: u64,
    /// Due and not sent now.
    pub backlog: u64,
    /// When the oldest write without an outcome was due, or when the next one will be.
    pub waits_from: Option<Duration>,
    /// Every acknowledgement before this time is told.
    pub told_until: Duration,
}

impl OpenBatch {
    /// An empty one of this writer.
    #[must_use]
    pub fn new(writer: i32) -> Self {
        Self { batch: Batch { writer, ..Batch::default() }, oldest: None }
    }

    /// A write was acknowledged.
    pub fn acknowledged(&mut self, write: &AcknowledgedWrite) {
        let batch = &mut self.batch;
        self.oldest.get_or_insert(write.at);
        batch.refusals.at_the_end = false;
        batch.acknowledged = Some(write.seq);
        batch.acknowledged_at.push(write.at);
        batch.sent_at.push(write.sent_at);
        batch.acknowledged_seqs.push(write.seq);
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
    pub fn rejected(&mut self, write: RefusedWrite, fault: &Fault) {
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
    pub fn read_refused(&mut self, at: Duration, fault: &Fault) {
        self.oldest.get_or_insert(at);
        let refusals = &mut self.batch.refusals;
        if refusals.counts.add(fault, 1) {
            refusals.firsts.push(None);
        }
        refusals.last.1 = at;
    }

    /// Whether the batch has refused writes.
    #[must_use]
    pub fn has_rejected(&self) -> bool {
        !self.batch.rejected.is_empty()
    }

    /// Something went wrong, with the writes that it rejects and those that it leaves in doubt.
    /// The batch is to be told at once. The oldest write without an outcome was due at
    /// `waited_from` before.
    pub fn trouble(
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
    pub fn written(&mut self, written: Written) {
        self.batch.written.push(written);
    }

    /// When the batch must be told, if it holds anything.
    #[must_use]
    pub fn due(&self) -> Option<Duration> {
        self.oldest.map(|oldest| oldest + BATCH_AGE_MAX)
    }

    /// Whether it must be told now.
    pub(super) fn is_due(&self, now: Duration) -> bool {
        self.due().is_some_and(|due| due <= now)
    }

    /// The batch, to be told. The next one begins, with room for as many acknowledgements.
    #[must_use]
    pub fn close(&mut self, far: HowFar) -> Box<Batch> {
        let writer = self.batch.writer;
        let mut batch = std::mem::replace(&mut self.batch, Batch { writer, ..Batch::default() });
        self.oldest = None;
        let capacity = batch.acknowledged_at.len();
        self.batch.acknowledged_at.reserve(capacity);
        self.batch.sent_at.reserve(capacity);
        self.batch.acknowledged_seqs.reserve(capacity);
        self.batch.latency_us.reserve(capacity);
        batch.attempted = far.attempted;
        batch.resolved = far.resolved;
        batch.waits_from = far.waits_from;
        batch.told_until = far.told_until;
        batch.due = far.due;
        batch.skipped = far.skipped;
        batch.backlog = far.backlog;
        Box::new(batch)
    }
}
