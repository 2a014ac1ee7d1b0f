//! What the end of a session leaves behind.

use super::action::WriterAction;
use super::batch::Trouble;
use super::in_flight::{Request, Sent};
use super::session_in_use::SessionInUse;
use super::step_context::StepContext;
use super::writer_core::WriterCore;
use crate::model::fault::{Class, Fault};
use crate::model::ledger::seq_set::SeqSet;

impl WriterCore {
    /// Leaves a session that cannot be used any more. Its unanswered writes are in doubt, and so is
    /// a write with an answer that proves nothing.
    pub(super) fn leaves(
        &mut self,
        used: &SessionInUse,
        untold: Option<Sent>,
        fault: Fault,
        context: &mut StepContext<'_>,
    ) {
        let at = context.now;
        let oldest = untold.or_else(|| used.flight.oldest());
        // The silence counts from the last answer or the oldest open request, the later of both.
        let since = oldest.map_or(at, |oldest| oldest.at.max(used.last_answer));
        // Without an error from the server, unanswered requests may still run there.
        let ended = fault.sqlstate.is_some() || used.flight.is_empty();
        context.does(WriterAction::Leave { ended });
        let waits = fault.class == Class::Timeout;
        context.does(if waits { WriterAction::Waits } else { WriterAction::WaitsNoMore });
        let trouble = Trouble::Failed { since, at, fault };
        let in_doubt = writes(untold.into_iter().chain(used.flight.unanswered()));
        self.resolved = self.attempted;
        self.tells_trouble(trouble, &SeqSet::new(), &in_doubt, None, context);
    }

    /// The run is stopped at once: what is in flight stays without an answer.
    pub(super) fn stops_now(&mut self, used: &SessionInUse, context: &mut StepContext<'_>) {
        let in_doubt = writes(used.flight.unanswered());
        self.resolved = self.attempted;
        if in_doubt.is_empty() {
            self.tells(context);
        } else {
            let trouble = Trouble::StoppedNow { at: context.now };
            self.tells_trouble(trouble, &SeqSet::new(), &in_doubt, None, context);
        }
    }
}

/// The writes among requests.
fn writes(requests: impl Iterator<Item = Sent>) -> SeqSet {
    requests
        .filter_map(|sent| match sent.what {
            Request::Write(write) => Some(write.seq..=write.seq),
            Request::Read => None,
        })
        .collect()
}
