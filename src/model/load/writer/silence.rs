//! What a writer does as time goes by: the deadlines of its batch, of a silence and of a request.

use super::action::{Overdue, WriterAction};
use super::batch::Trouble;
use super::session_in_use::SessionInUse;
use super::step_context::StepContext;
use super::writer_core::WriterCore;
use crate::model::ledger::seq_set::SeqSet;
use crate::model::load::own_pause::OWN_PAUSE_MIN;

impl WriterCore {
    /// Time went by.
    pub(super) fn time_passed(&mut self, used: &mut SessionInUse, context: &mut StepContext<'_>) {
        let (now, stopping) = (context.now, self.stopping());
        let options = &self.rules.options;
        let silence_due = used.silence_due(options, stopping);
        let is_late = silence_due.is_some_and(|due| now >= due.saturating_add(OWN_PAUSE_MIN));
        if is_late && used.silent_since().is_some_and(|since| used.awake_since <= since) {
            // An own pause made this alarm late: an answer may have arrived unread, or the request
            // has only just gone out. Wait anew, but once a silence only: it may be a real one.
            used.awake_since = now;
        }
        if let Some(oldest) = used.flight.oldest() {
            let deadline = used.deadline(oldest, options.write_timeout, stopping);
            if deadline <= now {
                let (phase, waited) = (oldest.phase(), deadline.saturating_sub(oldest.at));
                let at_the_end = waited < options.write_timeout;
                context.does(WriterAction::GiveUp(Overdue { phase, waited, at_the_end }));
                return;
            }
        }
        let stalled = used.stall_due(options.stall_after).is_some_and(|due| due <= now);
        if let Some(since) = used.silent_since().filter(|_| stalled) {
            used.stall_told = true;
            context.does(WriterAction::Waits);
            let trouble = Trouble::Stalled { seq: used.flight.oldest_seq(), since, at: now };
            let none = SeqSet::new();
            self.tells_trouble(trouble, &none, &none, self.oldest_due, context);
        }
        if used.flight.is_empty() && used.probe_at.take_if(|probe_at| *probe_at <= now).is_some() {
            used.probe = true;
        }
        if self.batch.is_due(now) {
            self.tells(context);
        }
    }
}
