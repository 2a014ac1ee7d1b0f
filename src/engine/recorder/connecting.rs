//! What the recorder makes of connect attempts: sessions, and failures.

use super::{Recorder, is_own};
use crate::engine::signal::{AttemptFailed, SessionOpened};
use crate::model::event::{Connected, Failure, What};
use crate::model::ledger::seq_set::SeqSet;
use crate::model::outage::clock::Input;

impl Recorder {
    pub(super) fn connected(&mut self, mut opened: SessionOpened) {
        let (writer, at) = (opened.writer, opened.at);
        self.names.name_server(&mut opened.server);
        let server = opened.server;
        self.ack_gaps.not_acknowledged(writer, at);
        self.step(Input::Connected {
            writer,
            accepted: opened.accepted,
            authenticated: opened.authenticated,
            at,
            server: &server,
            abandoned: opened.abandoned,
        });
        // Every writer meets it; it is one fact.
        if let Some(backwards) = self.run.backwards_at(&server, at)
            && !self.run.history_backwards.iter().any(|told| told.is_same_as(&backwards))
        {
            self.emit(at, What::HistoryBackwards(backwards));
        }
        self.writers.entry(writer).or_default().id_floor = self.highest_id;
        // How far the writer was on its old session is told before the new one.
        self.flush_interval();
        if let Some(reading) = opened.clock {
            self.clock_read(&server, reading);
        }
        let (backend, abandoned) = (opened.backend, opened.abandoned);
        self.emit(at, What::Connected(Connected { writer, server, backend, abandoned }));
    }

    pub(super) fn attempt_failed(&mut self, mut failed: AttemptFailed) {
        if let Some(server) = &mut failed.server {
            self.names.name_server(server);
        }
        let AttemptFailed { writer, started, at, accepted, fault, server } = failed;
        let (in_doubt, rejected) = (SeqSet::new(), SeqSet::new());
        self.emit(at, What::Fault(Failure { writer, fault: fault.clone(), in_doubt, rejected }));
        let Some(writer) = writer else { return };
        self.ack_gaps.not_acknowledged(writer, at);
        if is_own(&fault) {
            return;
        }
        let (fault, server) = (&fault, server.as_ref());
        self.step(Input::AttemptFailed { writer, started, at, accepted, fault, server });
    }
}
