//! Everything that a run can report, one variant a fact.
//!
//! The same events go to the log, to the record and into [`Run`](super::run::Run): what is
//! summed up live is summed up again from the record, by the same code. [`What::Written`],
//! [`What::ReadBack`], [`What::Verifying`] and [`What::LookedAt`] are for the log alone.
//!
//! The facts themselves, by what they are about: `header`, `writing`, `outages`, `watching`,
//! `ending`.

mod ending;
mod header;
mod outages;
mod watching;
mod writing;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use ending::{StopReason, Verification};
pub use header::Header;
pub use outages::{Backwards, BackwardsWhat, Checked, IdGap, OutageBegan, WritesResumed};
pub use watching::{ApiReached, LeaderSeen, ReplicaLag};
pub use writing::{
    Backend, Connected, ErrorCounts, Failure, Interval, Progress, ReadBack, Ready, Stalled, Written,
};

use super::fault::Fault;
use super::injection::Injected;
use super::kind::Kind;
use super::outage::Outage;
use super::seconds;

/// One fact, and when it was known: `at`, since the start of the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Since the start of the run, by the monotonic clock.
    #[serde(rename = "at_s", with = "seconds")]
    pub at: Duration,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum What {
    /// The run begins: the first line of a record.
    Run(Box<Header>),
    /// The cluster was reached for the first time and its objects are there: writing begins.
    Ready(Ready),
    /// A writer has a session.
    Connected(Connected),
    /// An attempt, a write, a read or an idle session failed.
    Fault(Failure),
    /// The run can never work as it was asked for: it ends before its first write, and has no
    /// record. For the log of programs alone; people get the reason and the remedy.
    Refused {
        /// Why.
        fault: Fault,
    },
    /// A write has had no answer for longer than `--stall-after`.
    Stalled(Stalled),
    /// One acknowledged write, told one by one at low rates.
    Written(Written),
    /// The last ids, read back.
    ReadBack(ReadBack),
    /// What was done since the last interval.
    Interval(Box<Interval>),
    /// The first evidence that a writer cannot write.
    OutageBegan(OutageBegan),
    /// A write was acknowledged again while other writers still have no session.
    WritesResumed(WritesResumed),
    /// Every writer writes again, or the run ended.
    OutageEnded(Box<Outage>),
    /// The rate is back to what it was before the outage.
    FullRate {
        /// The outage's number.
        outage: u32,
        /// How long after it began.
        #[serde(rename = "after_s", with = "seconds")]
        after: Duration,
    },
    /// Who leads, by Patroni's API: the first look, and every change.
    Leader(LeaderSeen),
    /// An outage was over before it was seen that another member leads, or the same one anew.
    LeaderChanged {
        /// The outage's number.
        outage: u32,
        /// How long after it began that was seen.
        #[serde(rename = "after_s", with = "seconds")]
        after: Duration,
    },
    /// The API of a member answers, or does not. It is no error of the load.
    PatroniApi(ApiReached),
    /// What was found after an outage: provisional for what is absent, final for what is present.
    Checked(Checked),
    /// The outage's kind, now that more is known of the servers.
    Reclassified {
        /// The outage's number.
        outage: u32,
        /// Its kind.
        kind: Kind,
    },
    /// The ids jumped though nothing is missing.
    IdGap(IdGap),
    /// Timeline or ids went back: acknowledged writes may be gone.
    HistoryBackwards(Backwards),
    /// How far a replica is behind.
    ReplicaLag(ReplicaLag),
    /// A replica could not be read from. It is no error of the load.
    ReplicaFailed {
        /// The error.
        fault: Fault,
    },
    /// A drill does something to the cluster: `at` is when it begins.
    Injected(Injected),
    /// It is done, or has failed.
    InjectionEnded {
        /// The step of the drill.
        step: u32,
        /// How long it took.
        #[serde(rename = "took_s", with = "seconds")]
        took: Duration,
    },
    /// What a drill waits for, or says.
    Drill {
        /// In words.
        message: String,
    },
    /// Writing ends, verification begins.
    Stopping {
        /// Why: `duration`, `writes`, `signal`.
        reason: StopReason,
    },
    /// What the final verification waits for or does.
    Verifying {
        /// In words.
        step: String,
    },
    /// How far the final verification's look is.
    LookedAt {
        /// Writes that are looked at.
        writes: u64,
        /// All writes that were sent.
        of: u64,
    },
    /// The final verification's result.
    Verified(Box<Verification>),
    /// Every write that was sent has its outcome: from here on nothing is unaccounted.
    Closed,
    /// The last line of a record that was closed.
    Ended {
        /// Whether every write that was sent is in the ledger. Not so when a second Ctrl-C came
        /// while writes were in flight.
        complete: bool,
    },
    /// Something to know that changes no count.
    Warning {
        /// In words.
        message: String,
    },
}
