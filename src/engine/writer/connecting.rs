//! A writer without a session: attempts until there is one that takes writes.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};

use super::Writer;
use crate::engine::signal::Signal;
use crate::pg::connect::NotOpened;
use crate::pg::load::LoadSession;

/// An attempt is not taken to hang before this, nor before twice what the fastest one took.
const PATIENCE: Duration = Duration::from_millis(100);

/// The same for a writer that never had a session.
const PATIENCE_AT_FIRST: Duration = Duration::from_millis(500);

/// Attempts of one writer that go on at the same time, at most.
const BESIDE_EACH_OTHER: usize = 5;

/// A session that takes writes, before anybody was told of it.
struct NewSession {
    session: LoadSession,
    signal: Signal,
    /// How long it took.
    took: Duration,
}

impl Writer {
    /// Tries until there is a session that takes writes; `None` when it is time to stop.
    pub(super) async fn connect(&mut self) -> Option<LoadSession> {
        let shared = Arc::clone(&self.shared);
        let mut reopened = shared.gate.subscribe();
        loop {
            let wait = self.backoff.next_wait(&mut self.random);
            tokio::select! {
                () = shared.gate.turn(wait, &mut reopened, &mut self.random) => {}
                () = shared.stop.cancelled() => return None,
            }
            let (opened, failed) = tokio::select! {
                ended = self.attempts() => ended,
                () = shared.stop.cancelled() => return None,
            };
            // Who could not write sees at once whether it can now.
            self.owes_probe |= failed;
            if let Some(connected) = opened {
                let took = connected.took;
                self.fastest_connect = Some(self.fastest_connect.map_or(took, |t| t.min(took)));
                self.outbox.send(connected.signal).await;
                return Some(connected.session);
            }
        }
    }

    /// One attempt, and while it hangs although other writers write, others beside it: a proxy
    /// that still counts a dead server in gives it every second or third connection. The session,
    /// if one came of it, and whether an attempt failed.
    async fn attempts(&self) -> (Option<NewSession>, bool) {
        let mut under_way = FuturesUnordered::new();
        under_way.push(self.attempt());
        let patience =
            self.fastest_connect.map_or(PATIENCE_AT_FIRST, |took| PATIENCE.max(took * 2));
        let mut failed = false;
        loop {
            tokio::select! {
                biased;
                Some((started, opened)) = under_way.next() => match opened {
                    Ok(connected) => return (Some(connected), failed),
                    Err(failures) => {
                        failed = true;
                        self.shared.gate.fails(self.shared.clock.now());
                        for failure in failures {
                            self.attempt_failed(started, failure).await;
                        }
                        if under_way.is_empty() {
                            return (None, failed);
                        }
                    }
                },
                () = self.shared.gate.beside(patience), if under_way.len() < BESIDE_EACH_OTHER => {
                    under_way.push(self.attempt());
                }
            }
        }
    }

    /// One attempt: through the hosts, and the load's statements on the session. Comes with when
    /// it was started.
    async fn attempt(&self) -> (Duration, Result<NewSession, Vec<NotOpened>>) {
        let shared = &self.shared;
        let started = shared.clock.now();
        let opened = match shared.dialer.dial().await {
            Ok(opened) => opened,
            Err(failures) => return (started, Err(failures)),
        };
        let connect_timeout = shared.dialer.connect_timeout();
        let session = match opened.session.into_load(opened.deadline, connect_timeout).await {
            Ok(session) => session,
            Err(fault) => {
                let accepted = Some(opened.accepted);
                return (started, Err(vec![NotOpened { fault, accepted, server: None }]));
            }
        };
        let at = shared.clock.now();
        let signal = Signal::Connected {
            writer: self.number,
            at,
            accepted: shared.clock.at(opened.accepted),
            authenticated: shared.clock.at(opened.authenticated),
            server: Box::new(session.server.clone()),
            backend: session.backend.clone(),
        };
        (started, Ok(NewSession { session, signal, took: at.saturating_sub(started) }))
    }

    pub(super) async fn attempt_failed(&self, started: Duration, failure: NotOpened) {
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
}
