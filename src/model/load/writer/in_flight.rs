//! The writes and reads of one session that have no answer yet, in the order in which they were
//! sent, which is the order in which the server answers.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::fault::Phase;

/// What was sent, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    pub(super) what: Request,
    pub(super) at: Duration,
}

/// A request.
#[derive(Debug, Clone, Copy)]
pub(super) enum Request {
    /// A write.
    Write(OneWrite),
    /// A read of the last ids.
    Read,
}

/// One write of a writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OneWrite {
    /// Its sequence number.
    pub seq: i64,
    /// When it was due.
    pub due: Duration,
    /// The event's user.
    pub user_id: i32,
    /// The event's type.
    pub event_type: &'static str,
}

/// Requests without an answer.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    sent: VecDeque<Sent>,
    writes: usize,
}

impl InFlight {
    /// A request was sent.
    pub(super) fn push(&mut self, sent: Sent) {
        self.writes += usize::from(sent.is_write());
        self.sent.push_back(sent);
    }

    /// The oldest request was answered.
    pub(super) fn pop(&mut self) -> Option<Sent> {
        let sent = self.sent.pop_front()?;
        self.writes -= usize::from(sent.is_write());
        Some(sent)
    }

    /// The oldest request without an answer.
    pub(super) fn oldest(&self) -> Option<Sent> {
        self.sent.front().copied()
    }

    /// The seq of the oldest write without an answer.
    pub(super) fn oldest_seq(&self) -> Option<i64> {
        self.sent.iter().find_map(|sent| match sent.what {
            Request::Write(write) => Some(write.seq),
            Request::Read => None,
        })
    }

    /// When the oldest write without an answer was due.
    pub(super) fn oldest_due(&self) -> Option<Duration> {
        self.sent.iter().find_map(|sent| match sent.what {
            Request::Write(write) => Some(write.due),
            Request::Read => None,
        })
    }

    /// Since when the server owes an answer and gives no sign of life, its last answer being at
    /// `last_answer`. That a request waits for those before it is no silence.
    pub(super) fn silent_since(&self, last_answer: Duration) -> Option<Duration> {
        self.oldest().map(|oldest| oldest.at.max(last_answer))
    }

    /// Everything without an answer.
    pub(super) fn unanswered(&self) -> impl Iterator<Item = Sent> + '_ {
        self.sent.iter().copied()
    }

    /// While doing what a session that ends now has ended.
    pub(super) fn phase(&self) -> Phase {
        if self.writes > 0 {
            Phase::Write
        } else {
            self.oldest().map_or(Phase::Idle, |oldest| oldest.phase())
        }
    }

    /// How many writes have no answer.
    pub(super) fn writes(&self) -> usize {
        self.writes
    }

    /// Whether everything is answered.
    pub(super) fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }
}

impl Sent {
    pub(super) fn is_write(&self) -> bool {
        matches!(self.what, Request::Write(_))
    }

    /// While doing what a session that ends now has ended.
    pub(super) fn phase(&self) -> Phase {
        if self.is_write() { Phase::Write } else { Phase::Read }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_server_is_silent_since_its_last_answer_or_since_it_was_asked() {
        let mut flight = InFlight::default();
        assert_eq!(flight.silent_since(ms(5)), None, "nothing is owed");
        flight.push(Sent { what: Request::Read, at: ms(10) });
        assert_eq!(flight.silent_since(ms(5)), Some(ms(10)), "a read is owed an answer too");
        flight.push(Sent { what: Request::Read, at: ms(11) });
        assert!(flight.pop().is_some());
        assert_eq!(flight.silent_since(ms(900)), Some(ms(900)), "the second waited for the first");
    }
}
