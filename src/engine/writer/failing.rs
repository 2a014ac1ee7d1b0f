//! A writer whose write or session fails: what is rejected, what is in doubt, and since when.

use std::time::Duration;

use super::Writer;
use super::using::Use;
use crate::engine::in_flight::{Request, Sent};
use crate::engine::signal::Signal;
use crate::model::fault::{Class, Fault, Phase};
use crate::model::seq_set::SeqSet;
use crate::pg::load::LoadSession;
use crate::pg::server_error::ServerError;
use crate::pg::session::End;

impl Writer {
    /// The server proved that a write is not committed. Unless only this one write conflicted,
    /// the session is left once the rest is answered, as the next one may be with a server that
    /// takes writes.
    pub(super) async fn rejected(
        &mut self,
        used: &mut Use,
        seq: i64,
        sent_at: Duration,
        error: &ServerError,
    ) {
        let at = self.shared.clock.now();
        let since = sent_at.max(used.last_answer);
        let fault = used.session.fault_of(error, Phase::Write);
        let down = fault.class != Class::Conflict;
        used.leaving |= down;
        // What is rejected is told before the progress that passes it.
        self.flush().await;
        self.resolved = seq;
        let signal = Signal::Failed {
            writer: self.number,
            since,
            at,
            fault: Box::new(fault),
            in_doubt: SeqSet::new(),
            rejected: SeqSet::range(seq, seq),
            down,
        };
        self.outbox.send(signal).await;
    }

    /// The server refused to read; writes are not affected.
    pub(super) async fn read_refused(&mut self, session: &LoadSession, error: &ServerError) {
        let at = self.shared.clock.now();
        let fault = session.fault_of(error, Phase::Read);
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

    /// The server's answer to a request says nothing about what became of it, or not of the
    /// session: it cannot be used any more.
    pub(super) async fn broken(&mut self, used: &mut Use, failed: Sent, error: &ServerError) {
        let fault = used.session.fault_of(error, failed.phase());
        self.left(used, Some(failed), fault).await;
    }

    /// The session ended. Answers that came before its end were taken: what is still unanswered
    /// is in doubt.
    pub(super) async fn session_ended(&mut self, used: &mut Use, end: &End) {
        let phase = if used.flight.writes() > 0 {
            Phase::Write
        } else {
            used.flight.oldest().map_or(Phase::Idle, |sent| sent.phase())
        };
        let fault = used.session.fault_of_end(end, phase);
        self.left(used, None, fault).await;
    }

    /// Leaves a session that cannot be used any more: its unanswered writes, and the one that was
    /// just answered with nothing that tells, are in doubt.
    async fn left(&mut self, used: &Use, untold: Option<Sent>, fault: Fault) {
        let at = self.shared.clock.now();
        let mut in_doubt = SeqSet::new();
        for sent in untold.into_iter().chain(used.flight.unanswered()) {
            if let Request::Write { event, .. } = sent.what {
                in_doubt.insert(event.seq..=event.seq);
            }
        }
        let oldest = untold.or_else(|| used.flight.oldest());
        // Since then there was no sign of life, where anything was owed.
        let since = oldest.map_or(at, |oldest| oldest.at.max(used.last_answer));
        self.failed(fault, since, at, in_doubt).await;
    }

    /// The oldest request has had no answer for the whole deadline.
    pub(super) async fn timed_out(&mut self, used: &Use, oldest: Sent) {
        let deadline = self.shared.options.write_timeout;
        let fault = used.session.deadline_fault(oldest.phase(), deadline);
        self.left(used, None, fault).await;
    }

    async fn failed(&mut self, fault: Fault, since: Duration, at: Duration, in_doubt: SeqSet) {
        // What is in doubt is told before the progress that passes it.
        self.flush().await;
        self.resolved = self.attempted;
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
}
