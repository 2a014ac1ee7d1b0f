//! One writer: a connection that writes on its schedule, loses it, and comes back.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use rand::rngs::SmallRng;
use tokio::sync::mpsc;
use tokio_postgres::Error;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::clock::Clock;
use super::dialer::Dialer;
use super::gate::Gate;
use super::in_flight::{Answer, InFlight, Request, Sent};
use super::outbox::Outbox;
use super::signal::Signal;
use crate::model::backoff::Backoff;
use crate::model::event::Written;
use crate::model::fault::{Class, Fault, Phase};
use crate::model::options::LoadOptions;
use crate::model::schedule::Schedule;
use crate::model::seq_set::SeqSet;
use crate::pg::connect::NotOpened;
use crate::pg::session::{End, Session};
use crate::pg::user_events::{EVENT_TYPES, Load, UserEvent};

/// What all writers of a run share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) run_id: Uuid,
    pub(crate) options: LoadOptions,
    pub(crate) dialer: Dialer,
    pub(crate) clock: Clock,
    /// When the schedule begins.
    pub(crate) begin: Duration,
    pub(crate) gate: Gate,
    /// No new writes: what is in flight is waited for.
    pub(crate) stop: CancellationToken,
    /// Whose events are written.
    pub(crate) users: Vec<(i32, String)>,
    /// Single writes are told one by one.
    pub(crate) one_by_one: bool,
}

/// One writer.
pub(crate) struct Writer {
    number: i32,
    shared: Arc<Shared>,
    outbox: Outbox,
    schedule: Schedule,
    backoff: Backoff,
    random: SmallRng,
    /// The highest seq that was sent, and the highest with an outcome.
    attempted: i64,
    resolved: i64,
    /// The last write was acknowledged, and nothing failed since.
    working: bool,
    /// This writer had a session before.
    had_session: bool,
    /// A write is in doubt that the recorder was not told of: progress must not pass it.
    untold: Option<i64>,
}

/// Why a session is not used any more.
enum Left {
    /// There is nothing more to write.
    Done,
    /// It ended, or cannot be used any more.
    Broken,
}

/// One session in use.
struct Use {
    session: Session,
    load: Load,
    flight: InFlight,
    /// No acknowledgement came on it yet.
    fresh: bool,
    /// The first write after a reconnect goes out before its time, once.
    probe: bool,
    /// The silence of the oldest write was told.
    stall_told: bool,
    /// A rejected write: what is in flight is waited for, then the session is left.
    leaving: bool,
    local_commits: u64,
    writes_since_read: u32,
}

/// Writes that a broken session leaves in doubt.
#[derive(Default)]
struct Doubts {
    seqs: SeqSet,
    /// When the oldest of them was sent: since then there was no sign of life.
    since: Option<Duration>,
}

impl Doubts {
    fn add(&mut self, sent: Sent) {
        if let Request::Write { event, .. } = sent.what {
            self.seqs.insert(event.seq..=event.seq);
            self.since = Some(self.since.map_or(sent.at, |since| since.min(sent.at)));
        }
    }
}

impl Writer {
    pub(crate) fn new(
        number: i32,
        index: u32,
        shared: Arc<Shared>,
        recorder: mpsc::Sender<Signal>,
        random: SmallRng,
    ) -> Self {
        let options = &shared.options;
        Self {
            number,
            outbox: Outbox::new(number, recorder),
            schedule: Schedule::new(
                options.rate,
                options.backlog,
                index,
                options.writers,
                options.writes,
                shared.begin,
            ),
            backoff: Backoff::new(options.backoff_min, options.backoff_max),
            random,
            attempted: 0,
            resolved: 0,
            working: false,
            had_session: false,
            untold: None,
            shared,
        }
    }

    /// Writes until it is told to stop or everything is written.
    pub(crate) async fn run(mut self) {
        // Nobody connects only to see that there is nothing left to write.
        while self.schedule.next_due(self.shared.clock.now()).is_some() {
            let Some((session, load)) = self.connect().await else {
                self.schedule.end_without_session(self.shared.clock.now());
                self.flush().await;
                break;
            };
            let left = self.write_on(session, load).await;
            self.stops_working();
            if matches!(left, Left::Done) {
                break;
            }
        }
        self.outbox.send(Signal::WriterFinished { writer: self.number }).await;
    }

    /// Tries until there is a session that takes writes; `None` when it is time to stop.
    async fn connect(&mut self) -> Option<(Session, Load)> {
        let shared = Arc::clone(&self.shared);
        let mut reopened = shared.gate.subscribe();
        loop {
            let wait = self.backoff.next_wait(&mut self.random);
            tokio::select! {
                () = shared.gate.turn(wait, &mut reopened, &mut self.random) => {}
                () = shared.stop.cancelled() => return None,
            }
            let started = shared.clock.now();
            let opened = tokio::select! {
                opened = self.attempt() => opened,
                () = shared.stop.cancelled() => return None,
                // Another writer writes: an attempt that hangs on a dead route is not worth
                // waiting for.
                () = overtaken(&mut reopened) => {
                    self.backoff.reset();
                    continue;
                }
            };
            match opened {
                Ok(opened) => return Some(opened),
                Err(failures) => {
                    for failure in failures {
                        self.attempt_failed(started, failure).await;
                    }
                }
            }
        }
    }

    /// One attempt: through the hosts, and the load's statements on the session.
    async fn attempt(&self) -> Result<(Session, Load), Vec<NotOpened>> {
        let shared = &self.shared;
        let opened = shared.dialer.dial().await?;
        let mut session = opened.session;
        let prepared = session.prepare_load(shared.dialer.connect_timeout()).await;
        let load = match (prepared, session.load()) {
            (Ok(()), Some(load)) => load,
            (Err(fault), _) => return Err(vec![self.unprepared(opened.accepted, fault)]),
            (Ok(()), None) => unreachable!("prepared statements are there"),
        };
        let signal = Signal::Connected {
            writer: self.number,
            at: shared.clock.now(),
            accepted: shared.clock.at(opened.accepted),
            authenticated: shared.clock.at(opened.authenticated),
            server: Box::new(session.server.clone()),
            backend: session.backend.clone(),
        };
        self.outbox.send(signal).await;
        Ok((session, load))
    }

    fn unprepared(&self, accepted: tokio::time::Instant, fault: Fault) -> NotOpened {
        NotOpened { fault, accepted: Some(accepted), server: None }
    }

    async fn attempt_failed(&self, started: Duration, failure: NotOpened) {
        let clock = self.shared.clock;
        let signal = Signal::AttemptFailed {
            writer: Some(self.number),
            started,
            at: clock.now(),
            accepted: failure.accepted.map(|accepted| clock.at(accepted)),
            fault: Box::new(failure.fault),
            server: failure.server.map(Box::new),
        };
        self.outbox.send(signal).await;
    }

    /// Writes on a session until it breaks or there is nothing more to write.
    async fn write_on(&mut self, session: Session, load: Load) -> Left {
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
            probe: std::mem::replace(&mut self.had_session, true),
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
    fn send_what_is_due(&mut self, used: &mut Use) {
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

    fn send_write(&mut self, used: &mut Use, now: Duration) {
        let due = self.schedule.take(now);
        used.probe = false;
        self.attempted += 1;
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

    fn send_read_when_due(&mut self, used: &mut Use) {
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
    fn next_wake(&self, used: &Use, stopping: bool) -> Duration {
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

    async fn answered(&mut self, used: &mut Use, sent: Sent, answer: Answer) -> ControlFlow<()> {
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

    async fn acknowledged(&mut self, used: &mut Use, event: UserEvent, due: Duration, id: i64) {
        let now = self.shared.clock.now();
        self.resolved = event.seq;
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
        let pause_follows = used.flight.writes() == 0 && next > now + super::outbox::MAX_AGE;
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

    /// The server proved that a write is not committed. Unless only this one write conflicted,
    /// the session is left once the rest is answered, as the next one may be with a server that
    /// takes writes.
    async fn rejected(&mut self, used: &mut Use, seq: i64, sent_at: Duration, error: &Error) {
        let at = self.shared.clock.now();
        let fault = used.session.fault_of(error, Phase::Write).await;
        let down = fault.class != Class::Conflict;
        used.leaving |= down;
        // What is rejected is told before the progress that passes it.
        self.flush().await;
        self.resolved = seq;
        let signal = Signal::Failed {
            writer: self.number,
            since: sent_at,
            at,
            fault: Box::new(fault),
            in_doubt: SeqSet::new(),
            rejected: SeqSet::range(seq, seq),
            down,
        };
        self.outbox.send(signal).await;
    }

    /// The server refused to read; writes are not affected.
    async fn read_refused(&mut self, session: &Session, error: &Error) {
        let at = self.shared.clock.now();
        let fault = session.fault_of(error, Phase::Read).await;
        let signal = Signal::Failed {
            writer: self.number,
            since: at,
            at,
            fault: Box::new(fault),
            in_doubt: SeqSet::new(),
            rejected: SeqSet::new(),
            down: false,
        };
        self.outbox.send(signal).await;
    }

    /// The session broke under a request.
    async fn broken(&mut self, used: &mut Use, failed: Sent, error: &Error) {
        let at = self.shared.clock.now();
        let phase = if failed.is_write() { Phase::Write } else { Phase::Read };
        let fault = used.session.fault_of(error, phase).await;
        let mut doubts = Doubts::default();
        doubts.add(failed);
        self.take_late_answers(used, &mut doubts).await;
        self.failed(fault, doubts.since.unwrap_or(at), at, doubts.seqs).await;
    }

    /// The session ended without any request's answer saying so.
    async fn session_ended(&mut self, used: &mut Use, end: &End) {
        let at = self.shared.clock.now();
        let mut doubts = Doubts::default();
        self.take_late_answers(used, &mut doubts).await;
        let phase = if doubts.seqs.is_empty() { Phase::Idle } else { Phase::Write };
        let fault = used.session.fault_of_end(end, phase);
        self.failed(fault, doubts.since.unwrap_or(at), at, doubts.seqs).await;
    }

    /// Answers that came before the session's end are answers. What stays unanswered is in doubt.
    async fn take_late_answers(&mut self, used: &mut Use, doubts: &mut Doubts) {
        self.untold = doubts.seqs.ranges().next().map(|range| *range.start());
        while let Some((sent, answer)) = used.flight.next_if_there() {
            match (sent.what, answer) {
                (Request::Write { event, due }, Answer::Write(Ok(id))) => {
                    self.acknowledged(used, event, due, id).await;
                }
                (Request::Write { event, .. }, Answer::Write(Err(error)))
                    if used.session.proves_rejection(&error) =>
                {
                    self.rejected(used, event.seq, sent.at, &error).await;
                }
                _ => {
                    doubts.add(sent);
                    self.untold = doubts.seqs.ranges().next().map(|range| *range.start());
                }
            }
        }
        used.flight.unanswered().for_each(|sent| doubts.add(sent));
    }

    async fn failed(&mut self, fault: Fault, since: Duration, at: Duration, in_doubt: SeqSet) {
        // What is in doubt is told before the progress that passes it.
        self.flush().await;
        self.resolved = self.attempted;
        self.untold = None;
        let signal = Signal::Failed {
            writer: self.number,
            since,
            at,
            fault: Box::new(fault),
            in_doubt,
            rejected: SeqSet::new(),
            down: true,
        };
        self.outbox.send(signal).await;
        self.flush().await;
    }

    /// Deadlines: of the batch, of a silent write, of everything in flight.
    async fn time_passed(&mut self, used: &mut Use) -> ControlFlow<()> {
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

    fn stops_working(&mut self) {
        if self.working {
            self.working = false;
            self.shared.gate.fails();
        }
    }

    async fn flush(&mut self) {
        let now = self.shared.clock.now();
        let resolved = self.untold.map_or(self.resolved, |seq| self.resolved.min(seq - 1));
        self.outbox.flush(self.attempted, resolved, &self.schedule, now).await;
    }
}

/// Returns when writing began to work again, unless this attempt is too young to give up.
async fn overtaken(reopened: &mut tokio::sync::watch::Receiver<u64>) {
    const YOUNG: Duration = Duration::from_millis(150);
    tokio::time::sleep(YOUNG).await;
    if reopened.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}
