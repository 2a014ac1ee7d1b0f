//! A writer's session in use: waits for answers and for the time, and does what the writer says.

use std::time::Duration;

use super::task::{Left, WriterTask};
use crate::engine::alarms::{Alarm, Alarms};
use crate::engine::signal::Signal;
use crate::model::event::{ReadBack, What};
use crate::model::fault::{Fault, Phase};
use crate::model::load::writer::action::{Overdue, WriterAction};
use crate::model::load::writer::in_flight::OneWrite;
use crate::model::load::writer::input::{RefusalOf, WriterInput};
use crate::pg::failure::SessionFailure;
use crate::pg::failure::guard::Guard;
use crate::pg::failure::server_error::ServerError;
use crate::pg::user_events::UserEvent;
use crate::pg::wire::answers::{LoadAnswer, Proof};
use crate::pg::wire::load_session::LoadSession;

/// How a session is left.
struct Leaving {
    left: Left,
    /// The server is told.
    goodbye: bool,
}

impl WriterTask {
    /// Writes on a session, there since `since`, until it breaks or there is nothing more to write.
    pub(super) async fn write_on(&mut self, mut session: LoadSession, since: Duration) -> Left {
        let mut alarms = Alarms::new(
            self.shared.clock,
            self.shared.timer.clone(),
            self.shared.stop.clone(),
            self.shared.stop_now.clone(),
            self.shared.marks.clone(),
        );
        self.notices_stop(since);
        let pooled = session.backend.pooled;
        self.takes(self.shared.clock.now(), WriterInput::Opened { since, pooled });
        let leaving = loop {
            if let Some(leaving) = self.turn(&mut session, &mut alarms).await {
                break leaving;
            }
        };
        if leaving.goodbye {
            self.connector.places.free(&session.backend);
            session.close().await;
        }
        leaving.left
    }

    /// Sends what is due, waits until something comes, and takes that.
    async fn turn(&mut self, session: &mut LoadSession, alarms: &mut Alarms) -> Option<Leaving> {
        let now = self.shared.clock.now();
        if self.writer.is_stopping() && self.shared.is_over() {
            self.takes(now, WriterInput::Decided);
        }
        self.takes(now, WriterInput::AllTaken);
        if let Some(leaving) = self.act(session, alarms, now).await {
            return Some(leaving);
        }
        let now = tokio::select! {
            biased;
            answer = session.answer() => match answer {
                Ok(answer) => return self.take_answers(session, alarms, answer).await,
                Err(end) => self.take_end(session, end),
            },
            alarm = alarms.next() => self.take_alarm(alarm),
        };
        self.act(session, alarms, now).await
    }

    /// Takes an answer, and those that came with it: what they make room for then goes out
    /// together.
    async fn take_answers(
        &mut self,
        session: &mut LoadSession,
        alarms: &mut Alarms,
        first: LoadAnswer,
    ) -> Option<Leaving> {
        // What is told meanwhile is told without those that are still to be taken.
        let now = self.shared.clock.now();
        self.notices_stop(now);
        let mut answer = Some(first);
        while let Some(next) = answer {
            self.take_answer(session, next, now).await;
            if let Some(leaving) = self.act(session, alarms, now).await {
                return Some(leaving);
            }
            answer = session.answer_if_there();
        }
        None
    }

    async fn take_answer(&mut self, session: &mut LoadSession, answer: LoadAnswer, now: Duration) {
        let is_write = self.writer.phase_of_answer() == Phase::Write;
        let input = match &answer.proof {
            Proof::Done if is_write => {
                let (id, locally) = (answer.ids().first().copied(), answer.committed_locally);
                WriterInput::Acknowledged { id, locally }
            }
            Proof::NoRow if is_write => {
                WriterInput::NoRow(session.fault(SessionFailure::no_row(), Phase::Write))
            }
            Proof::Done | Proof::NoRow => WriterInput::ReadBack(answer.ids()),
            Proof::Error(error) => self.error(session, error).await,
        };
        self.takes(now, input);
    }

    /// What the server's error says of the oldest request.
    async fn error(
        &mut self,
        session: &mut LoadSession,
        error: &ServerError,
    ) -> WriterInput<'static> {
        let fault = session.fault(error, self.writer.phase_of_answer());
        if !error.proves_rejection() {
            return WriterInput::Unproven(fault);
        }
        let is_of_name = session.goes_without_names(error);
        self.connector.recorder.protocol(session.protocol(), &self.shared).await;
        let of = if is_of_name {
            RefusalOf::StatementName
        } else if error.is_of_row_security() {
            RefusalOf::Row
        } else {
            RefusalOf::Sqlstate
        };
        WriterInput::Refused { fault, of }
    }

    fn take_end(&mut self, session: &LoadSession, end: SessionFailure) -> Duration {
        let now = self.shared.clock.now();
        self.notices_stop(now);
        let fault = session.fault(end, self.writer.phase_of_end());
        self.takes(now, WriterInput::SessionEnded(fault));
        now
    }

    fn take_alarm(&mut self, alarm: Alarm) -> Duration {
        let now = self.shared.clock.now();
        self.notices_stop(now);
        match alarm {
            // `notices_stop` above has taken it.
            Alarm::Stop => {}
            Alarm::StopNow => self.takes(now, WriterInput::StopNow),
            Alarm::Mark => self.takes(now, WriterInput::Mark),
            Alarm::Time => self.takes(now, WriterInput::Time),
        }
        now
    }

    /// Does what the writer says, of what came at `now`, in its order.
    async fn act(
        &mut self,
        session: &mut LoadSession,
        alarms: &mut Alarms,
        now: Duration,
    ) -> Option<Leaving> {
        let mut goodbye = false;
        let mut left = None;
        while !self.actions.is_empty() {
            let mut doing = std::mem::take(&mut self.doing);
            std::mem::swap(&mut self.actions, &mut doing);
            for action in doing.drain(..) {
                match action {
                    WriterAction::Send(write) => session.write(&self.event(write)),
                    WriterAction::WaitUntil { deadline, due } => {
                        alarms.set_deadline(deadline);
                        alarms.set_due(due);
                    }
                    WriterAction::Reconnect => left = Some(Left::Broken),
                    WriterAction::Done => left = Some(Left::Done),
                    WriterAction::Close => goodbye = true,
                    WriterAction::Works => self.shared.gate.works(now),
                    WriterAction::Read => session.read_last_ids(),
                    other => self.act_seldom(session, other, now).await,
                }
            }
            self.doing = doing;
        }
        left.map(|left| Leaving { left, goodbye })
    }

    /// The same, of what is not done with every write.
    async fn act_seldom(&mut self, session: &LoadSession, action: WriterAction, now: Duration) {
        let (shared, connector) = (&self.shared, &self.connector);
        match action {
            WriterAction::Tell(batch) => connector.recorder.batch(batch, shared).await,
            WriterAction::TellIds(ids) => {
                let writer = self.writer.number();
                let read_back = What::ReadBack(ReadBack { writer, ids });
                connector.recorder.tell(Signal::Fact(now, read_back)).await;
            }
            WriterAction::Waits => connector.places.wait_for_answer(),
            WriterAction::WaitsNoMore => connector.places.wait_no_more(),
            WriterAction::GiveUp(overdue) => {
                let fault = fault_of(session, overdue);
                self.takes(now, WriterInput::TimedOut(fault));
            }
            WriterAction::Leave { ended } => {
                if ended {
                    connector.places.free(&session.backend);
                }
                connector.places.all_left();
            }
            WriterAction::WaitForOthers => {
                self.ended();
                self.shared.all_done().await;
            }
            // Handled in `act`.
            WriterAction::Send(_)
            | WriterAction::Read
            | WriterAction::Works
            | WriterAction::WaitUntil { .. }
            | WriterAction::Close
            | WriterAction::Reconnect
            | WriterAction::Done => {}
            // Happens only without a session.
            WriterAction::TellNoSession { .. } => {}
        }
    }

    fn event(&self, write: OneWrite) -> UserEvent {
        UserEvent {
            run_id: self.shared.run_id,
            writer: self.writer.number(),
            seq: write.seq,
            user_id: write.user_id,
            event_type: write.event_type,
        }
    }
}

/// The fault of a request that has had no answer for the whole of its time.
fn fault_of(session: &LoadSession, overdue: Overdue) -> Fault {
    let Overdue { phase, waited, at_the_end } = overdue;
    let guard = if at_the_end { Guard::EndOfLoad } else { Guard::WriteTimeout };
    session.fault(SessionFailure::deadline(guard, waited), phase)
}
