//! A writer whose write or session fails: what is rejected, what is in doubt, and since when.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Writer;
use super::using::Use;
use crate::engine::in_flight::{Request, Sent};
use crate::engine::outbox::{RefusedWrite, Trouble};
use crate::model::fault::{Class, Fault, Phase};
use crate::model::ledger::seq_set::SeqSet;
use crate::model::load::rejection::Meaning;
use crate::pg::failure::SessionFailure;
use crate::pg::failure::guard::Guard;
use crate::pg::failure::server_error::ServerError;

impl Writer {
    /// The server proved that a write is not committed. When that means that no write is taken
    /// there, the session is left once the rest is answered, as the next one may be with a server
    /// that takes writes; else the session goes on.
    pub(super) async fn rejected(
        &mut self,
        used: &mut Use,
        write: RefusedWrite,
        error: &ServerError,
    ) {
        let fault = used.session.fault(error, Phase::Write);
        let RefusedWrite { seq, sent_at, at, .. } = write;
        let since = sent_at.max(used.last_answer);
        self.resolved = seq;
        let oldest_due = used.flight.oldest_due();
        let stall_after = self.shared.options.stall_after;
        if self.out {
            // It is told already: by a silence, or by the end of the session before.
            self.streak.told_out();
        }
        // Only the statement's name is refused: the next write brings its statement along.
        let is_of_pooler = used.session.goes_without_names(error);
        let meaning = if is_of_pooler {
            Meaning::Counted
        } else if error.is_of_row_security() {
            self.streak.refused_row(&fault, since, at, stall_after)
        } else {
            self.streak.refused(&fault, since, at, stall_after)
        };
        self.writes_by(used.session.protocol()).await;
        used.probe_after_refusal(self.streak.is_out(), at, &self.shared.options);
        let trouble = match meaning {
            Meaning::Counted => {
                self.oldest_due = oldest_due;
                self.outbox.rejected(write, &fault);
                if self.pause_follows(used, at) || self.outbox.due().is_some_and(|due| due <= at) {
                    self.flush().await;
                }
                return;
            }
            Meaning::NoWrite => {
                used.leaving = true;
                Trouble::Failed { since, at, fault }
            }
            Meaning::Out(refused) => Trouble::Refused { refused, at, fault },
        };
        self.tell(trouble, &SeqSet::range(seq, seq), &SeqSet::new(), oldest_due).await;
    }

    /// The server did a write without a row: nothing proves that the row is there, or that it is
    /// not. The session is left once the rest is answered.
    pub(super) async fn swallowed(&mut self, used: &mut Use, seq: i64, sent_at: Duration) {
        let fault = used.session.fault(SessionFailure::no_row(), Phase::Write);
        used.leaving = true;
        self.resolved = seq;
        let at = self.shared.clock.now();
        let trouble = Trouble::Failed { since: sent_at.max(used.last_answer), at, fault };
        let oldest_due = used.flight.oldest_due();
        self.tell(trouble, &SeqSet::new(), &SeqSet::range(seq, seq), oldest_due).await;
    }

    /// The server refused to read; writes are not affected.
    pub(super) async fn read_refused(&mut self, used: &mut Use, error: &ServerError, at: Duration) {
        used.session.goes_without_names(error);
        self.writes_by(used.session.protocol()).await;
        self.outbox.read_refused(at, &used.session.fault(error, Phase::Read));
    }

    /// The server's answer to a request says nothing about what became of it, or not of the
    /// session: it cannot be used any more.
    pub(super) async fn broken(&mut self, used: &mut Use, failed: Sent, error: &ServerError) {
        let fault = used.session.fault(error, failed.phase());
        self.left(used, Some(failed), fault).await;
    }

    /// The session ended. Answers that came before its end were taken: what is still unanswered
    /// is in doubt.
    pub(super) async fn session_ended(&mut self, used: &mut Use, end: SessionFailure) {
        let phase = if used.flight.writes() > 0 {
            Phase::Write
        } else {
            used.flight.oldest().map_or(Phase::Idle, |sent| sent.phase())
        };
        let fault = used.session.fault(end, phase);
        self.left(used, None, fault).await;
    }

    /// Leaves a session that cannot be used any more: its unanswered writes, and the one that was
    /// just answered with nothing that tells, are in doubt.
    async fn left(&mut self, used: &Use, untold: Option<Sent>, fault: Fault) {
        let at = self.shared.clock.now();
        let oldest = untold.or_else(|| used.flight.oldest());
        // Since then there was no sign of life, where anything was owed.
        let since = oldest.map_or(at, |oldest| oldest.at.max(used.last_answer));
        self.place_left(used, &fault);
        let trouble = Trouble::Failed { since, at, fault };
        let in_doubt = writes(untold.into_iter().chain(used.flight.unanswered()));
        self.resolved = self.attempted;
        self.tell(trouble, &SeqSet::new(), &in_doubt, None).await;
    }

    /// The server may not know that the session is over: what was not answered may hang there.
    fn place_left(&self, used: &Use, fault: &Fault) {
        if fault.sqlstate.is_some() || used.flight.is_empty() {
            self.place_free(&used.session.backend);
        }
        self.places_left();
        if fault.class == Class::Timeout {
            self.waits_for_answer();
        } else {
            self.shared.stalls.answered(self.number);
        }
    }

    /// The oldest request has had no answer for the whole deadline.
    pub(super) async fn timed_out(&mut self, used: &Use, oldest: Sent) {
        let write_timeout = self.shared.options.write_timeout;
        let waited = used.write_deadline(oldest, write_timeout);
        let deadline = waited.saturating_sub(oldest.at);
        let guard = if deadline < write_timeout { Guard::EndOfLoad } else { Guard::WriteTimeout };
        let fault = used.session.fault(SessionFailure::deadline(guard, deadline), oldest.phase());
        self.left(used, None, fault).await;
    }

    /// The run is stopped at once: what is in flight stays without an answer.
    pub(super) async fn given_up(&mut self, used: &Use) {
        let in_doubt = writes(used.flight.unanswered());
        self.resolved = self.attempted;
        if in_doubt.is_empty() {
            self.flush().await;
        } else {
            let trouble = Trouble::GivenUp { at: self.shared.clock.now() };
            self.tell(trouble, &SeqSet::new(), &in_doubt, None).await;
        }
    }

    /// Tells what went wrong in one batch with what it does to writes, and with the progress that
    /// passes them. `oldest_due` is when the oldest write was due that is without an outcome now.
    pub(super) async fn tell(
        &mut self,
        trouble: Trouble,
        rejected: &SeqSet,
        in_doubt: &SeqSet,
        oldest_due: Option<Duration>,
    ) {
        if let Trouble::Failed { fault, .. } = &trouble
            && fault.class == Class::Protocol
            && !self.shared.proven.load(Ordering::Relaxed)
        {
            // The first of all writers that says so ends the run.
            let _ = self.shared.hopeless.try_send(fault.clone());
        }
        self.out |= match &trouble {
            Trouble::Failed { .. } | Trouble::Refused { .. } | Trouble::Stalled { .. } => true,
            Trouble::GivenUp { .. } => false,
        };
        self.outbox.trouble(trouble, rejected, in_doubt, self.oldest_due);
        self.oldest_due = oldest_due;
        self.flush().await;
    }
}

/// The writes among requests.
fn writes(requests: impl Iterator<Item = Sent>) -> SeqSet {
    requests
        .filter_map(|sent| match sent.what {
            Request::Write { event, .. } => Some(event.seq..=event.seq),
            Request::Read => None,
        })
        .collect()
}
