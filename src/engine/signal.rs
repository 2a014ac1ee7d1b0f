//! What writers and their helpers tell the recorder.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::engine::verification::Subject;
use crate::model::cluster::decision::KnownCluster;
use crate::model::cluster::leadership::LeaderSeen;
use crate::model::cluster::member_names::MemberNames;
use crate::model::cluster::proxy::ProxyChange;
use crate::model::cluster::server::{Server, ServerProcess};
use crate::model::cluster::two_primaries::ServerAcks;
use crate::model::event::{Checked, StopReason, What};
use crate::model::fault::Fault;
use crate::model::ledger::seq_set::SeqSet;
use crate::model::load::own_pause::OwnPause;
use crate::model::load::writer::batch::Batch;
use crate::model::outage::kind::{Kind, Sightings};
use crate::model::outage::stall_cause::StallSeen;
use crate::model::run::Run;
use crate::pg::sessions::connect::NotOpened;
use crate::pg::sessions::identity::ClockReading;

/// One thing that happened.
///
/// What is a fact as it is told goes on as it is. The other variants are for what the recorder
/// judges: it puts them beside what it knows, and makes the facts of them.
#[derive(Debug)]
pub(crate) enum Signal {
    /// A fact, and its time.
    Fact(Duration, What),
    /// Progress, with everything on the way there, and what went wrong.
    Batch(Box<Batch>),
    /// A writer has a session.
    Connected(Box<SessionOpened>),
    /// A connect attempt failed.
    AttemptFailed(Box<AttemptFailed>),
    /// A writer waits for a session since this time, and no attempt has failed. Writes were due since `counts_since`.
    NoSession { writer: i32, since: Duration, counts_since: Duration, at: Duration },
    /// Places were tried in vain before another one served.
    PassedOver { writer: Option<i32>, at: Duration, failures: Vec<NotOpened>, served_by: String },
    /// What writes without an answer wait for, by a look that began then.
    StallSeen { at: Duration, seen: StallSeen },
    /// What was looked up after an outage, and how many rows of the run's own witnesses lie in the gap of its ids.
    Checked { checked: Box<Checked>, witness_rows: u64 },
    /// The leader, by Patroni's API.
    Leader { at: Duration, seen: LeaderSeen },
    /// What the proxy says of a server, and the server's address where it tells that.
    ProxyChanged { at: Duration, change: ProxyChange, address: Option<String> },
    /// What members are called, from now on.
    MemberNames(MemberNames),
    /// A writer has nothing left to write.
    WriterFinished { writer: i32 },
    /// Writing ends.
    Stopping { at: Duration, reason: StopReason },
    /// Every writer has stopped: the outage clock ends. The run as it is comes back.
    WritersDone {
        at: Duration,
        /// Every write that was sent has its outcome.
        all_told: bool,
    },
    /// A member's witness had writes acknowledged by this server: evidence, and nothing of the load's.
    WitnessAcks { member: String, server: Box<Server>, acks: ServerAcks },
    /// pgchaos itself did not run.
    OwnPause(OwnPause),
    /// Everything is told: close the record and give the run back.
    Finish { complete: bool, run: oneshot::Sender<Run> },
    /// A look at the run as it is, for the verification.
    Inspect(oneshot::Sender<Subject>),
}

/// A writer's new session.
#[derive(Debug)]
pub(crate) struct SessionOpened {
    pub(crate) writer: i32,
    pub(crate) at: Duration,
    pub(crate) accepted: Duration,
    pub(crate) authenticated: Duration,
    pub(crate) server: Server,
    pub(crate) backend: ServerProcess,
    /// What the server's clock was, if it told it.
    pub(crate) clock: Option<ClockReading>,
    /// Attempts of the writer that were given up beside this one.
    pub(crate) abandoned: u64,
}

/// A connect attempt that failed.
#[derive(Debug)]
pub(crate) struct AttemptFailed {
    /// None: it was an attempt of the set-up or of the verification.
    pub(crate) writer: Option<i32>,
    /// When it was started; when the load's schedule began, if that was later.
    pub(crate) started: Duration,
    pub(crate) at: Duration,
    /// When TCP was accepted, if it was.
    pub(crate) accepted: Option<Duration>,
    pub(crate) fault: Fault,
    /// The server that answered, when it takes no writes.
    pub(crate) server: Option<Server>,
}

/// What to look up after an outage.
#[derive(Debug)]
pub(crate) struct CheckRequest {
    pub(crate) outage: u32,
    pub(crate) began: Duration,
    pub(crate) sightings: Sightings,
    pub(crate) kind: Kind,
    /// What is known of the cluster.
    pub(crate) known: KnownCluster,
    /// The last id before the outage and the first one after it, where values lie between.
    pub(crate) jump: Option<(i64, i64)>,
    /// `(writer, first, last)`.
    pub(crate) windows: Vec<(i32, i64, i64)>,
    /// Acknowledged writes in the windows.
    pub(crate) acknowledged: BTreeMap<i32, SeqSet>,
    /// Writes in doubt in the windows.
    pub(crate) in_doubt: BTreeMap<i32, SeqSet>,
}
