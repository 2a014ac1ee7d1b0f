//! A writer with a session: what is due goes out, what is answered is counted.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;

use super::failing::Doubts;
use super::{Left, Writer};
use crate::engine::in_flight::{Answer, InFlight, Request, Sent};
use crate::engine::outbox::MAX_AGE;
use crate::engine::signal::Signal;
use crate::model::event::Written;
use crate::model::fault::Phase;
use crate::pg::session::Session;
use crate::pg::user_events::{EVENT_TYPES, Load, UserEvent};

/// One session in use.
pub(super) struct Use {
    pub(super) session: Session,
    pub(super) load: Load,
    pub(super) flight: InFlight,
    /// No acknowledgement came on it yet.
    pub(super) fresh: bool,
    /// The first write after a reconnect goes out before its time, once.
    pub(super) probe: bool,
    /// That write, until it is answered.
    pub(super) probing: Option<i64>,
    /// The silence of the oldest write was told.
    pub(super) stall_told: bool,
    /// A rejected write: what is in flight is waited for, then the session is left.
    pub(super) leaving: bool,
    pub(super) local_commits: u64,
    pub(super) writes_since_read: u32,
}

impl Writer {
    /// Writes on a session until it breaks or there is nothing more to write.
    pub(super) async fn write_on(&mut self, session: Session, load: Load) -> Left {
        let shared = Arc::clone(&self.shared);
        let clock = shared.clock;
        self.schedule.session_opened(clock.now());
        let mut ended = std::pin::pin!(session.ended());
        let mut used = Use {
            local_commits: session.local_commits(),
            session,
            load,
            flight: InFlight::default(),
            fresh: true,
            probe: self.owes_probe,
            probing: None,
            stall_told: false,
            leaving: false,
            writes_since_read: 0,
        };
        loop {
            let stopping = shared.stop.is_cancelled();
            if !stopping && !used.leaving {
                self.send_what_is_due(&mut used);
            }
            if used.flight.is_empty() {
                let finished = stopping || self.schedule.next_due(clock.now()).is_none();
                if finished || used.leaving {
                    self.flush().await;
                    let Use { session, load, .. } = used;
                    // The session says goodbye only when nobody can use it any more.
                    drop(load);
                    session.close().await;
                    return if finished { Left::Done } else { Left::Broken };
                }
            }
            let wake = self.next_wake(&used, stopping);
            tokio::select! {
                biased;
                (sent, answer) = used.flight.next() => {
                    if self.answered(&mut used, sent, answer).await.is_break() {
                        return Left::Broken;
                    }
                }
                end = &mut ended => {
                    self.session_ended(&mut used, &end).await;
                    return Left::Broken;
                }
                () = tokio::time::sleep_until(clock.instant(wake)) => {
                    if self.time_passed(&mut used).await.is_break() {
                        return Left::Broken;
                    }
                }
                () = shared.stop.cancelled(), if !stopping => {}
            }
        }
    }

    /// Sends what is due, as far as the pipeline has room. A new session sends its first write
    /// at once.
    pub(super) fn send_what_is_due(&mut self, used: &mut Use) {
        let options = &self.shared.options;
        // The first write tells whether the session writes at all; more would only be more in
        // doubt.
        let room = if used.fresh { 1 } else { options.pipeline as usize };
        while used.flight.writes() < room {
            let now = self.shared.clock.now();
            match self.schedule.next_due(now) {
                Some(due) if due <= now || used.probe => self.send_write(used, now),
                _ => break,
            }
        }
    }

    pub(super) fn send_write(&mut self, used: &mut Use, now: Duration) {
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
        let load = used.load.clone();
        let sent = Sent { what: Request::Write { event, due }, at: now };
        used.flight.push(sent, async move { Answer::Write(load.insert(event).await) });
    }

    pub(super) fn send_read_when_due(&mut self, used: &mut Use) {
        let every = self.shared.options.read_every;
        used.writes_since_read += 1;
        if every == 0 || used.writes_since_read < every || used.leaving {
            return;
        }
        used.writes_since_read = 0;
        let load = used.load.clone();
        let sent = Sent { what: Request::Read, at: self.shared.clock.now() };
        used.flight.push(sent, async move { Answer::Read(load.read_last_ids().await) });
    }

    /// When something is to be done though no answer comes.
    pub(super) fn next_wake(&self, used: &Use, stopping: bool) -> Duration {
        let options = &self.shared.options;
        let mut wake = self.outbox.due().unwrap_or(Duration::MAX);
        if let Some(oldest) = used.flight.oldest() {
            wake = wake.min(oldest.at + options.write_timeout);
        }
        if let (Some((_, at)), false) = (used.flight.oldest_write(), used.stall_told) {
            wake = wake.min(at + options.stall_after);
        }
        let has_room = used.flight.writes() < options.pipeline as usize;
        let has_room = has_room && !(used.fresh && used.flight.writes() > 0);
        if has_room && !stopping && !used.leaving {
            let due = self.schedule.next_due(self.shared.clock.now());
            wake = wake.min(due.unwrap_or(Duration::MAX));
        }
        wake
    }

    pub(super) async fn answered(
        &mut self,
        used: &mut Use,
        sent: Sent,
        answer: Answer,
    ) -> ControlFlow<()> {
        match (sent.what, answer) {
            (Request::Write { event, due }, Answer::Write(Ok(id))) => {
                self.acknowledged(used, event, due, id).await;
                ControlFlow::Continue(())
            }
            (Request::Write { event, .. }, Answer::Write(Err(error)))
                if used.session.proves_rejection(&error) =>
            {
                self.rejected(used, event.seq, sent.at, &error).await;
                ControlFlow::Continue(())
            }
            (_, Answer::Read(Ok(ids))) => {
                if self.shared.one_by_one {
                    self.flush().await;
                    let signal = Signal::ReadBack { writer: self.number, ids };
                    self.outbox.send(signal).await;
                }
                ControlFlow::Continue(())
            }
            (_, Answer::Read(Err(error))) if used.session.survives(&error) => {
                self.read_refused(&used.session, &error).await;
                ControlFlow::Continue(())
            }
            (_, Answer::Write(Err(error)) | Answer::Read(Err(error))) => {
                self.broken(used, sent, &error).await;
                ControlFlow::Break(())
            }
            (Request::Read, Answer::Write(Ok(_))) => unreachable!("a read is answered as a read"),
        }
    }

    pub(super) async fn acknowledged(
        &mut self,
        used: &mut Use,
        event: UserEvent,
        due: Duration,
        id: i64,
    ) {
        let now = self.shared.clock.now();
        self.resolved = event.seq;
        if used.probing.take_if(|seq| *seq == event.seq).is_some() {
            self.schedule.probe_acknowledged();
        }
        self.outbox.acknowledged(event.seq, now, now.saturating_sub(due), id, used.fresh);
        let local_commits = used.session.local_commits();
        self.outbox.acknowledged_locally(local_commits - used.local_commits);
        used.local_commits = local_commits;
        if self.shared.one_by_one {
            self.outbox.written(self.written(event, id));
        }
        self.send_read_when_due(used);
        let news = used.fresh || used.stall_told;
        used.fresh = false;
        used.stall_told = false;
        if !self.working {
            self.working = true;
            self.backoff.reset();
            self.shared.gate.works();
        }
        let next = self.schedule.next_due(now).unwrap_or(Duration::MAX);
        let pause_follows = used.flight.writes() == 0 && next > now + MAX_AGE;
        if news || pause_follows || self.outbox.due().is_some_and(|due| due <= now) {
            self.flush().await;
        }
    }

    pub(super) fn written(&self, event: UserEvent, id: i64) -> Written {
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
    pub(super) async fn time_passed(&mut self, used: &mut Use) -> ControlFlow<()> {
        let now = self.shared.clock.now();
        let options = &self.shared.options;
        let (stall_after, write_timeout) = (options.stall_after, options.write_timeout);
        if let Some(oldest) = used.flight.oldest()
            && oldest.at + write_timeout <= now
        {
            let phase = if oldest.is_write() { Phase::Write } else { Phase::Read };
            let fault = used.session.deadline_fault(phase, write_timeout);
            let mut doubts = Doubts::default();
            used.flight.unanswered().for_each(|sent| doubts.add(sent));
            self.failed(fault, doubts.since.unwrap_or(now), now, doubts.seqs).await;
            return ControlFlow::Break(());
        }
        if let Some((seq, since)) = used.flight.oldest_write()
            && since + stall_after <= now
            && !used.stall_told
        {
            used.stall_told = true;
            self.flush().await;
            let signal = Signal::Stalled { writer: self.number, seq, since, at: now };
            self.outbox.send(signal).await;
        }
        if self.outbox.due().is_some_and(|due| due <= now) {
            self.flush().await;
        }
        ControlFlow::Continue(())
    }
}
