//! A writer whose write or session fails: what is rejected, what is in doubt, and since when.

use std::time::Duration;

use tokio_postgres::Error;

use super::Writer;
use super::using::Use;
use crate::engine::in_flight::{Answer, Request, Sent};
use crate::engine::signal::Signal;
use crate::model::fault::{Class, Fault, Phase};
use crate::model::seq_set::SeqSet;
use crate::pg::session::{End, Session};

/// Writes that a broken session leaves in doubt.
#[derive(Default)]
pub(super) struct Doubts {
    pub(super) seqs: SeqSet,
    /// When the oldest of them was sent: since then there was no sign of life.
    pub(super) since: Option<Duration>,
}

impl Doubts {
    pub(super) fn add(&mut self, sent: Sent) {
        if let Request::Write { event, .. } = sent.what {
            self.seqs.insert(event.seq..=event.seq);
            self.since = Some(self.since.map_or(sent.at, |since| since.min(sent.at)));
        }
    }
}

impl Writer {
    /// The server proved that a write is not committed. Unless only this one write conflicted,
    /// the session is left once the rest is answered, as the next one may be with a server that
    /// takes writes.
    pub(super) async fn rejected(
        &mut self,
        used: &mut Use,
        seq: i64,
        sent_at: Duration,
        error: &Error,
    ) {
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
    pub(super) async fn read_refused(&mut self, session: &Session, error: &Error) {
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
    pub(super) async fn broken(&mut self, used: &mut Use, failed: Sent, error: &Error) {
        let at = self.shared.clock.now();
        let phase = if failed.is_write() { Phase::Write } else { Phase::Read };
        let fault = used.session.fault_of(error, phase).await;
        let mut doubts = Doubts::default();
        doubts.add(failed);
        self.take_late_answers(used, &mut doubts).await;
        self.failed(fault, doubts.since.unwrap_or(at), at, doubts.seqs).await;
    }

    /// The session ended without any request's answer saying so.
    pub(super) async fn session_ended(&mut self, used: &mut Use, end: &End) {
        let at = self.shared.clock.now();
        let mut doubts = Doubts::default();
        self.take_late_answers(used, &mut doubts).await;
        let phase = if doubts.seqs.is_empty() { Phase::Idle } else { Phase::Write };
        let fault = used.session.fault_of_end(end, phase);
        self.failed(fault, doubts.since.unwrap_or(at), at, doubts.seqs).await;
    }

    /// Answers that came before the session's end are answers. What stays unanswered is in doubt.
    pub(super) async fn take_late_answers(&mut self, used: &mut Use, doubts: &mut Doubts) {
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

    pub(super) async fn failed(
        &mut self,
        fault: Fault,
        since: Duration,
        at: Duration,
        in_doubt: SeqSet,
    ) {
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
}
