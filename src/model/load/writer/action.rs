//! What a writer does.

use std::time::Duration;

use super::batch::Batch;
use super::in_flight::OneWrite;
use crate::model::fault::Phase;

/// What a writer does, in the order in which a step says it.
#[derive(Debug, PartialEq)]
pub enum WriterAction {
    /// Sends a write.
    Send(OneWrite),
    /// Sends a read of the last ids.
    Read,
    /// Tells a batch.
    Tell(Box<Batch>),
    /// Tells ids that were read back.
    TellIds(Vec<i64>),
    /// Tells that it waits for a session since then, and no attempt has failed.
    TellNoSession {
        /// When it began to wait.
        since: Duration,
    },
    /// Lets the others connect: a write was acknowledged.
    Works,
    /// Has a look taken at what its server processes wait for: there is no answer.
    Waits,
    /// Waits for no answer any more.
    WaitsNoMore,
    /// A request is overdue: the engine makes the fault of that, and hands it back as timed out.
    GiveUp(Overdue),
    /// Leaves the session, which cannot be used any more.
    Leave {
        /// It has ended on its server too, as far as can be known.
        ended: bool,
    },
    /// Keeps the session until the writers that are out are done as well.
    WaitForOthers,
    /// Closes the session with a Terminate message.
    Close,
    /// Has no session any more: looks for the next one.
    Reconnect,
    /// Has ended.
    Done,
    /// Waits for an answer, or until then.
    WaitUntil {
        /// When something is to be done though no answer comes, up to a millisecond later.
        deadline: Duration,
        /// When the next write is due that would be sent then, to the moment.
        due: Duration,
    },
}

/// A request that has had no answer for the whole of its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overdue {
    /// What was being done.
    pub phase: Phase,
    /// For how long it was waited for.
    pub waited: Duration,
    /// It had less than the deadline of a write, as the load has ended.
    pub at_the_end: bool,
}
