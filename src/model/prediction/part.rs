//! The parts of an outage that is expected, and what is not known of it.

use serde::Serialize;

use crate::model::outage::whose::owner::Owner;
use crate::model::prediction::fault_kind::PredictedFault;
use crate::model::span::Span;

/// What takes time in an outage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PredictedStep {
    /// Patroni is paused, and starts no failover.
    Pause,
    /// The majority of etcd is gone.
    EtcdAway,
    /// The proxy is gone.
    ProxyAway,
    /// The leader's key lapses.
    LockExpires,
    /// The leader shuts PostgreSQL down and gives its key back.
    LockReleased,
    /// The leader renews its key after etcd is back.
    LockRenewed,
    /// Patroni notices that PostgreSQL has ended.
    CrashNoticed,
    /// PostgreSQL starts again and recovers.
    Recovery,
    /// The replicas choose the next leader.
    Election,
    /// PostgreSQL is promoted.
    Promotion,
    /// The proxy starts.
    ProxyStarts,
    /// The proxy's checks find the new leader.
    ProxyChecks,
    /// The proxy holds connects at a server that is gone.
    HeldConnects,
    /// Sessions to the frozen leader end, or their writes time out.
    SilentSessions,
    /// The client connects again.
    Reconnect,
}

impl PredictedStep {
    /// What happens.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Pause => "Patroni is paused: nothing happens until it is resumed",
            Self::EtcdAway => "the majority of etcd is gone",
            Self::ProxyAway => "the proxy is gone",
            Self::LockExpires => "the leader's key lapses (ttl, less what it has aged)",
            Self::LockReleased => "PostgreSQL shuts down, the key is given back",
            Self::LockRenewed => "etcd votes, and the leader renews its key",
            Self::CrashNoticed => "Patroni's next loop finds PostgreSQL dead",
            Self::Recovery => "PostgreSQL starts again and recovers",
            Self::Election => "the replicas choose the next leader",
            Self::Promotion => "PostgreSQL is promoted",
            Self::ProxyStarts => "the proxy starts",
            Self::ProxyChecks => "the proxy's checks find the new leader",
            Self::HeldConnects => "the proxy holds connects at the dead server",
            Self::SilentSessions => "sessions hang at the frozen server",
            Self::Reconnect => "the client's next attempt to connect",
        }
    }

    /// The same in a word or two, for a table.
    #[must_use]
    pub fn short_words(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::EtcdAway => "etcd is away",
            Self::ProxyAway => "it is away",
            Self::LockExpires => "the key lapses",
            Self::LockReleased => "shutdown",
            Self::LockRenewed => "the key is renewed",
            Self::CrashNoticed => "it is noticed",
            Self::Recovery => "recovery",
            Self::Election => "election",
            Self::Promotion => "promotion",
            Self::ProxyStarts => "it starts",
            Self::ProxyChecks => "checks",
            Self::HeldConnects => "held connects",
            Self::SilentSessions => "silent sessions",
            Self::Reconnect => "backoff",
        }
    }
}

/// A part of an outage that is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PredictedPart {
    /// What takes time.
    pub step: PredictedStep,
    /// Where the time is spent.
    pub owner: Owner,
    /// How long.
    #[serde(flatten)]
    pub takes: Span,
}

/// What is not known of an outage, or taken for granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownInfluence {
    /// The proxy's settings.
    ProxyChecks,
    /// Patroni's version, which may clamp its settings.
    PatroniVersion,
    /// Patroni is paused.
    Paused,
    /// How long the shutdown's checkpoint takes.
    ShutdownCheckpoint,
    /// How much there is to recover.
    CrashRecovery,
    /// A replica that waits for WAL takes its promotion up only when it looks for WAL again.
    PromotionWaits,
    /// A machine that is lost refuses nothing.
    LostMachine,
    /// All replicas may be too far behind.
    ReplicasBehind,
    /// A commit waits for a standby.
    SynchronousStandby,
    /// A failsafe leader needs an answer of every member.
    FailsafeMembers,
    /// An etcd that is back within this time is no outage.
    EtcdBackSoon,
    /// A paused leader that reaches no etcd at all goes on for a proxy too.
    PausedWithoutEtcd,
    /// How a proxy is started again.
    ProxyRestart,
}

/// The outage that settings let expect after a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prediction {
    /// The fault.
    pub fault: PredictedFault,
    /// How long writes go on after the fault, before the outage begins.
    pub writes_on: Span,
    /// The parts of the outage in their order; those that take no time even at worst are left out.
    pub parts: Vec<PredictedPart>,
    /// What is not known, or taken for granted.
    pub unknown: Vec<UnknownInfluence>,
}

impl Prediction {
    /// The whole outage: the sum of its parts.
    #[must_use]
    pub fn total(&self) -> Span {
        self.parts.iter().fold(Span::NONE, |sum, part| sum.then(part.takes))
    }

    /// The first part without a worst case: what the outage lasts until the end of.
    #[must_use]
    pub fn unbounded(&self) -> Option<&PredictedPart> {
        self.parts.iter().find(|part| part.takes.to.is_none())
    }

    /// The sum of the parts that have a worst case.
    #[must_use]
    pub fn bounded(&self) -> Span {
        let bounded = self.parts.iter().filter(|part| part.takes.to.is_some());
        bounded.fold(Span::NONE, |sum, part| sum.then(part.takes))
    }

    /// The part that takes most of it: one without a worst case, else the one with the longest middle.
    #[must_use]
    pub fn largest(&self) -> Option<&PredictedPart> {
        let longest = || self.parts.iter().max_by_key(|part| part.takes.mean());
        self.unbounded().or_else(longest)
    }
}
