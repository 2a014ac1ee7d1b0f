//! A writer's state, and its one step.

use std::sync::Arc;
use std::time::Duration;

use rand::rngs::SmallRng;

use super::action::WriterAction;
use super::in_flight::{Request, Sent};
use super::input::WriterInput;
use super::open_batch::OpenBatch;
use super::rules::{Rules, SOON};
use super::sending::Then;
use super::session_in_use::SessionInUse;
use super::step_context::StepContext;
use super::writer_core::WriterCore;
use crate::model::fault::Phase;
use crate::model::load::backoff::Backoff;
use crate::model::load::rejection::Streak;
use crate::model::load::schedule::Schedule;

/// One writer: what it knows, and what it does next.
#[derive(Debug)]
pub struct Writer {
    core: WriterCore,
    state: WriterState,
}

#[derive(Debug)]
enum WriterState {
    /// It looks for a session.
    Without(Without),
    /// It has one.
    With(Box<SessionInUse>),
    /// It has ended.
    Ended,
}

/// A writer without a session. Even if no attempt of it has failed, it is out once it has waited
/// long, or when the load ends: without an attempt there is no proof that it could write.
#[derive(Debug, Default)]
struct Without {
    /// When it began to wait.
    since: Duration,
    /// pgchaos itself had no room for an attempt: the wait says nothing of the cluster.
    is_own: bool,
}

impl Writer {
    /// Writer `number`, the one at `index` from 0; its schedule begins at `begin`.
    #[must_use]
    pub fn new(
        number: i32,
        index: u32,
        rules: Arc<Rules>,
        begin: Duration,
        random: SmallRng,
    ) -> Self {
        let options = &rules.options;
        let (rate, backlog) = (options.rate, options.backlog);
        let (writers, writes) = (options.writers, options.writes);
        let core = WriterCore {
            number,
            told_one_by_one: options.is_told_one_by_one(),
            schedule: Schedule::new(rate, backlog, index, writers, writes, begin),
            backoff: Backoff::new(options.backoff_min, options.backoff_max),
            random,
            attempted: 0,
            resolved: 0,
            oldest_due: None,
            stop: None,
            decided: false,
            streak: Streak::default(),
            working: false,
            out: false,
            owes_probe: false,
            batch: OpenBatch::new(number),
            rules,
        };
        Self { core, state: WriterState::Without(Without::default()) }
    }

    /// What comes to the writer at `now`, and what it does then: `actions` gets it, in its order.
    ///
    /// # Panics
    /// An answer came, and nothing was asked.
    pub fn step(&mut self, now: Duration, input: WriterInput<'_>, actions: &mut Vec<WriterAction>) {
        let mut context = StepContext::new(now, actions);
        let core = &mut self.core;
        let next = match (&mut self.state, input) {
            (_, WriterInput::Begins(at)) => {
                core.schedule.begins(at);
                None
            }
            (_, WriterInput::Stop { since }) => {
                core.stops(since);
                None
            }
            (_, WriterInput::Decided) => {
                core.decided = true;
                None
            }
            (WriterState::Without(without), input) => core.without(without, &input, &mut context),
            (WriterState::With(used), input) => {
                let then = core.with(used, input, &mut context);
                then.map(|then| core.after_session(then, &mut context))
            }
            (WriterState::Ended, _) => None,
        };
        if let Some(next) = next {
            self.state = next;
        }
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> i32 {
        self.core.number
    }

    /// Whether there is anything left to write.
    #[must_use]
    pub fn has_more(&self, now: Duration) -> bool {
        self.core.schedule.next_due(now).is_some()
    }

    /// When the last of its writes is due, if it has a last one.
    #[must_use]
    pub fn last_due(&self) -> Option<Duration> {
        self.core.schedule.last_due()
    }

    /// Whether there is evidence that it cannot write.
    #[must_use]
    pub fn is_out(&self) -> bool {
        self.core.out
    }

    /// Whether it knows that it is time to stop.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.core.stop.is_some()
    }

    /// Without a session: when it has waited for one too long, unless it is known why it waits.
    #[must_use]
    pub fn has_patience_until(&self) -> Option<Duration> {
        let WriterState::Without(without) = &self.state else { return None };
        let long = self.core.rules.options.stall_after.max(SOON);
        let known = self.core.out || without.is_own;
        (!known).then(|| without.since.saturating_add(long))
    }

    /// How long to wait before the next attempt to have a session.
    #[must_use]
    pub fn next_wait(&mut self, now: Duration) -> Duration {
        let WriterCore { backoff, random, .. } = &mut self.core;
        backoff.next_wait(now, random)
    }

    /// What is being done while the oldest request has no answer.
    #[must_use]
    pub fn phase_of_answer(&self) -> Phase {
        let WriterState::With(used) = &self.state else { return Phase::Idle };
        used.flight.oldest().map_or(Phase::Idle, |oldest| oldest.phase())
    }

    /// What is being done when the session ends now.
    #[must_use]
    pub fn phase_of_end(&self) -> Phase {
        let WriterState::With(used) = &self.state else { return Phase::Idle };
        used.flight.phase()
    }
}

impl WriterCore {
    /// What comes while there is no session.
    fn without(
        &mut self,
        without: &mut Without,
        input: &WriterInput<'_>,
        context: &mut StepContext<'_>,
    ) -> Option<WriterState> {
        match input {
            WriterInput::Connecting => *without = Without { since: context.now, is_own: false },
            &WriterInput::Attempted { failed, served } => {
                self.owes_probe |= failed;
                self.out |= failed;
                without.is_own |= !served && !failed;
            }
            WriterInput::WaitedTooLong => {
                // After a wait or a failed attempt, probe immediately.
                self.owes_probe |= !self.out;
                self.out = true;
                context.does(WriterAction::TellNoSession { since: without.since });
            }
            &WriterInput::Opened { since, pooled } => {
                let since = self.end_of_schedule(since);
                self.schedule.session_opened(since);
                self.streak.new_session();
                let used = SessionInUse::new(pooled, self.owes_probe, context.now);
                return Some(WriterState::With(Box::new(used)));
            }
            WriterInput::EndsWithoutSession => {
                let end = self.end_of_schedule(context.now);
                self.schedule.end_without_session(end);
                self.tells(context);
                context.does(WriterAction::Done);
                return Some(WriterState::Ended);
            }
            _ => {}
        }
        None
    }

    /// What comes on a session.
    fn with(
        &mut self,
        used: &mut SessionInUse,
        input: WriterInput<'_>,
        context: &mut StepContext<'_>,
    ) -> Option<Then> {
        match input {
            WriterInput::Acknowledged { .. }
            | WriterInput::ReadBack(_)
            | WriterInput::Refused { .. }
            | WriterInput::NoRow(_)
            | WriterInput::Unproven(_) => return self.answered(used, input, context),
            WriterInput::AllTaken => return self.goes_on(used, context),
            WriterInput::Time => self.time_passed(used, context),
            WriterInput::Mark => self.tells(context),
            WriterInput::SessionEnded(fault) | WriterInput::TimedOut(fault) => {
                self.leaves(used, None, fault, context);
                return Some(Then::Reconnect);
            }
            WriterInput::StopNow => {
                self.stops_now(used, context);
                return Some(Then::Done);
            }
            _ => {}
        }
        None
    }

    /// The oldest request has its answer.
    fn answered(
        &mut self,
        used: &mut SessionInUse,
        answer: WriterInput<'_>,
        context: &mut StepContext<'_>,
    ) -> Option<Then> {
        let Some(Sent { what, at: sent_at }) = used.flight.pop() else {
            unreachable!("the session takes an answer to nothing for its end");
        };
        if used.stall_told {
            context.does(WriterAction::WaitsNoMore);
        }
        match (what, answer) {
            (Request::Write(write), WriterInput::Acknowledged { id, locally }) => {
                self.acknowledged(used, (write, sent_at), (id, locally), context);
            }
            (Request::Write(write), WriterInput::Refused { fault, of }) => {
                self.rejected(used, (write, sent_at), (fault, of), context);
            }
            (Request::Write(write), WriterInput::NoRow(fault)) => {
                self.swallowed(used, (write, sent_at), fault, context);
            }
            (Request::Read, WriterInput::ReadBack(ids)) => self.read_back(used, ids, context),
            // Writes are not affected.
            (Request::Read, WriterInput::Refused { fault, .. }) => {
                self.batch.read_refused(context.now, &fault);
            }
            (what, WriterInput::Unproven(fault)) => {
                self.leaves(used, Some(Sent { what, at: sent_at }), fault, context);
                return Some(Then::Reconnect);
            }
            (what, answer) => unreachable!("{answer:?} is no answer to {what:?}"),
        }
        used.last_answer = context.now;
        None
    }

    /// The session is not used any more.
    fn after_session(&mut self, then: Then, context: &mut StepContext<'_>) -> WriterState {
        self.working = false;
        self.owes_probe = true;
        match then {
            Then::Reconnect => {
                context.does(WriterAction::Reconnect);
                WriterState::Without(Without { since: context.now, is_own: false })
            }
            Then::Done => {
                context.does(WriterAction::Done);
                WriterState::Ended
            }
        }
    }
}
