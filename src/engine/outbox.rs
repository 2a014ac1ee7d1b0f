//! What a writer tells the recorder of its acknowledged writes: in batches, as one message a write
//! would cost more than the write.

use std::time::Duration;

use tokio::sync::mpsc;

use super::signal::Signal;
use crate::model::event::Written;
use crate::model::schedule::Schedule;

/// No acknowledgement waits longer than this to be told. The outage clock waits for late ones a
/// little longer before it sums up.
pub(crate) const MAX_AGE: Duration = Duration::from_millis(20);

/// What happened on one writer since its last batch.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) writer: i32,
    /// The highest seq sent, and the highest with an outcome.
    pub(crate) attempted: i64,
    pub(crate) resolved: i64,
    /// The highest seq acknowledged, if any was.
    pub(crate) acknowledged: Option<i64>,
    /// When each write was acknowledged, ascending, and how long after it was due.
    pub(crate) acknowledged_at: Vec<Duration>,
    pub(crate) latency_us: Vec<u64>,
    /// Acknowledged without the synchronous standby.
    pub(crate) acknowledged_locally: u64,
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

/// One writer's batch in the making.
#[derive(Debug)]
pub(crate) struct Outbox {
    recorder: mpsc::Sender<Signal>,
    batch: Batch,
}

impl Outbox {
    pub(crate) fn new(writer: i32, recorder: mpsc::Sender<Signal>) -> Self {
        Self { recorder, batch: Batch { writer, ..Batch::default() } }
    }

    /// A write was acknowledged.
    pub(crate) fn acknowledged(
        &mut self,
        seq: i64,
        at: Duration,
        latency: Duration,
        id: Option<i64>,
        first: bool,
    ) {
        self.batch.acknowledged = Some(seq);
        self.batch.acknowledged_at.push(at);
        self.batch.latency_us.push(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
        if first {
            self.batch.first_id = id;
        }
        self.batch.highest_id = self.batch.highest_id.max(id);
    }

    /// Commits that did not wait for the synchronous standby.
    pub(crate) fn acknowledged_locally(&mut self, writes: u64) {
        self.batch.acknowledged_locally += writes;
    }

    /// A single write, for the log.
    pub(crate) fn written(&mut self, written: Written) {
        self.batch.written.push(written);
    }

    /// When the batch must be told, if it holds anything.
    pub(crate) fn due(&self) -> Option<Duration> {
        self.batch.acknowledged_at.first().map(|first| *first + MAX_AGE)
    }

    /// Tells the batch.
    pub(crate) async fn flush(
        &mut self,
        attempted: i64,
        resolved: i64,
        schedule: &Schedule,
        now: Duration,
    ) {
        let writer = self.batch.writer;
        let mut batch = std::mem::replace(&mut self.batch, Batch { writer, ..Batch::default() });
        let capacity = batch.acknowledged_at.len();
        self.batch.acknowledged_at.reserve(capacity);
        self.batch.latency_us.reserve(capacity);
        let overdue = schedule.overdue(now);
        batch.attempted = attempted;
        batch.resolved = resolved;
        // The one that came due just now counts when it is sent.
        batch.due = schedule.taken() + overdue.saturating_sub(1);
        batch.skipped = schedule.skipped();
        batch.backlog = overdue.saturating_sub(1);
        self.send(Signal::Batch(batch)).await;
    }

    /// Tells something else, after what is in the batch.
    pub(crate) async fn send(&self, signal: Signal) {
        // The recorder outlives the writers; when it is gone the program is ending.
        let _ = self.recorder.send(signal).await;
    }
}
