//! Facts of what is watched beside the load: Patroni's API and replicas.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::cluster::server::Server;
use crate::model::foreign;
use crate::model::seconds;

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
    /// The replica that answered.
    pub server: Server,
    /// Acknowledged writes that it does not show yet.
    pub writes_behind: u64,
    /// How old the oldest of them is.
    #[serde(rename = "behind_s", with = "seconds")]
    pub behind: Duration,
}
