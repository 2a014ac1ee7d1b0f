//! Everything that a run can report, one variant a fact.
//!
//! The same events go to the log, to the record and into [`Run`](crate::model::run::Run): what is
//! summed up live is summed up again from the record, by the same code. [`What::Written`],
//! [`What::ReadBack`], [`What::Verifying`] and [`What::LookedAt`] are for the log alone.
//!
//! The facts themselves, by what they are about: `header`, `beside`, `writing`, `outages`, `watching`,
//! `ending`.

mod beside;
mod ending;
mod header;
mod outages;
mod watching;
mod writing;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use beside::{AUTO, Beside, MemberToWatch};
pub use ending::{Holding, Note, RunResult, StopReason, Verification};
pub use header::Header;
pub use outages::{
    Backwards, BackwardsWhat, Checked, IdGap, OutageBegan, WritersOut, WritesResumed,
};
pub use watching::{ApiReached, ReplicaLag};
pub use writing::{
    Connected, ErrorCounts, Failure, Interval, NoSession, ReadBack, Ready, Stalled, WriterWrites,
};

use crate::model::cluster::clock_offset::ClockOffset;
use crate::model::cluster::leader_key::LeaderKey;
use crate::model::cluster::leadership::LeaderSeen;
use crate::model::cluster::member_servers::{MemberServer, ReplayPosition};
use crate::model::cluster::member_states::MemberChange;
use crate::model::cluster::proxy::{ProxyChange, ProxyPage};
use crate::model::cluster::server::Server;
use crate::model::cluster::software::{MemberSoftware, PatroniSettings};
use crate::model::cluster::two_primaries::TwoPrimaries;
use crate::model::cluster::witness::WitnessSeen;
use crate::model::fault::Fault;
use crate::model::foreign;
use crate::model::load::own_pause::OwnPause;
use crate::model::load::passed_over::PassedOver;
pub use crate::model::load::writer::written::Written;
use crate::model::outage::Outage;
use crate::model::outage::ack_gaps::AckGap;
use crate::model::outage::injection::Injected;
use crate::model::outage::kind::Kind;
use crate::model::outage::stall_cause::StallSeen;
use crate::model::outage::whose::WhoseSeconds;
use crate::model::seconds;

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
    /// A host, or an address of its name, did not serve a connect that another one served: no
    /// outage by itself, but each connect waits for it.
    PassedOver(Box<PassedOver>),
    /// A server acknowledged its first write of this run; one that was started or promoted anew is
    /// another server.
    Acknowledging {
        /// Which one.
        server: Server,
    },
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
    /// A writer has had no session for too long, or when the load ended, and no attempt has failed.
    NoSession(NoSession),
    /// What writes without an answer wait for, by a look at their own server processes: the first
    /// look in an outage, and every change.
    StallSeen(StallSeen),
    /// Writes were acknowledged although the wait for their synchronous standby was cancelled: no
    /// standby may have them.
    AcknowledgedLocally(WriterWrites),
    /// The run was stopped at once: what was in flight is in doubt, and no error.
    GivenUp(WriterWrites),
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
    /// How many writers are out.
    WritersOut(WritersOut),
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
    /// How far a server's clock is ahead of the run's: told once for each start of the server, and
    /// again when it is known much better.
    ServerClock {
        /// The server.
        server: Box<Server>,
        /// Its clock.
        #[serde(flatten)]
        offset: ClockOffset,
    },
    /// For some 100 ms or more a write was due or unanswered and none of any writer was
    /// acknowledged: what runs of one group are compared by.
    AckGap(AckGap),
    /// Such a stretch goes on, for half a second or more: a killed run's record has its beginning.
    AckGapGoesOn {
        /// When it began, since the start of the run.
        #[serde(rename = "from_s", with = "seconds")]
        from: Duration,
    },
    /// The leader, by Patroni's API: at the first look, and at every change.
    Leader(LeaderSeen),
    /// An outage was over before it was seen that another member leads, or the same one anew.
    LeaderChanged {
        /// The outage's number.
        outage: u32,
        /// How long after it began that was seen.
        #[serde(rename = "after_s", with = "seconds")]
        after: Duration,
    },
    /// The leader's key is free, by a member's word, or is held again. A member that cannot read Patroni's store says that it is
    /// free as well; by when it last could (`dcs_last_seen`), that is not taken for it.
    LeaderKey(LeaderKey),
    /// What a member is, by its own Patroni API: at the first look, and at every change.
    MemberChanged(MemberChange),
    /// What a member runs, by its own Patroni API: at the first look, and when that has changed.
    MemberSoftware(MemberSoftware),
    /// Patroni's settings, by its API: at the first look, and when they have changed.
    PatroniSettings(PatroniSettings),
    /// The API of a member answers, or does not. It is no error of the load.
    PatroniApi(ApiReached),
    /// What the proxy says of a server: at the first look, and at every change.
    ProxyChanged(ProxyChange),
    /// The proxy's page can be read, or cannot. It is no error of the load.
    ProxyPage(ProxyPage),
    /// What a member's PostgreSQL is, asked at its own address: at the first look, and at every change.
    MemberServer(MemberServer),
    /// How far a member's write-ahead log is, once a second while it moves.
    ReplayPosition(ReplayPosition),
    /// A member began to take a witness's writes, or ended to: evidence beside the load.
    Witness(WitnessSeen),
    /// An outage's parts and their owners, told once the watchers' looks at it are done.
    WhoseSeconds {
        /// The outage's number.
        outage: u32,
        /// Its parts.
        #[serde(flatten)]
        whose: WhoseSeconds,
    },
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
    /// Two servers acknowledge writes at the same time: when that is first seen, when its window
    /// has grown, and at the end of the load.
    TwoPrimaries(Box<TwoPrimaries>),
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
        #[serde(deserialize_with = "foreign::read_message")]
        message: String,
    },
    /// Writing ends, verification begins.
    Stopping {
        /// Why: `duration`, `writes`, `signal`.
        reason: StopReason,
        /// Writers that are out, and go on alone for a while.
        #[serde(default)]
        writers_out: u64,
    },
    /// What the final verification waits for or does.
    Verifying {
        /// In words.
        #[serde(deserialize_with = "foreign::read_message")]
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
    /// All that the load has to tell is told: the record is closed.
    Ended {
        /// Whether every write that was sent is in the ledger. Not so when the run was stopped at
        /// once and a writer could not tell what it had in flight.
        complete: bool,
    },
    /// What the run comes to by all that stands before it: the last line of a record that was closed,
    /// or verified later.
    Result(RunResult),
    /// pgchaos itself did not run for a while.
    OwnPause(OwnPause),
    /// Something to know that changes no count.
    Warning {
        /// In words.
        #[serde(deserialize_with = "foreign::read_message")]
        message: String,
    },
}

/// Whether and when a fact goes into the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is for the log alone.
    Not,
    /// With the next lines, at most half a second later.
    WithTheNext,
    /// At once, as what follows from it may be the end of the process or of the cluster.
    AtOnce,
}

impl What {
    /// Whether and when it goes into the record.
    #[must_use]
    pub fn kept(&self) -> Kept {
        match self {
            Self::Written(_)
            | Self::ReadBack(_)
            | Self::Verifying { .. }
            | Self::LookedAt { .. } => Kept::Not,
            Self::InjectionEnded { .. } | Self::Verified(_) => Kept::AtOnce,
            Self::Run(_)
            | Self::Ready(_)
            | Self::Connected(_)
            | Self::PassedOver(_)
            | Self::Acknowledging { .. }
            | Self::Fault(_)
            | Self::Refused { .. }
            | Self::Stalled(_)
            | Self::NoSession(_)
            | Self::StallSeen(_)
            | Self::AcknowledgedLocally(_)
            | Self::GivenUp(_)
            | Self::Interval(_)
            | Self::OutageBegan(_)
            | Self::WritesResumed(_)
            | Self::WritersOut(_)
            | Self::OutageEnded(_)
            | Self::FullRate { .. }
            | Self::ServerClock { .. }
            | Self::AckGap(_)
            | Self::AckGapGoesOn { .. }
            | Self::Leader(_)
            | Self::LeaderChanged { .. }
            | Self::LeaderKey(_)
            | Self::MemberChanged(_)
            | Self::MemberSoftware(_)
            | Self::PatroniSettings(_)
            | Self::PatroniApi(_)
            | Self::ProxyChanged(_)
            | Self::ProxyPage(_)
            | Self::MemberServer(_)
            | Self::ReplayPosition(_)
            | Self::Witness(_)
            | Self::WhoseSeconds { .. }
            | Self::Checked(_)
            | Self::Reclassified { .. }
            | Self::IdGap(_)
            | Self::HistoryBackwards(_)
            | Self::TwoPrimaries(_)
            | Self::ReplicaLag(_)
            | Self::ReplicaFailed { .. }
            | Self::Injected(_)
            | Self::Drill { .. }
            | Self::Stopping { .. }
            | Self::Closed
            | Self::Ended { .. }
            | Self::Result(_)
            | Self::OwnPause(_)
            | Self::Warning { .. } => Kept::WithTheNext,
        }
    }

    /// Every server that answered in this fact, to be named by what is known of members.
    pub fn each_server(&mut self, mut name: impl FnMut(&mut Server)) {
        match self {
            Self::Ready(ready) => name(&mut ready.server),
            Self::ReplicaLag(lag) => name(&mut lag.server),
            _ => {}
        }
    }
}
