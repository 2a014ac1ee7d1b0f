//! Facts of what is watched beside the load: Patroni's API and replicas.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::foreign;
use crate::model::seconds;
use crate::model::server::Server;

/// Who leads, by Patroni's API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaderSeen {
    /// Who led before; `None` is nobody, or nobody known.
    #[serde(default, deserialize_with = "foreign::read_some_name")]
    pub from: Option<String>,
    /// Who leads now, by name, or by the URL of its API where that has no name; `None` is nobody.
    /// The same as before: it was promoted anew.
    #[serde(default, deserialize_with = "foreign::read_some_name")]
    pub to: Option<String>,
    /// The timeline of who leads now; `None` while it is not promoted yet.
    pub timeline: Option<u32>,
    /// When it was last known to be otherwise, as far as it was: the change came after that.
    #[serde(rename = "not_before_s", with = "seconds::option")]
    pub not_before: Option<Duration>,
    /// Whether every member of the cluster is asked: else one that is not may lead.
    pub all_asked: bool,
}

/// Whether a member's API can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiReached {
    /// Its member, where it is known.
    #[serde(default, deserialize_with = "foreign::read_some_name")]
    pub member: Option<String>,
    /// Its URL.
    #[serde(deserialize_with = "foreign::read_message")]
    pub url: String,
    /// Why it cannot be asked; `None` when it can, again.
    #[serde(default, deserialize_with = "foreign::read_some_message")]
    pub error: Option<String>,
    /// Whether it is asked on: not so with one that only `/cluster` names and that was never
    /// reached from here.
    pub watched: bool,
}

/// How far a replica is behind what was acknowledged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReplicaLag {
    /// Who answered.
    pub server: Server,
    /// Acknowledged writes that it does not show yet.
    pub writes_behind: u64,
    /// How old the oldest of them is.
    #[serde(rename = "behind_s", with = "seconds")]
    pub behind: Duration,
}
