//! A writer's sessions on the servers, those included that it has left and that may hang there.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::all_writers::AllWriters;
use crate::model::cluster::server::ServerProcess;
use crate::model::fault::{Class, Fault, Phase};
use crate::model::load::open_sessions::{OpenSessions, Room};
use crate::pg::sessions::session::Session;

/// A writer's sessions that are not known to have ended. Attempts beside each other share it.
#[derive(Debug)]
pub(super) struct Places {
    writer: i32,
    shared: Arc<AllWriters>,
    open: Mutex<OpenSessions>,
}

impl Places {
    pub(super) fn new(writer: i32, shared: Arc<AllWriters>) -> Self {
        Self { writer, shared, open: Mutex::default() }
    }

    /// Takes a place for a new session on its server: it counts until it is known to have ended.
    ///
    /// # Errors
    /// Too many sessions of this writer hang there already, or the server did not say by the
    /// deadline.
    pub(super) async fn take(&self, session: &Session, deadline: Instant) -> Result<(), Fault> {
        let server = Arc::new(session.server.clone());
        let mut waits_for = None;
        // No lock is held over the question.
        let room = self.open().room(&server);
        if let Room::Ask(left) = room {
            let wait = deadline.saturating_duration_since(Instant::now());
            let there = session.bounded(Phase::Check, wait, session.end_idle(&left)).await?;
            waits_for = there.waits_for;
            let ended = left.into_iter().filter(|one| !there.at_work.contains(&one.pid)).collect();
            self.open().ended(&ended);
        }
        let mut open = self.open();
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
            connect_cause: None,
            tls_cause: None,
            own_limit: None,
            endpoint: session.endpoint().to_owned(),
            message: format!(
                "two sessions of this writer still hang on {}{waits_for}: no third is opened",
                server.name()
            ),
        })
    }

    /// A session that failed before it could be used: it may hang unless the server said why.
    pub(super) fn not_used(&self, backend: &ServerProcess, fault: &Fault) {
        if fault.sqlstate.is_some() {
            self.free(backend);
        } else if fault.class == Class::Timeout {
            self.wait_for_answer();
        }
    }

    /// A session has ended on its server too.
    pub(super) fn free(&self, backend: &ServerProcess) {
        self.open().ended(&BTreeSet::from([backend.clone()]));
    }

    /// No session is used or opened: those that are not known to have ended are left.
    pub(super) fn all_left(&self) {
        self.open().all_left();
    }

    /// There is no answer for too long: what its server processes wait for is worth a look.
    pub(super) fn wait_for_answer(&self) {
        let sessions = self.open().iter().cloned().collect();
        self.shared.stalls.waits(self.writer, sessions);
    }

    /// No answer is waited for any more.
    pub(super) fn wait_no_more(&self) {
        self.shared.stalls.answered(self.writer);
    }

    fn open(&self) -> MutexGuard<'_, OpenSessions> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
