//! A writer without a session: attempts until there is one that takes writes.

use std::sync::Arc;
use std::time::Duration;

use super::Writer;
use crate::engine::signal::Signal;
use crate::model::fault::Fault;
use crate::pg::connect::NotOpened;
use crate::pg::session::Session;
use crate::pg::user_events::Load;

impl Writer {
    /// Tries until there is a session that takes writes; `None` when it is time to stop.
    pub(super) async fn connect(&mut self) -> Option<(Session, Load)> {
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
                    // Who could not write sees at once whether it can now.
                    self.owes_probe = true;
                    for failure in failures {
                        self.attempt_failed(started, failure).await;
                    }
                }
            }
        }
    }

    /// One attempt: through the hosts, and the load's statements on the session.
    pub(super) async fn attempt(&self) -> Result<(Session, Load), Vec<NotOpened>> {
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

    pub(super) fn unprepared(&self, accepted: tokio::time::Instant, fault: Fault) -> NotOpened {
        NotOpened { fault, accepted: Some(accepted), server: None }
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

/// Returns when writing began to work again, unless this attempt is too young to give up.
async fn overtaken(reopened: &mut tokio::sync::watch::Receiver<u64>) {
    const YOUNG: Duration = Duration::from_millis(150);
    tokio::time::sleep(YOUNG).await;
    if reopened.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}
