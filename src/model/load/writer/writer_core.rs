//! What a writer keeps from one session to the next: its schedule, how far it is, and whether it
//! is out.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use rand::rngs::SmallRng;

use super::action::WriterAction;
use super::batch::Trouble;
use super::in_flight::OneWrite;
use super::open_batch::{HowFar, OpenBatch};
use super::rules::{Rules, TRIES_AFTER_STOP_MAX};
use super::step_context::StepContext;
use crate::model::ledger::seq_set::SeqSet;
use crate::model::load::backoff::Backoff;
use crate::model::load::rejection::Streak;
use crate::model::load::schedule::Schedule;

/// What a writer keeps from one session to the next.
#[derive(Debug)]
pub(super) struct WriterCore {
    pub(super) number: i32,
    pub(super) rules: Arc<Rules>,
    pub(super) told_one_by_one: bool,
    pub(super) schedule: Schedule,
    pub(super) backoff: Backoff,
    pub(super) random: SmallRng,
    /// The highest seq that was sent, and the highest with an outcome.
    pub(super) attempted: i64,
    pub(super) resolved: i64,
    /// When the oldest write without an outcome was due.
    pub(super) oldest_due: Option<Duration>,
    /// It is time to stop.
    pub(super) stop: Option<StopSeen>,
    /// Nothing depends on what writers that are out still find.
    pub(super) decided: bool,
    /// The refusals since the last acknowledgement.
    pub(super) streak: Streak,
    /// The last write was acknowledged, and nothing failed since.
    pub(super) working: bool,
    /// There is evidence that it cannot write, and no acknowledgement since.
    pub(super) out: bool,
    /// It could not write: the first write on its next session goes out before its time.
    pub(super) owes_probe: bool,
    pub(super) batch: OpenBatch,
}

/// When it was time to stop.
#[derive(Debug, Clone, Copy)]
pub(super) struct StopSeen {
    /// From then on nothing comes due.
    pub(super) end: Duration,
    /// When the first writer saw it: from then on a writer that is out goes on for a while.
    pub(super) since: Duration,
}

impl WriterCore {
    /// It is time to stop, since then: a writer without a session may notice that much later.
    pub(super) fn stops(&mut self, since: Duration) {
        let end = self.rules.options.duration.map_or(since, |end| end.min(since));
        self.stop.get_or_insert(StopSeen { end, since });
    }

    /// Since when it has been time to stop.
    pub(super) fn stopping(&self) -> Option<Duration> {
        self.stop.map(|stop| stop.since)
    }

    /// Until when slots come due: `now`, or when it was time to stop. What is in flight then may
    /// take a while.
    pub(super) fn end_of_schedule(&self, now: Duration) -> Duration {
        self.stop.map_or(now, |stop| stop.end.min(now))
    }

    /// Until when it goes on though it is time to stop, if it does.
    pub(super) fn goes_on_until(&self, now: Duration) -> Option<Duration> {
        let until = self.stopping()?.saturating_add(TRIES_AFTER_STOP_MAX);
        (self.out && !self.decided && now < until).then_some(until)
    }

    /// The next write: whether it takes a slot, or goes out before its time.
    pub(super) fn next_write(&mut self, now: Duration) -> (OneWrite, bool) {
        let taken = self.schedule.taken();
        // Nothing comes due any more once it is time to stop.
        let due = self.schedule.take(self.end_of_schedule(now));
        let before_its_time = self.schedule.taken() == taken;
        let due = if before_its_time { now } else { due };
        self.attempted += 1;
        let Rules { users, event_types, .. } = &*self.rules;
        let user = self.random.random_range(0..users.len().max(1));
        let event_type = self.random.random_range(0..event_types.len().max(1));
        let write = OneWrite {
            seq: self.attempted,
            due,
            user_id: users.get(user).map_or(0, |(id, _)| *id),
            event_type: event_types.get(event_type).copied().unwrap_or_default(),
        };
        self.oldest_due.get_or_insert(due);
        (write, before_its_time)
    }

    /// Tells how far it is, with everything on the way there.
    pub(super) fn tells(&mut self, context: &mut StepContext<'_>) {
        let told_until = context.now;
        let end = self.end_of_schedule(told_until);
        // In a closed loop a write is due at any time: from when the batch ends.
        let next_due = self.schedule.next_due(end).filter(|_| self.stop.is_none());
        let overdue = self.schedule.overdue(end);
        let batch = self.batch.close(HowFar {
            attempted: self.attempted,
            resolved: self.resolved,
            // The write that came due just now counts once it is sent.
            due: self.schedule.taken() + overdue.saturating_sub(1),
            skipped: self.schedule.skipped(),
            backlog: overdue.saturating_sub(1),
            waits_from: self.oldest_due.or(next_due),
            told_until,
        });
        context.does(WriterAction::Tell(batch));
    }

    /// Tells what went wrong in one batch with what it does to writes, and with the progress that
    /// passes them. `oldest_due` is when the oldest write was due that is without an outcome now.
    pub(super) fn tells_trouble(
        &mut self,
        trouble: Trouble,
        rejected: &SeqSet,
        in_doubt: &SeqSet,
        oldest_due: Option<Duration>,
        context: &mut StepContext<'_>,
    ) {
        self.out |= match &trouble {
            Trouble::Failed { .. } | Trouble::Refused { .. } | Trouble::Stalled { .. } => true,
            Trouble::StoppedNow { .. } => false,
        };
        self.batch.trouble(trouble, rejected, in_doubt, self.oldest_due);
        self.oldest_due = oldest_due;
        self.tells(context);
    }
}
