//! What writers and their helpers tell the recorder.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::oneshot;

use super::outbox::Batch;
use super::verification::{Step, Subject};
use crate::model::cluster::decision::KnownCluster;
use crate::model::cluster::leadership::LeaderSeen;
use crate::model::cluster::member_names::MemberNames;
use crate::model::cluster::server::Server;
use crate::model::cluster::server::ServerProcess;
use crate::model::event::{ApiReached, Checked, ReplicaLag, StopReason, Verification};
use crate::model::fault::Fault;
use crate::model::ledger::seq_set::SeqSet;
use crate::model::load::own_pause::OwnPause;
use crate::model::outage::injection::Injected;
use crate::model::outage::kind::{Kind, Sightings};
use crate::model::outage::stall_cause::StallSeen;
use crate::model::run::Run;
use crate::pg::connect::NotOpened;
use crate::pg::identity::ClockReading;

/// One thing that happened.
#[derive(Debug)]
pub(crate) enum Signal {
    /// The cluster was reached for the first time.
    Ready { server: Server, created: bool },
    /// Progress, with everything on the way there, and what went wrong.
    Batch(Box<Batch>),
    /// Ids were read back.
    ReadBack { writer: i32, ids: Vec<i64> },
    /// A writer has a session.
    Connected {
        writer: i32,
        at: Duration,
        accepted: Duration,
        authenticated: Duration,
        server: Box<Server>,
        backend: ServerProcess,
        /// What the server's clock was, if it told it.
        clock: Option<ClockReading>,
        /// Attempts of the writer that were given up beside this one.
        abandoned: u64,
    },
    /// A connect attempt failed. Without a writer it was the set-up's or the verification's.
    AttemptFailed {
        writer: Option<i32>,
        started: Duration,
        at: Duration,
        accepted: Option<Duration>,
        fault: Box<Fault>,
        server: Option<Box<Server>>,
    },
    /// A writer waits for a session since this time, and no attempt has failed.
    NoSession { writer: i32, since: Duration, at: Duration },
    /// Places were tried in vain before another one served.
    PassedOver { writer: Option<i32>, at: Duration, failures: Vec<NotOpened>, served_by: String },
    /// The run can never work as it was asked for.
    Refused(Box<Fault>),
    /// What writes without an answer wait for, by a look that began then.
    StallSeen { at: Duration, seen: StallSeen },
    /// What was looked up after an outage.
    Checked(Box<Checked>),
    /// What became known of an outage's kind.
    Reclassified { outage: u32, kind: Kind },
    /// A replica could not be read from.
    ReplicaFailed(Box<Fault>),
    /// How far a replica is behind.
    ReplicaLag(Box<ReplicaLag>),
    /// Who leads, by Patroni's API.
    Leader { at: Duration, seen: LeaderSeen },
    /// The API of a member answers, or does not.
    PatroniApi { at: Duration, reached: ApiReached },
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
    /// A drill does something to the cluster.
    Injected { at: Duration, injected: Injected },
    /// It is done, or has failed.
    InjectionEnded { step: u32, took: Duration },
    /// What a drill waits for, or says.
    Drill(String),
    /// pgchaos itself did not run.
    OwnPause(OwnPause),
    /// Something to know.
    Warning(String),
    /// What the verification does.
    Verifying(Step),
    /// The verification's result.
    Verified(Box<Verification>),
    /// Everything is told: close the record and give the run back.
    Finish { complete: bool, run: oneshot::Sender<Run> },
    /// A look at the run as it is, for the verification.
    Inspect(oneshot::Sender<Subject>),
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
