//! What comes to a writer.

use std::time::Duration;

use crate::model::fault::Fault;

/// What comes to a writer. An answer is the one to its oldest request.
#[derive(Debug, Clone)]
pub enum WriterInput<'a> {
    /// The schedule begins, later than it was made for.
    Begins(Duration),
    /// It begins to look for a session.
    Connecting,
    /// An attempt to have one has ended, with all beside it.
    Attempted {
        /// One of them failed, and not for what pgchaos itself has no room for.
        failed: bool,
        /// There is a session.
        served: bool,
    },
    /// It has waited for a session too long, or until the load ended, and no attempt failed.
    WaitedTooLong,
    /// It is to end, and has no session.
    EndsWithoutSession,
    /// A session takes writes.
    Opened {
        /// Since when.
        since: Duration,
        /// It leads through a pooler that shares out server sessions.
        pooled: bool,
    },
    /// The answer proves that the write is committed.
    Acknowledged {
        /// The id that the server gave.
        id: Option<i64>,
        /// Without the synchronous standby.
        locally: bool,
    },
    /// The answer to a read: the last ids.
    ReadBack(&'a [i64]),
    /// The answer proves that the write is not committed, or refuses the read.
    Refused {
        /// What the server said.
        fault: Fault,
        /// What it is about.
        of: RefusalOf,
    },
    /// The server did the write without a row.
    NoRow(Fault),
    /// The answer proves nothing, and the session cannot be used any more.
    Unproven(Fault),
    /// The session ended. Answers that came before its end were taken.
    SessionEnded(Fault),
    /// The session is given up, as its oldest request was late: the answer to
    /// [`WriterAction::GiveUp`](super::action::WriterAction::GiveUp).
    TimedOut(Fault),
    /// Time went by.
    Time,
    /// How far everything is told is wanted.
    Mark,
    /// All that had come is taken: what is due is to go out.
    AllTaken,
    /// It is time to stop.
    Stop {
        /// When the first writer saw that.
        since: Duration,
    },
    /// Nothing depends any more on what writers that are out still find.
    Decided,
    /// Nothing is to be waited for.
    StopNow,
}

/// What a refusal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalOf {
    /// A prepared statement's name, which a pooler gave to others: the next write brings its
    /// statement along.
    StatementName,
    /// One row, by a policy, whatever its SQLSTATE says.
    Row,
    /// What its SQLSTATE says.
    Sqlstate,
}
