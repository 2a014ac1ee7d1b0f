//! The writes and reads of one session that have no answer yet, in the order in which they were
//! sent, which is the order in which the server answers.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::fault::Phase;
use crate::pg::user_events::UserEvent;

/// What was sent, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    pub(crate) what: Request,
    pub(crate) at: Duration,
}

/// A request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Request {
    /// A write, and when it was due.
    Write { event: UserEvent, due: Duration },
    /// A read of the last ids.
    Read,
}

/// Requests without an answer.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    sent: VecDeque<Sent>,
    writes: usize,
}

impl InFlight {
    /// A request was sent.
    pub(crate) fn push(&mut self, sent: Sent) {
        self.writes += usize::from(sent.is_write());
        self.sent.push_back(sent);
    }

    /// The oldest request was answered.
    pub(crate) fn pop(&mut self) -> Option<Sent> {
        let sent = self.sent.pop_front()?;
        self.writes -= usize::from(sent.is_write());
        Some(sent)
    }

    /// The oldest request without an answer.
    pub(crate) fn oldest(&self) -> Option<Sent> {
        self.sent.front().copied()
    }

    /// The oldest write without an answer.
    pub(crate) fn oldest_write(&self) -> Option<(i64, Duration)> {
        self.sent.iter().find_map(|sent| match sent.what {
            Request::Write { event, .. } => Some((event.seq, sent.at)),
            Request::Read => None,
        })
    }

    /// Everything without an answer.
    pub(crate) fn unanswered(&self) -> impl Iterator<Item = Sent> + '_ {
        self.sent.iter().copied()
    }

    /// How many writes have no answer.
    pub(crate) fn writes(&self) -> usize {
        self.writes
    }

    /// Whether everything is answered.
    pub(crate) fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }
}

impl Sent {
    pub(crate) fn is_write(&self) -> bool {
        matches!(self.what, Request::Write { .. })
    }

    /// While doing what a session that ends now has ended.
    pub(crate) fn phase(&self) -> Phase {
        if self.is_write() { Phase::Write } else { Phase::Read }
    }
}
