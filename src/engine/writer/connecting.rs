//! A writer without a session: attempts until there is one that takes writes.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use rand::rngs::SmallRng;
use tokio::sync::{mpsc, oneshot};

use super::all_writers::AllWriters;
use super::sessions::Places;
use super::to_recorder::ToRecorder;
use crate::engine::dialer::Dialer;
use crate::engine::signal::{AttemptFailed, SessionOpened, Signal};
use crate::model::fault::Class;
use crate::model::load::writer::action::WriterAction;
use crate::model::load::writer::input::WriterInput;
use crate::model::load::writer::step::Writer;
use crate::pg::sessions::application_name::Purpose;
use crate::pg::sessions::connect::NotOpened;
use crate::pg::wire::load_session::LoadSession;

/// An attempt counts as hanging after this time at the earliest, and after twice the fastest one's.
const PATIENCE: Duration = Duration::from_millis(100);

/// The same for a writer that never had a session.
const PATIENCE_AT_FIRST: Duration = Duration::from_millis(500);

/// At most this many attempts of one writer go on at a time: for one more the oldest is given up.
const BESIDE_EACH_OTHER: usize = 5;

/// How an attempt ended: when it was started, and what came of it. `None` is one given up.
type Attempted = Option<(Duration, Result<NewSession, Vec<NotOpened>>)>;

/// A session that takes writes, and was not told yet.
struct NewSession {
    session: LoadSession,
    opened: Box<SessionOpened>,
    /// The places that did not serve before this one, if there were any.
    passed_over: Option<Signal>,
    /// How long it took.
    took: Duration,
}

impl NewSession {
    /// Attempts of the same writer that were given up beside it.
    fn beside(mut self, given_up: u64) -> Self {
        self.opened.abandoned = given_up;
        self
    }
}

/// How a writer gets its sessions.
pub(super) struct Connector {
    writer: i32,
    pub(super) shared: Arc<AllWriters>,
    /// Its sessions are called by the writer's number.
    dialer: Dialer,
    pub(super) places: Places,
    pub(super) recorder: ToRecorder,
    fastest_connect: Option<Duration>,
}

impl Connector {
    pub(super) fn new(
        writer: i32,
        shared: Arc<AllWriters>,
        recorder: mpsc::Sender<Signal>,
    ) -> Self {
        Self {
            writer,
            dialer: shared.dialer.for_purpose(shared.run_id, Purpose::Writer(writer)),
            places: Places::new(writer, Arc::clone(&shared)),
            recorder: ToRecorder::new(recorder),
            fastest_connect: None,
            shared,
        }
    }

    /// Tries until there is a session that takes writes; `None` when it is time to stop.
    pub(super) async fn connect(
        &mut self,
        writer: &mut Writer,
        random: &mut SmallRng,
    ) -> Option<LoadSession> {
        let shared = Arc::clone(&self.shared);
        let mut actions = Vec::new();
        let mut reopened = shared.gate.subscribe();
        writer.step(shared.clock.now(), WriterInput::Connecting, &mut actions);
        loop {
            self.places.all_left();
            let wait = writer.next_wait(shared.clock.now());
            let turn = shared.gate.turn(wait, &mut reopened, random);
            self.until_it_ends(turn, writer).await?;
            let (opened, failed) = self.until_it_ends(self.attempts(), writer).await?;
            let attempted = WriterInput::Attempted { failed, served: opened.is_some() };
            writer.step(shared.clock.now(), attempted, &mut actions);
            if let Some(connected) = opened {
                let took = connected.took;
                self.fastest_connect = Some(self.fastest_connect.map_or(took, |t| t.min(took)));
                if let Some(passed_over) = connected.passed_over {
                    self.recorder.tell(passed_over).await;
                }
                self.recorder.tell(Signal::Connected(connected.opened)).await;
                return Some(connected.session);
            }
        }
    }

    /// Waits for `work`, and tells meanwhile that the writer is out, if it comes to that. `None`
    /// when it is time to stop.
    async fn until_it_ends<T>(
        &self,
        work: impl Future<Output = T>,
        writer: &mut Writer,
    ) -> Option<T> {
        let shared = &*self.shared;
        let last_due = writer.last_due();
        let mut work = pin!(work);
        loop {
            let patience = writer.has_patience_until();
            let long = shared.clock.instant(patience.unwrap_or(Duration::MAX));
            tokio::select! {
                biased;
                ended = &mut work => return Some(ended),
                () = shared.ends(writer.is_out(), last_due), if patience.is_none() => return None,
                () = tokio::time::sleep_until(long), if patience.is_some() => {}
                () = shared.load_ends(last_due), if patience.is_some() => {}
            }
            let mut actions = Vec::new();
            let at = shared.clock.now();
            shared.start_line.goes_on_without(self.writer);
            writer.step(at, WriterInput::WaitedTooLong, &mut actions);
            self.tell(at, actions).await;
        }
    }

    /// Tells what a writer without a session has to tell.
    pub(super) async fn tell(&self, at: Duration, actions: Vec<WriterAction>) {
        for action in actions {
            match action {
                WriterAction::Tell(batch) => self.recorder.batch(batch, &self.shared).await,
                WriterAction::TellNoSession { since } => {
                    let counts_since = self.shared.start_line.counts_since(since);
                    let writer = self.writer;
                    self.recorder.tell(Signal::NoSession { writer, since, counts_since, at }).await;
                }
                // Without a session a writer has no other actions.
                _ => {}
            }
        }
    }

    /// One attempt, and while it hangs although other writers write, others beside it: a proxy
    /// that still counts a dead server in gives it every second or third connection. The session,
    /// if one came of it, and whether an attempt failed.
    ///
    /// The oldest attempt makes room for a new one. Otherwise a writer with all attempts at the
    /// dead server waits for the whole connect deadline beside others that write. Each time all
    /// attempts have been given up, the next ones have twice as long: a server that is only slow
    /// is reached in the end.
    async fn attempts(&self) -> (Option<NewSession>, bool) {
        let mut under_way = FuturesUnordered::new();
        let mut giving_up = VecDeque::new();
        let start = |giving_up: &mut VecDeque<oneshot::Sender<()>>| {
            let (give_up, given_up) = oneshot::channel();
            giving_up.push_back(give_up);
            self.attempt_unless(given_up)
        };
        under_way.push(start(&mut giving_up));
        let mut patience =
            self.fastest_connect.map_or(PATIENCE_AT_FIRST, |took| PATIENCE.max(took * 2));
        let mut failed = false;
        let (mut made_room, mut abandoned) = (0, 0);
        loop {
            tokio::select! {
                biased;
                Some(ended) = under_way.next() => match ended {
                    Some((_, Ok(connected))) => {
                        let connected = connected.beside(abandoned + under_way.len() as u64);
                        return (Some(connected), failed);
                    }
                    Some((started, Err(failures))) => {
                        // A limit of pgchaos's own machine is no failure of the cluster.
                        let is_trouble = failures.iter().any(|one| one.fault.class != Class::Local);
                        failed |= is_trouble;
                        self.shared.gate.fails(self.shared.clock.now());
                        if is_trouble {
                            self.shared.start_line.goes_on_without(self.writer);
                        }
                        for failure in failures {
                            self.attempt_failed(started, failure).await;
                        }
                        if under_way.is_empty() {
                            return (None, failed);
                        }
                    }
                    None => abandoned += 1,
                },
                () = self.shared.gate.beside(patience) => {
                    giving_up.retain(|give_up| !give_up.is_closed());
                    if giving_up.len() >= BESIDE_EACH_OTHER
                        && let Some(oldest) = giving_up.pop_front()
                    {
                        // An attempt that ended just now is not given up.
                        let _ = oldest.send(());
                        made_room += 1;
                        if made_room % BESIDE_EACH_OTHER == 0 {
                            patience *= 2;
                        }
                    }
                    under_way.push(start(&mut giving_up));
                }
            }
        }
    }

    /// One attempt, unless it is given up before its end.
    async fn attempt_unless(&self, mut given_up: oneshot::Receiver<()>) -> Attempted {
        tokio::select! {
            biased;
            ended = self.attempt() => Some(ended),
            Ok(()) = &mut given_up => None,
        }
    }

    /// One attempt: through the hosts, and the load's statements on the session. Comes with when
    /// it was started.
    async fn attempt(&self) -> (Duration, Result<NewSession, Vec<NotOpened>>) {
        let shared = &self.shared;
        let started = shared.clock.now();
        let mut opened = match self.dialer.dial().await {
            Ok(opened) => opened,
            Err(failures) => return (started, Err(failures)),
        };
        if let Err(fault) = self.places.take(&opened.session, opened.deadline).await {
            opened.session.close().await;
            let mut failures = opened.passed_over;
            failures.push(NotOpened::on_session(fault, opened.accepted));
            return (started, Err(failures));
        }
        let backend = opened.session.backend.clone();
        let mut failures = std::mem::take(&mut opened.passed_over);
        let served_by = opened.session.endpoint().to_owned();
        let connect_timeout = self.dialer.connect_timeout();
        let protocol = shared.protocol.get();
        let loading = opened.session.into_load(opened.deadline, connect_timeout, protocol);
        let session = match loading.await {
            Ok(session) => session,
            Err(fault) => {
                self.places.not_used(&backend, &fault);
                failures.push(NotOpened::on_session(fault, opened.accepted));
                return (started, Err(failures));
            }
        };
        self.recorder.protocol(session.protocol(), shared).await;
        let at = shared.clock.now();
        let session_opened = Box::new(SessionOpened {
            writer: self.writer,
            at,
            accepted: shared.clock.at(opened.accepted),
            authenticated: shared.clock.at(opened.authenticated),
            server: session.server.clone(),
            backend: session.backend.clone(),
            clock: opened.clock,
            abandoned: 0,
        });
        let writer = Some(self.writer);
        let passed_over = (!failures.is_empty()).then_some(Signal::PassedOver {
            writer,
            at,
            failures,
            served_by,
        });
        let (opened, took) = (session_opened, at.saturating_sub(started));
        (started, Ok(NewSession { session, opened, passed_over, took }))
    }

    async fn attempt_failed(&self, started: Duration, failure: NotOpened) {
        let clock = self.shared.clock;
        let signal = Signal::AttemptFailed(Box::new(AttemptFailed {
            writer: Some(self.writer),
            started: self.shared.start_line.counts_since(started),
            at: clock.now(),
            accepted: failure.accepted.map(|accepted| clock.at(accepted)),
            fault: failure.fault,
            server: failure.server,
        }));
        self.recorder.tell(signal).await;
    }
}
