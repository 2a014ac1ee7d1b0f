//! A writer with a session: what is due goes out, what is answered is counted.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;

use super::{Left, Writer};
use crate::engine::alarms::{Alarm, Alarms};
use crate::engine::in_flight::{InFlight, Request, Sent};
use crate::engine::outbox::MAX_AGE;
use crate::engine::signal::Signal;
use crate::model::event::Written;
use crate::model::options::Rate;
use crate::pg::answers::Answer;
use crate::pg::load::LoadSession;
use crate::pg::user_events::{EVENT_TYPES, UserEvent};

/// One session in use.
pub(super) struct Use {
    pub(super) session: LoadSession,
    pub(super) flight: InFlight,
    /// No acknowledgement came on it yet.
    fresh: bool,
    /// The first write after a reconnect goes out before its time, once.
    probe: bool,
    /// That write, until it is answered.
    probing: Option<i64>,
    /// The server's last sign of life: an answer, at first the session itself.
    pub(super) last_answer: Duration,
    /// The silence since then was told.
    stall_told: bool,
    /// A rejected write: what is in flight is waited for, then the session is left.
    pub(super) leaving: bool,
    /// Nothing new is to be sent.
    stopping: bool,
    writes_since_read: u32,
}

impl Use {
    fn new(session: LoadSession, probe: bool, now: Duration) -> Self {
        Self {
            session,
            flight: InFlight::default(),
            fresh: true,
            probe,
            probing: None,
            last_answer: now,
            stall_told: false,
            leaving: false,
            stopping: false,
            writes_since_read: 0,
        }
    }

    /// Since when the server owes an answer and gives no sign of life.
    fn silent_since(&self) -> Option<Duration> {
        self.flight.silent_since(self.last_answer)
    }

    /// How many writes may be without an answer. The first one tells whether the session writes at
    /// all; more would only be more in doubt.
    fn depth(&self, pipeline: u32) -> usize {
        if self.fresh { 1 } else { pipeline as usize }
    }
}

impl Writer {
    /// Writes on a session, there since `opened`, until it breaks or there is nothing more to write.
    pub(super) async fn write_on(&mut self, session: LoadSession, opened: Duration) -> Left {
        let shared = Arc::clone(&self.shared);
        let clock = shared.clock;
        let opened = self.end_of_schedule(opened);
        self.schedule.session_opened(opened);
        let mut used = Use::new(session, self.owes_probe, clock.now());
        used.stopping = shared.stop.is_cancelled();
        let mut alarms = Alarms::new(clock, Arc::clone(&shared.timer), shared.stop.clone());
        loop {
            let now = clock.now();
            if !used.stopping && !used.leaving {
                self.send_what_is_due(&mut used, now);
            }
            if used.flight.is_empty() {
                let finished = used.stopping || self.schedule.next_due(now).is_none();
                if finished || used.leaving {
                    self.flush().await;
                    used.session.close().await;
                    return if finished { Left::Done } else { Left::Broken };
                }
            }
            alarms.set_deadline(self.next_deadline(&used));
            if self.has_room(&used) {
                alarms.set_due(self.schedule.next_due(now).unwrap_or(Duration::MAX));
            }
            tokio::select! {
                biased;
                answer = used.session.answer() => match answer {
                    Ok(answer) => {
                        if self.take_answers(&mut used, answer).await.is_break() {
                            return Left::Broken;
                        }
                    }
                    Err(end) => {
                        self.session_ended(&mut used, &end).await;
                        return Left::Broken;
                    }
                },
                alarm = alarms.next() => match alarm {
                    Alarm::Stop => {
                        used.stopping = true;
                        self.end_of_schedule(clock.now());
                    }
                    Alarm::Time => {
                        if self.time_passed(&mut used).await.is_break() {
                            return Left::Broken;
                        }
                    }
                },
            }
        }
    }

    /// Makes the writes that are due, as far as the pipeline has room. A new session sends its
    /// first write at once.
    fn send_what_is_due(&mut self, used: &mut Use, now: Duration) {
        for _ in 0..self.room(used) {
            match self.schedule.next_due(now) {
                Some(due) if due <= now || used.probe => self.send_write(used, now),
                _ => break,
            }
        }
    }

    fn send_write(&mut self, used: &mut Use, now: Duration) {
        let taken = self.schedule.taken();
        let due = self.schedule.take(now);
        self.attempted += 1;
        let before_its_time = self.schedule.taken() == taken;
        used.probing = before_its_time.then_some(self.attempted).or(used.probing);
        used.probe = false;
        let user = self.random.random_range(0..self.shared.users.len().max(1));
        let event = UserEvent {
            run_id: self.shared.run_id,
            writer: self.number,
            seq: self.attempted,
            user_id: self.shared.users.get(user).map_or(0, |(id, _)| *id),
            event_type: EVENT_TYPES[self.random.random_range(0..EVENT_TYPES.len())],
        };
        used.session.write(&event);
        used.flight.push(Sent { what: Request::Write { event, due }, at: now });
    }

    fn send_read_when_due(&mut self, used: &mut Use, now: Duration) {
        let every = self.shared.options.read_every;
        used.writes_since_read += 1;
        if every == 0 || used.writes_since_read < every || used.leaving {
            return;
        }
        used.writes_since_read = 0;
        used.session.read_last_ids();
        used.flight.push(Sent { what: Request::Read, at: now });
    }

    /// By when something is to be done though no answer comes.
    fn next_deadline(&self, used: &Use) -> Duration {
        let options = &self.shared.options;
        let mut deadline = self.outbox.due().unwrap_or(Duration::MAX);
        if let Some(oldest) = used.flight.oldest() {
            deadline = deadline.min(oldest.at + options.write_timeout);
        }
        if let (Some(since), false) = (used.silent_since(), used.stall_told) {
            deadline = deadline.min(since + options.stall_after);
        }
        deadline
    }

    /// How many writes may be sent now.
    ///
    /// In a closed loop a pipeline is filled again when half of it is answered: the server never
    /// waits for work, and several writes go out, and come in, by one call of the system.
    fn room(&self, used: &Use) -> usize {
        let depth = used.depth(self.shared.options.pipeline);
        let writes = used.flight.writes();
        if self.shared.options.rate == Rate::Max && writes > depth / 2 {
            return 0;
        }
        depth.saturating_sub(writes)
    }

    /// Whether a write that comes due is sent at once.
    fn has_room(&self, used: &Use) -> bool {
        self.room(used) > 0 && !used.stopping && !used.leaving
    }

    /// Takes an answer, and those that came with it: what they make room for then goes out
    /// together.
    async fn take_answers(&mut self, used: &mut Use, first: Answer) -> ControlFlow<()> {
        let now = self.shared.clock.now();
        let mut answer = Some(first);
        while let Some(next) = answer {
            self.answered(used, next, now).await?;
            used.last_answer = now;
            answer = used.session.answer_if_there();
        }
        ControlFlow::Continue(())
    }

    async fn answered(&mut self, used: &mut Use, answer: Answer, now: Duration) -> ControlFlow<()> {
        let Some(sent) = used.flight.pop() else {
            unreachable!("the session takes an answer to nothing for its end");
        };
        match (sent.what, &answer.error) {
            (Request::Write { event, due }, None) => {
                self.acknowledged(used, event, due, &answer, now).await;
            }
            (Request::Read, None) => self.read_back(used, &answer).await,
            (Request::Write { event, .. }, Some(error)) if LoadSession::proves_rejection(error) => {
                self.rejected(used, event.seq, sent.at, error).await;
            }
            (Request::Read, Some(error)) if LoadSession::proves_rejection(error) => {
                self.read_refused(&used.session, error).await;
            }
            (_, Some(error)) => {
                self.broken(used, sent, error).await;
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }

    async fn read_back(&mut self, used: &mut Use, answer: &Answer) {
        // After a silence the next write goes out at once: it tells whether that is over.
        used.probe |= used.stall_told;
        if self.shared.one_by_one {
            self.flush().await;
            let ids = answer.ids().to_vec();
            self.outbox.send(Signal::ReadBack { writer: self.number, ids }).await;
        }
    }

    async fn acknowledged(
        &mut self,
        used: &mut Use,
        event: UserEvent,
        due: Duration,
        answer: &Answer,
        now: Duration,
    ) {
        self.resolved = event.seq;
        if used.probing.take_if(|seq| *seq == event.seq).is_some() {
            self.schedule.probe_acknowledged();
        }
        // A rule or a trigger may swallow the row: then the server said that it is committed, and
        // the verification finds that it is not there.
        let id = answer.ids().first().copied();
        self.outbox.acknowledged(event.seq, now, now.saturating_sub(due), id, used.fresh);
        self.outbox.acknowledged_locally(u64::from(answer.committed_locally));
        if self.shared.one_by_one {
            self.outbox.written(self.written(event, id.unwrap_or(0)));
        }
        self.send_read_when_due(used, now);
        let news = used.fresh || used.stall_told;
        used.fresh = false;
        used.stall_told = false;
        if !self.working {
            self.working = true;
            self.backoff.reset();
        }
        self.shared.gate.works(now);
        let next = self.schedule.next_due(now).unwrap_or(Duration::MAX);
        let pause_follows = used.flight.writes() == 0 && next > now + MAX_AGE;
        if news || pause_follows || self.outbox.due().is_some_and(|due| due <= now) {
            self.flush().await;
        }
    }

    fn written(&self, event: UserEvent, id: i64) -> Written {
        let user = self.shared.users.iter().find(|(user_id, _)| *user_id == event.user_id);
        Written {
            writer: self.number,
            seq: event.seq,
            id,
            event_type: event.event_type.to_owned(),
            user: user.map_or_else(|| "somebody".to_owned(), |(_, name)| name.clone()),
        }
    }

    /// Deadlines: of the batch, of a silent write, of everything in flight.
    async fn time_passed(&mut self, used: &mut Use) -> ControlFlow<()> {
        let now = self.shared.clock.now();
        let options = &self.shared.options;
        let (stall_after, write_timeout) = (options.stall_after, options.write_timeout);
        if let Some(oldest) = used.flight.oldest()
            && oldest.at + write_timeout <= now
        {
            self.timed_out(used, oldest).await;
            return ControlFlow::Break(());
        }
        if let Some(since) = used.silent_since()
            && since + stall_after <= now
            && !used.stall_told
        {
            used.stall_told = true;
            self.flush().await;
            let seq = used.flight.oldest_seq();
            let signal = Signal::Stalled { writer: self.number, seq, since, at: now };
            self.outbox.send(signal).await;
        }
        if self.outbox.due().is_some_and(|due| due <= now) {
            self.flush().await;
        }
        ControlFlow::Continue(())
    }
}
