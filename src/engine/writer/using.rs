//! A writer with a session: what is due goes out, what is answered is counted.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rand::RngExt;

use super::{Left, Writer};
use crate::engine::alarms::{Alarm, Alarms};
use crate::engine::in_flight::{InFlight, Request, Sent};
use crate::engine::outbox::{Acknowledged, MAX_AGE, RefusedWrite, Trouble};
use crate::engine::signal::Signal;
use crate::model::event::{ReadBack, What, Written};
use crate::model::ledger::seq_set::SeqSet;
use crate::model::load::options::{LoadOptions, Rate};
use crate::model::load::own_pause::SHORTEST;
use crate::pg::user_events::{EVENT_TYPES, UserEvent};
use crate::pg::wire::answers::{LoadAnswer, Proof};
use crate::pg::wire::load_session::LoadSession;

/// How many times a second all writers together send a write before its time, to see whether what
/// refuses everything takes one.
const PROBES_PER_S: u32 = 20;

/// How long a request may stay without an answer once it is time to stop.
const AFTER_THE_END: Duration = Duration::from_secs(10);

/// How often a writer that is out tries a write on its session, once it is time to stop.
const BETWEEN_TRIES: Duration = Duration::from_millis(100);

/// How long a request still has that an own pause outlasted.
const AFTER_A_PAUSE: Duration = Duration::from_secs(1);

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
    /// When pgchaos had not run itself for a while: a silence counts as one from then on only.
    awake_since: Duration,
    /// What is in flight is waited for, then the session is left.
    pub(super) leaving: bool,
    /// When the next write goes out before its time, as the last one was refused.
    probe_at: Option<Duration>,
    /// Nothing new is to be sent, since then, unless the writer is out.
    stopping: Option<Duration>,
    /// When a writer that is out sends its next write, once it is time to stop.
    next_try: Duration,
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
            awake_since: Duration::ZERO,
            leaving: false,
            probe_at: None,
            stopping: None,
            next_try: now,
            writes_since_read: 0,
        }
    }

    /// Since when the server owes an answer and gives no sign of life.
    fn silent_since(&self) -> Option<Duration> {
        self.flight.silent_since(self.last_answer)
    }

    /// By when a request must be answered: once it is time to stop, what is in flight has no more
    /// than [`AFTER_THE_END`].
    pub(super) fn write_deadline(&self, sent: Sent, write_timeout: Duration) -> Duration {
        let deadline = sent.at.saturating_add(write_timeout);
        let slept = self.awake_since > sent.at;
        let after_it = self.awake_since.saturating_add(AFTER_A_PAUSE);
        let deadline = if slept { deadline.max(after_it) } else { deadline };
        self.stopping.map_or(deadline, |since| deadline.min(since + AFTER_THE_END).max(sent.at))
    }

    /// After a refusal, a writer that is out tries again at the pace of failed connects, all
    /// writers together [`PROBES_PER_S`] times a second, where its schedule is slower than that.
    pub(super) fn probe_after_refusal(&mut self, out: bool, at: Duration, options: &LoadOptions) {
        let shared = Duration::from_secs(1) * options.writers / PROBES_PER_S;
        self.probe_at = out.then(|| at + options.backoff_max.max(shared));
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
        self.streak.new_session();
        let mut used = Use::new(session, self.owes_probe, clock.now());
        used.stopping = shared.stop.is_cancelled().then(|| shared.stopped());
        let mut alarms = Alarms::new(
            clock,
            Arc::clone(&shared.timer),
            shared.stop.clone(),
            shared.stop_now.clone(),
            shared.marks.clone(),
        );
        loop {
            let now = clock.now();
            if used.stopping.is_none() && !used.leaving {
                self.send_what_is_due(&mut used, now);
            }
            let goes_on = used.stopping.is_some() && self.goes_on(now);
            if goes_on && self.tries_again(&used, now) {
                used.next_try = now + BETWEEN_TRIES;
                self.send_write(&mut used, now);
            }
            if used.flight.is_empty() {
                let nothing_left = self.schedule.next_due(now).is_none();
                let finished = nothing_left || (used.stopping.is_some() && !goes_on);
                if finished || used.leaving {
                    self.flush().await;
                    if finished && used.stopping.is_some() {
                        self.waits_for_others().await;
                    }
                    self.place_free(&used.session.backend);
                    used.session.close().await;
                    return if finished { Left::Done } else { Left::Broken };
                }
            }
            alarms.set_deadline(self.next_deadline(&used));
            if goes_on {
                let may_try = used.flight.is_empty() && !used.leaving;
                let next = if may_try { used.next_try.max(now) } else { Duration::MAX };
                alarms.set_deadline(shared.goes_on_until().min(next));
            }
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
                        self.session_ended(&mut used, end).await;
                        return Left::Broken;
                    }
                },
                alarm = alarms.next() => match alarm {
                    Alarm::Stop => {
                        used.stopping = used.stopping.or(Some(shared.stopped()));
                        self.end_of_schedule(clock.now());
                    }
                    Alarm::StopNow => {
                        self.end_of_schedule(clock.now());
                        self.given_up(&used).await;
                        return Left::Done;
                    }
                    Alarm::Mark => self.flush().await,
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

    /// Whether a writer that is out sends one more write, though it is time to stop.
    fn tries_again(&self, used: &Use, now: Duration) -> bool {
        let is_free = used.flight.is_empty() && !used.leaving && used.next_try <= now;
        is_free && self.schedule.next_due(now).is_some()
    }

    fn send_write(&mut self, used: &mut Use, now: Duration) {
        let taken = self.schedule.taken();
        // Nothing comes due any more once it is time to stop.
        let end = self.end_of_schedule(now);
        let due = self.schedule.take(end);
        self.attempted += 1;
        let before_its_time = self.schedule.taken() == taken;
        let due = if before_its_time { now } else { due };
        used.probing = before_its_time.then_some(self.attempted).or(used.probing);
        used.probe = false;
        used.probe_at = None;
        let user = self.random.random_range(0..self.shared.users.len().max(1));
        let event = UserEvent {
            run_id: self.shared.run_id,
            writer: self.number,
            seq: self.attempted,
            user_id: self.shared.users.get(user).map_or(0, |(id, _)| *id),
            event_type: EVENT_TYPES[self.random.random_range(0..EVENT_TYPES.len())],
        };
        self.oldest_due.get_or_insert(due);
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
        self.outbox.due().unwrap_or(Duration::MAX).min(self.silence_due(used))
    }

    /// When a request has been without an answer for so long that it is told, or given up.
    fn silence_due(&self, used: &Use) -> Duration {
        let options = &self.shared.options;
        let given_up =
            used.flight.oldest().map(|oldest| used.write_deadline(oldest, options.write_timeout));
        let silent = used.silent_since().filter(|_| !used.stall_told);
        let told = silent.map(|since| since.max(used.awake_since) + options.stall_after);
        given_up.into_iter().chain(told).min().unwrap_or(Duration::MAX)
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
        self.room(used) > 0 && used.stopping.is_none() && !used.leaving
    }

    /// Takes an answer, and those that came with it: what they make room for then goes out
    /// together.
    async fn take_answers(&mut self, used: &mut Use, first: LoadAnswer) -> ControlFlow<()> {
        let now = self.shared.clock.now();
        // What is told meanwhile is told without those that are still to be taken.
        self.taking = Some(now);
        if used.stall_told {
            self.shared.stalls.answered(self.number);
        }
        let mut answer = Some(first);
        let mut flow = ControlFlow::Continue(());
        while let (Some(next), ControlFlow::Continue(())) = (answer, flow) {
            flow = self.answered(used, next, now).await;
            used.last_answer = now;
            answer = used.session.answer_if_there();
        }
        self.taking = None;
        flow
    }

    async fn answered(
        &mut self,
        used: &mut Use,
        answer: LoadAnswer,
        now: Duration,
    ) -> ControlFlow<()> {
        let Some(sent) = used.flight.pop() else {
            unreachable!("the session takes an answer to nothing for its end");
        };
        match (sent.what, &answer.proof) {
            (Request::Write { event, due }, Proof::Done) => {
                self.acknowledged(used, event, (due, sent.at, now), &answer).await;
            }
            (Request::Write { event, .. }, Proof::NoRow) => {
                self.swallowed(used, event.seq, sent.at).await;
            }
            (Request::Read, Proof::Done | Proof::NoRow) => self.read_back(used, &answer).await,
            (Request::Write { event, due }, Proof::Error(error)) if error.proves_rejection() => {
                let write = RefusedWrite { seq: event.seq, due, sent_at: sent.at, at: now };
                self.rejected(used, write, error).await;
            }
            (Request::Read, Proof::Error(error)) if error.proves_rejection() => {
                self.read_refused(used, error, now).await;
            }
            (_, Proof::Error(error)) => {
                self.broken(used, sent, error).await;
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }

    async fn read_back(&mut self, used: &mut Use, answer: &LoadAnswer) {
        // After a silence the next write goes out at once: it tells whether that is over.
        used.probe |= used.stall_told;
        if self.shared.one_by_one {
            self.flush().await;
            let ids = answer.ids().to_vec();
            let read_back = What::ReadBack(ReadBack { writer: self.number, ids });
            self.outbox.send(Signal::Fact(self.shared.clock.now(), read_back)).await;
        }
    }

    async fn acknowledged(
        &mut self,
        used: &mut Use,
        event: UserEvent,
        (due, sent_at, now): (Duration, Duration, Duration),
        answer: &LoadAnswer,
    ) {
        let was_out = self.out;
        if was_out && self.outbox.has_rejected() {
            // What was refused in an outage is told before its end.
            self.flush().await;
        }
        self.streak.acknowledged();
        self.resolved = event.seq;
        self.out = false;
        self.oldest_due = used.flight.oldest_due();
        if used.probing.take_if(|seq| *seq == event.seq).is_some() {
            self.schedule.probe_acknowledged();
        }
        let id = answer.ids().first().copied();
        self.outbox.acknowledged(&Acknowledged {
            seq: event.seq,
            sent_at,
            at: now,
            due,
            id,
            first: used.fresh,
            locally: answer.committed_locally,
        });
        if self.shared.one_by_one {
            self.outbox.written(self.written(event, id.unwrap_or(0)));
        }
        self.send_read_when_due(used, now);
        if used.fresh {
            self.shared.proven.store(true, Ordering::Relaxed);
        }
        let news = used.fresh || was_out;
        // Behind a pooler another server may answer after a silence: a new session asks for its identity.
        used.leaving |= used.stall_told && used.session.backend.pooled;
        used.fresh = false;
        used.stall_told = false;
        if !self.working {
            self.working = true;
            self.backoff.works(now);
            self.shared.stalls.answered(self.number);
        }
        self.shared.gate.works(now);
        if news || self.pause_follows(used, now) || self.outbox.due().is_some_and(|due| due <= now)
        {
            self.flush().await;
        }
    }

    /// Whether nothing will come soon that a batch could be told with.
    pub(super) fn pause_follows(&self, used: &Use, now: Duration) -> bool {
        let next = self.schedule.next_due(now).unwrap_or(Duration::MAX);
        used.flight.writes() == 0 && next > now + MAX_AGE
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
        let is_late = now >= self.silence_due(used).saturating_add(SHORTEST);
        if is_late && used.silent_since().is_some_and(|since| used.awake_since <= since) {
            // This alarm is late by an own pause: an answer may be there that could not be read,
            // or the request has only just gone out. Once a silence: it may be one all the same.
            used.awake_since = now;
        }
        if let Some(oldest) = used.flight.oldest()
            && used.write_deadline(oldest, write_timeout) <= now
        {
            self.timed_out(used, oldest).await;
            return ControlFlow::Break(());
        }
        if let Some(since) = used.silent_since()
            && since.max(used.awake_since) + stall_after <= now
            && !used.stall_told
        {
            used.stall_told = true;
            self.waits_for_answer();
            let seq = used.flight.oldest_seq();
            let trouble = Trouble::Stalled { seq, since, at: now };
            self.tell(trouble, &SeqSet::new(), &SeqSet::new(), self.oldest_due).await;
        }
        if used.flight.is_empty() && used.probe_at.take_if(|probe_at| *probe_at <= now).is_some() {
            used.probe = true;
        }
        if self.outbox.due().is_some_and(|due| due <= now) {
            self.flush().await;
        }
        ControlFlow::Continue(())
    }
}
