//! A writer's sessions on the servers, those included that it has left and that may hang there.

use std::collections::BTreeSet;
use std::sync::{Arc, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::Writer;
use crate::model::cluster::server::ServerProcess;
use crate::model::fault::{Class, Fault, Phase};
use crate::model::load::open_sessions::{OpenSessions, Room};
use crate::pg::sessions::session::Session;

impl Writer {
    /// Takes a place for a new session on its server: it counts until it is known to have ended.
    ///
    /// # Errors
    /// Too many sessions of this writer hang there already, or the server did not say by the
    /// deadline.
    pub(super) async fn take_place(
        &self,
        session: &Session,
        deadline: Instant,
    ) -> Result<(), Fault> {
        let server = Arc::new(session.server.clone());
        let mut waits_for = None;
        // No lock is held over the question.
        let room = self.open_sessions().room(&server);
        if let Room::Ask(left) = room {
            let wait = deadline.saturating_duration_since(Instant::now());
            let there = session.bounded(Phase::Check, wait, session.end_idle(&left)).await?;
            waits_for = there.waits_for;
            let ended = left.into_iter().filter(|one| !there.at_work.contains(&one.pid)).collect();
            self.open_sessions().ended(&ended);
        }
        let mut open = self.open_sessions();
        if open.room(&server) == Room::Yes {
            open.opened(&server, &session.backend);
            return Ok(());
        }
        let waits_for = waits_for.map(|event| format!(" ({event})")).unwrap_or_default();
        Err(Fault {
            class: Class::Timeout,
            phase: Phase::Check,
            sqlstate: None,
            postmaster_died: false,
            password_missing: false,
            own_limit: None,
            endpoint: session.endpoint().to_owned(),
            message: format!(
                "two sessions of this writer still hang on {}{waits_for}: no third is opened",
                server.name()
            ),
        })
    }

    /// A session that failed before it could be used: it may hang unless the server said why.
    pub(super) fn place_not_used(&self, backend: &ServerProcess, fault: &Fault) {
        if fault.sqlstate.is_some() {
            self.place_free(backend);
        } else if fault.class == Class::Timeout {
            self.waits_for_answer();
        }
    }

    /// A session has ended on its server too.
    pub(super) fn place_free(&self, backend: &ServerProcess) {
        self.open_sessions().ended(&BTreeSet::from([backend.clone()]));
    }

    /// No session is used or opened: those that are not known to have ended are left.
    pub(super) fn places_left(&self) {
        self.open_sessions().all_left();
    }

    /// There is no answer for too long: what its server processes wait for is worth a look.
    pub(super) fn waits_for_answer(&self) {
        let sessions = self.open_sessions().iter().cloned().collect();
        self.shared.stalls.waits(self.number, sessions);
    }

    fn open_sessions(&self) -> MutexGuard<'_, OpenSessions> {
        self.open_sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
