//! What a writer sends when all that had come is taken, and how long it then waits.

use std::time::Duration;

use super::action::WriterAction;
use super::in_flight::{Request, Sent};
use super::rules::BETWEEN_TRIES;
use super::session_in_use::SessionInUse;
use super::step_context::StepContext;
use super::writer_core::WriterCore;

/// What follows when a session is not used any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// The next session.
    Reconnect,
    /// Nothing: all is written, or it is time to stop.
    Done,
}

impl WriterCore {
    /// Sends what is due; leaves the session where nothing is left to be done on it; else waits.
    pub(super) fn goes_on(
        &mut self,
        used: &mut SessionInUse,
        context: &mut StepContext<'_>,
    ) -> Option<Then> {
        let now = context.now;
        if self.stop.is_none() && !used.leaving {
            self.sends_what_is_due(used, context);
        }
        let goes_on_until = self.goes_on_until(now);
        if goes_on_until.is_some() && self.tries_again(used, now) {
            used.next_try = now + BETWEEN_TRIES;
            self.sends(used, context);
        }
        if used.flight.is_empty() {
            let nothing_left = self.schedule.next_due(now).is_none();
            let finished = nothing_left || (self.stop.is_some() && goes_on_until.is_none());
            if finished || used.leaving {
                self.tells(context);
                if finished && self.stop.is_some() {
                    context.does(WriterAction::WaitForOthers);
                }
                context.does(WriterAction::Close);
                return Some(if finished { Then::Done } else { Then::Reconnect });
            }
        }
        let (deadline, due) = self.waits_until(used, goes_on_until, now);
        context.does(WriterAction::WaitUntil { deadline, due });
        None
    }

    /// By when something is to be done though no answer comes, and when the next write is due.
    fn waits_until(
        &self,
        used: &SessionInUse,
        goes_on_until: Option<Duration>,
        now: Duration,
    ) -> (Duration, Duration) {
        let options = &self.rules.options;
        let silence = used.silence_due(options, self.stopping());
        let next_try = || {
            let may_try = used.flight.is_empty() && !used.leaving;
            may_try.then(|| used.next_try.max(now))
        };
        let end = goes_on_until.map(|until| next_try().map_or(until, |next| until.min(next)));
        let sends = self.stop.is_none() && !used.leaving && used.room(options) > 0;
        // At a slow rate nothing else comes for long, and the end of an outage would be seen late.
        let probe = used.probe_at.filter(|_| sends && used.flight.is_empty());
        let deadline = [self.batch.due(), silence, end, probe].into_iter().flatten().min();
        let due = self.schedule.next_due(now).filter(|_| sends);
        (deadline.unwrap_or(Duration::MAX), due.unwrap_or(Duration::MAX))
    }

    /// Sends the writes that are due, as far as the pipeline has room. A new session sends its
    /// first write at once.
    fn sends_what_is_due(&mut self, used: &mut SessionInUse, context: &mut StepContext<'_>) {
        let now = context.now;
        for _ in 0..used.room(&self.rules.options) {
            match self.schedule.next_due(now) {
                Some(due) if due <= now || used.probe => self.sends(used, context),
                _ => break,
            }
        }
    }

    /// Whether a writer that is out sends one more write, though it is time to stop.
    fn tries_again(&self, used: &SessionInUse, now: Duration) -> bool {
        let is_free = used.flight.is_empty() && !used.leaving && used.next_try <= now;
        is_free && self.schedule.next_due(now).is_some()
    }

    fn sends(&mut self, used: &mut SessionInUse, context: &mut StepContext<'_>) {
        let now = context.now;
        let (write, before_its_time) = self.next_write(now);
        used.probing = before_its_time.then_some(write.seq).or(used.probing);
        used.probe = false;
        used.probe_at = None;
        used.flight.push(Sent { what: Request::Write(write), at: now });
        context.does(WriterAction::Send(write));
    }
}
