//! A writer without a session: attempts until there is one that takes writes.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::oneshot;

use super::{Shared, Writer};
use crate::engine::outbox::Outbox;
use crate::engine::signal::{AttemptFailed, SessionOpened, Signal};
use crate::engine::start_line::SOON;
use crate::model::fault::Class;
use crate::pg::sessions::connect::NotOpened;
use crate::pg::wire::load_session::LoadSession;

/// An attempt is not taken to hang before this, nor before twice what the fastest one took.
const PATIENCE: Duration = Duration::from_millis(100);

/// The same for a writer that never had a session.
const PATIENCE_AT_FIRST: Duration = Duration::from_millis(500);

/// Attempts of one writer that go on at the same time, at most: for one more the oldest is given up.
const BESIDE_EACH_OTHER: usize = 5;

/// How an attempt ended: when it was started, and what came of it. `None` is one given up.
type Attempted = Option<(Duration, Result<NewSession, Vec<NotOpened>>)>;

/// A session that takes writes, before anybody was told of it.
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

/// A writer without a session. One that is not known to be out, as no attempt of it has failed,
/// is out as well once it has waited long, or when the load ends: what was not seen is no proof
/// that it could write.
struct Without {
    writer: i32,
    /// When it began to wait.
    since: Duration,
    /// When the last of its writes is due, if it has a last one.
    last_due: Option<Duration>,
    /// It is known to be out.
    out: bool,
    /// pgchaos itself had no room for an attempt: the wait says nothing of the cluster.
    is_own: bool,
}

impl Without {
    /// Waits for `work`, and tells meanwhile that the writer is out, if it comes to that. `None`
    /// when it is time to stop.
    async fn until_it_ends<T>(
        &mut self,
        work: impl Future<Output = T>,
        shared: &Shared,
        outbox: &Outbox,
    ) -> Option<T> {
        let long = self.since.saturating_add(shared.options.stall_after.max(SOON));
        let mut work = pin!(work);
        loop {
            let known = self.out || self.is_own;
            tokio::select! {
                biased;
                ended = &mut work => return Some(ended),
                () = shared.ends(self.out, self.last_due), if known => return None,
                () = tokio::time::sleep_until(shared.clock.instant(long)), if !known => {}
                () = shared.load_ends(self.last_due), if !known => {}
            }
            self.out = true;
            let (writer, since, at) = (self.writer, self.since, shared.clock.now());
            outbox.send(Signal::NoSession { writer, since, at }).await;
        }
    }
}

impl Writer {
    /// Tries until there is a session that takes writes; `None` when it is time to stop.
    pub(super) async fn connect(&mut self) -> Option<LoadSession> {
        let shared = Arc::clone(&self.shared);
        let mut reopened = shared.gate.subscribe();
        let last_due = self.schedule.last_due();
        let since = shared.clock.now();
        let mut without =
            Without { writer: self.number, since, last_due, out: self.out, is_own: false };
        loop {
            self.places_left();
            let wait = self.backoff.next_wait(shared.clock.now(), &mut self.random);
            let turn = shared.gate.turn(wait, &mut reopened, &mut self.random);
            let turned = without.until_it_ends(turn, &shared, &self.outbox).await;
            let ended = match turned {
                Some(()) => without.until_it_ends(self.attempts(), &shared, &self.outbox).await,
                None => None,
            };
            // After a wait or a failed attempt, probe immediately.
            self.owes_probe |= without.out && !self.out;
            self.out |= without.out;
            let (opened, failed) = ended?;
            self.owes_probe |= failed;
            self.out |= failed;
            without.out |= failed;
            without.is_own |= opened.is_none() && !failed;
            if let Some(connected) = opened {
                let took = connected.took;
                self.fastest_connect = Some(self.fastest_connect.map_or(took, |t| t.min(took)));
                if let Some(passed_over) = connected.passed_over {
                    self.outbox.send(passed_over).await;
                }
                self.outbox.send(Signal::Connected(connected.opened)).await;
                return Some(connected.session);
            }
        }
    }

    /// One attempt, and while it hangs although other writers write, others beside it: a proxy
    /// that still counts a dead server in gives it every second or third connection. The session,
    /// if one came of it, and whether an attempt failed.
    ///
    /// The oldest attempt makes room for a new one, else a writer whose attempts all go to the dead
    /// server waits for the whole connect deadline beside others that write. Each time all have been
    /// given up, the next ones have twice as long: a server that is only slow is reached in the
    /// end.
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
                        // What pgchaos itself has no room for says nothing of the cluster.
                        failed |= failures.iter().any(|one| one.fault.class != Class::Local);
                        self.shared.gate.fails(self.shared.clock.now());
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
        if let Err(fault) = self.take_place(&opened.session, opened.deadline).await {
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
                self.place_not_used(&backend, &fault);
                failures.push(NotOpened::on_session(fault, opened.accepted));
                return (started, Err(failures));
            }
        };
        self.writes_by(session.protocol()).await;
        let at = shared.clock.now();
        let opened = SessionOpened {
            writer: self.number,
            at,
            accepted: shared.clock.at(opened.accepted),
            authenticated: shared.clock.at(opened.authenticated),
            server: session.server.clone(),
            backend: session.backend.clone(),
            clock: opened.clock,
            abandoned: 0,
        };
        let writer = Some(self.number);
        let passed_over = (!failures.is_empty()).then_some(Signal::PassedOver {
            writer,
            at,
            failures,
            served_by,
        });
        (
            started,
            Ok(NewSession {
                session,
                opened: Box::new(opened),
                passed_over,
                took: at.saturating_sub(started),
            }),
        )
    }

    pub(super) async fn attempt_failed(&self, started: Duration, failure: NotOpened) {
        let clock = self.shared.clock;
        let signal = Signal::AttemptFailed(Box::new(AttemptFailed {
            writer: Some(self.number),
            started,
            at: clock.now(),
            accepted: failure.accepted.map(|accepted| clock.at(accepted)),
            fault: failure.fault,
            server: failure.server,
        }));
        self.outbox.send(signal).await;
    }
}
