//! The faults, of which each has an outage that can be predicted.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// A fault. Its name is that of the built-in drill that makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PredictedFault {
    /// The leader's Patroni and PostgreSQL are killed, and their machine still refuses connections.
    LeaderKilled,
    /// The leader's Patroni is stopped in good order.
    LeaderStopped,
    /// All of the leader's machine hangs: nothing there answers or refuses.
    LeaderFrozen,
    /// Patroni is asked to hand the leadership over.
    Switchover,
    /// The majority of etcd is gone.
    EtcdMajorityLost,
    /// The proxy is gone.
    ProxyGone,
    /// The leader's postmaster is killed, its Patroni is not.
    PostmasterCrashed,
}

impl PredictedFault {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 7] = [
        Self::LeaderKilled,
        Self::LeaderStopped,
        Self::LeaderFrozen,
        Self::Switchover,
        Self::EtcdMajorityLost,
        Self::ProxyGone,
        Self::PostmasterCrashed,
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LeaderKilled => "leader-kill",
            Self::LeaderStopped => "leader-stop",
            Self::LeaderFrozen => "leader-freeze",
            Self::Switchover => "switchover",
            Self::EtcdMajorityLost => "etcd-quorum",
            Self::ProxyGone => "proxy-down",
            Self::PostmasterCrashed => "postgres-crash",
        }
    }

    /// What happens.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::LeaderKilled => "the leader's Patroni and PostgreSQL are killed at once",
            Self::LeaderStopped => "the leader's Patroni is stopped in good order",
            Self::LeaderFrozen => "the leader's machine hangs, and refuses nothing",
            Self::Switchover => "Patroni hands the leadership over",
            Self::EtcdMajorityLost => "the majority of etcd is gone",
            Self::ProxyGone => "the proxy is gone",
            Self::PostmasterCrashed => "PostgreSQL is killed on the leader, Patroni is not",
        }
    }
}

impl fmt::Display for PredictedFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for PredictedFault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|fault| fault.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("it is none of {names}")
        })
    }
}

impl Serialize for PredictedFault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
