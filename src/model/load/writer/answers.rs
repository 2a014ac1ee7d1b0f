//! What a writer makes of an answer.

use std::time::Duration;

use super::action::WriterAction;
use super::batch::{AcknowledgedWrite, RefusedWrite, Trouble};
use super::in_flight::{OneWrite, Request, Sent};
use super::input::RefusalOf;
use super::rules::BATCH_AGE_MAX;
use super::session_in_use::SessionInUse;
use super::step_context::StepContext;
use super::writer_core::WriterCore;
use super::written::Written;
use crate::model::fault::Fault;
use crate::model::ledger::seq_set::SeqSet;
use crate::model::load::rejection::Meaning;

impl WriterCore {
    pub(super) fn acknowledged(
        &mut self,
        used: &mut SessionInUse,
        (write, sent_at): (OneWrite, Duration),
        (id, locally): (Option<i64>, bool),
        context: &mut StepContext<'_>,
    ) {
        let now = context.now;
        let was_out = self.out;
        if was_out && self.batch.has_rejected() {
            // Refusals during an outage are told before its end.
            self.tells(context);
        }
        self.streak.acknowledged();
        self.resolved = write.seq;
        self.out = false;
        used.probe_at = None;
        self.oldest_due = used.flight.oldest_due();
        if used.probing.take_if(|seq| *seq == write.seq).is_some() {
            self.schedule.probe_acknowledged();
        }
        let (seq, due, first) = (write.seq, write.due, used.fresh);
        self.batch.acknowledged(&AcknowledgedWrite {
            seq,
            sent_at,
            at: now,
            due,
            id,
            first,
            locally,
        });
        if self.told_one_by_one {
            self.batch.written(self.written(write, id.unwrap_or(0)));
        }
        if used.reads_after_write(self.rules.options.read_every) {
            used.flight.push(Sent { what: Request::Read, at: now });
            context.does(WriterAction::Read);
        }
        let news = used.fresh || was_out;
        // Behind a pooler another server may answer after a silence: a new session asks for its identity.
        used.leaving |= used.stall_told && used.pooled;
        used.fresh = false;
        used.stall_told = false;
        if !self.working {
            self.working = true;
            self.backoff.works(now);
            context.does(WriterAction::WaitsNoMore);
        }
        context.does(WriterAction::Works);
        if news || self.pause_follows(used, now) || self.batch.is_due(now) {
            self.tells(context);
        }
    }

    pub(super) fn read_back(
        &mut self,
        used: &mut SessionInUse,
        ids: &[i64],
        context: &mut StepContext<'_>,
    ) {
        // After a silence the next write goes out at once, to see whether writes work again.
        used.probe |= used.stall_told;
        if self.told_one_by_one {
            self.tells(context);
            context.does(WriterAction::TellIds(ids.to_vec()));
        }
    }

    /// The server proved that a write is not committed. When that means that no write is taken
    /// there, the session is left once the rest is answered, as the next one may be with a server
    /// that takes writes; else the session goes on.
    pub(super) fn rejected(
        &mut self,
        used: &mut SessionInUse,
        (write, sent_at): (OneWrite, Duration),
        (fault, of): (Fault, RefusalOf),
        context: &mut StepContext<'_>,
    ) {
        let at = context.now;
        let since = sent_at.max(used.last_answer);
        let (seq, due) = (write.seq, write.due);
        self.resolved = seq;
        let oldest_due = used.flight.oldest_due();
        if self.out {
            // A silence or the end of the last session has told already that the writer is out.
            self.streak.told_out();
        }
        let stall_after = self.rules.options.stall_after;
        let meaning = match of {
            RefusalOf::StatementName => Meaning::Counted,
            RefusalOf::Row => self.streak.refused_row(&fault, since, at, stall_after),
            RefusalOf::Sqlstate => self.streak.refused(&fault, since, at, stall_after),
        };
        used.probe_after_refusal(self.streak.is_out(), at, &self.rules.options);
        let trouble = match meaning {
            Meaning::Counted => {
                self.oldest_due = oldest_due;
                self.batch.rejected(RefusedWrite { seq, due, sent_at, at }, &fault);
                if self.pause_follows(used, at) || self.batch.is_due(at) {
                    self.tells(context);
                }
                return;
            }
            Meaning::NoWrite => {
                used.leaving = true;
                Trouble::Failed { since, at, fault }
            }
            Meaning::Out(refused) => Trouble::Refused { refused, at, fault },
        };
        let rejected = SeqSet::range(seq, seq);
        self.tells_trouble(trouble, &rejected, &SeqSet::new(), oldest_due, context);
    }

    /// The server did a write without a row: nothing proves that the row is there, or that it is
    /// not. The session is left once the rest is answered.
    pub(super) fn swallowed(
        &mut self,
        used: &mut SessionInUse,
        (write, sent_at): (OneWrite, Duration),
        fault: Fault,
        context: &mut StepContext<'_>,
    ) {
        used.leaving = true;
        self.resolved = write.seq;
        let since = sent_at.max(used.last_answer);
        let trouble = Trouble::Failed { since, at: context.now, fault };
        let in_doubt = SeqSet::range(write.seq, write.seq);
        let oldest_due = used.flight.oldest_due();
        self.tells_trouble(trouble, &SeqSet::new(), &in_doubt, oldest_due, context);
    }

    /// Whether nothing will come soon that a batch could be told with.
    fn pause_follows(&self, used: &SessionInUse, now: Duration) -> bool {
        let next = self.schedule.next_due(now).unwrap_or(Duration::MAX);
        used.flight.writes() == 0 && next > now + BATCH_AGE_MAX
    }

    fn written(&self, write: OneWrite, id: i64) -> Written {
        let user = self.rules.users.iter().find(|(user_id, _)| *user_id == write.user_id);
        Written {
            writer: self.number,
            seq: write.seq,
            id,
            event_type: write.event_type.to_owned(),
            user: user.map_or_else(|| "somebody".to_owned(), |(_, name)| name.clone()),
        }
    }
}
