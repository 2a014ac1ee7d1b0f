//! What Patroni's API answers, as far as it is of use here, from Patroni 3.0 to 4.1.
//!
//! Fields come and go between versions, so nearly all of them may be missing; but a body without
//! those that every version has had is not taken for Patroni's.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::model::foreign;

/// A member's role, in Patroni's words.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum Role {
    /// `primary`, `leader`, and `master` before Patroni 4.
    Primary,
    /// The leader of a standby cluster: it leads, and takes no writes.
    StandbyLeader,
    /// `replica`, also a synchronous one.
    Replica,
    /// A role of another version of Patroni, as it was named.
    Other(String),
}

impl Role {
    /// Whether it was the leader and is stopped until it goes on as a replica.
    #[must_use]
    pub fn is_demoted(&self) -> bool {
        matches!(self, Self::Other(word) if word == "demoted")
    }
}

impl From<String> for Role {
    fn from(word: String) -> Self {
        match word.as_str() {
            "primary" | "leader" | "master" => Self::Primary,
            "standby_leader" => Self::StandbyLeader,
            "replica" | "sync_standby" | "quorum_standby" => Self::Replica,
            _ => Self::Other(foreign::name(&word)),
        }
    }
}

/// `GET /patroni` and `GET /primary`: a member about itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct MemberStatus {
    /// Its state in Patroni's words: `running`, `starting`, `stopped`, `crashed`, …
    #[serde(deserialize_with = "foreign::read_name")]
    pub state: String,
    /// The role of its PostgreSQL. It does not tell the holder of the leader's key: `/primary` does.
    pub role: Role,
    /// The timeline it writes or replays, when PostgreSQL runs.
    #[serde(default)]
    pub timeline: Option<u32>,
    /// When the postmaster started, by the server's clock.
    #[serde(default, deserialize_with = "lenient_time")]
    pub postmaster_start_time: Option<DateTime<Utc>>,
    /// The cluster's system identifier.
    #[serde(default, deserialize_with = "foreign::read_some_name")]
    pub database_system_identifier: Option<String>,
    /// PostgreSQL's version as a number: 150004.
    #[serde(default)]
    pub server_version: Option<u32>,
    /// The leader's key has no holder, or the member cannot read its store and knows nothing.
    #[serde(default)]
    pub cluster_unlocked: bool,
    /// When it last read its store, or what it holds of it while it is connected, by its clock, in whole seconds since 1970.
    #[serde(default, deserialize_with = "lenient_number")]
    pub dcs_last_seen: Option<u64>,
    /// Patroni is paused (maintenance mode).
    #[serde(default)]
    pub pause: bool,
    /// Its walsenders: the replicas that stream from it.
    #[serde(default)]
    pub replication: Vec<WalSender>,
    /// Patroni about itself.
    pub patroni: PatroniItself,
}

/// One line of the primary's `pg_stat_replication`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct WalSender {
    /// The member's name, where Patroni set up the replication.
    #[serde(default, deserialize_with = "foreign::read_some_name")]
    pub application_name: Option<String>,
    /// `streaming`, `catchup`, `backup`, …
    #[serde(default, deserialize_with = "foreign::read_some_name")]
    pub state: Option<String>,
}

/// Patroni about itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PatroniItself {
    /// Its version: `3.0.2`.
    #[serde(deserialize_with = "foreign::read_name")]
    pub version: String,
    /// The cluster's name.
    #[serde(default, deserialize_with = "foreign::read_some_name")]
    pub scope: Option<String>,
    /// The member's name; not told by older versions.
    #[serde(default, deserialize_with = "foreign::read_some_name")]
    pub name: Option<String>,
}

/// `GET /cluster`: all members as the cluster's store knows them, which may be out of date.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Cluster {
    /// The members, by name.
    pub members: Vec<ClusterMember>,
    /// Patroni is paused (maintenance mode).
    #[serde(default)]
    pub pause: bool,
}

/// One member in `GET /cluster`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ClusterMember {
    /// Its name.
    #[serde(deserialize_with = "foreign::read_name")]
    pub name: String,
    /// Its role: [`Role::Primary`] holds, or last held, the leader's key.
    pub role: Role,
    /// Its state: `running`, `streaming`, `stopped`, …
    #[serde(deserialize_with = "foreign::read_name")]
    pub state: String,
    /// Its API as the other members reach it: `http://patroni1:8008/patroni`.
    #[serde(default, deserialize_with = "foreign::read_some_name")]
    pub api_url: Option<String>,
    /// The host of its PostgreSQL as the other members reach it.
    #[serde(default, deserialize_with = "foreign::read_some_name")]
    pub host: Option<String>,
    /// The port of its PostgreSQL.
    #[serde(default)]
    pub port: Option<u16>,
    /// Its timeline.
    #[serde(default)]
    pub timeline: Option<u32>,
    /// How far behind the leader, in bytes; `None` is unknown, or the leader itself.
    #[serde(default, rename = "lag", deserialize_with = "lenient_number")]
    pub lag_bytes: Option<u64>,
    /// Its tags.
    #[serde(default)]
    pub tags: serde_json::Map<String, Value>,
}

/// One line of `GET /history`: how a timeline ended.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "HistoryLine")]
pub struct HistoryEntry {
    /// The timeline that ended.
    pub timeline: u32,
    /// Where it ended, in bytes of WAL.
    pub lsn: u64,
    /// PostgreSQL's reason, nearly always "no recovery target specified".
    pub reason: String,
    /// When the next one began, by the new leader's clock.
    pub at: Option<DateTime<Utc>>,
    /// The member that became the leader then.
    pub new_leader: Option<String>,
}

/// `[timeline, lsn, reason, when, new leader]`, of which the last two came later.
#[derive(Deserialize)]
#[serde(untagged)]
enum HistoryLine {
    Named(u32, u64, String, String, String),
    Timed(u32, u64, String, String),
    Plain(u32, u64, String),
}

impl From<HistoryLine> for HistoryEntry {
    fn from(line: HistoryLine) -> Self {
        let (timeline, lsn, reason, at, new_leader) = match line {
            HistoryLine::Named(timeline, lsn, reason, at, name) => {
                (timeline, lsn, reason, Some(at), Some(name))
            }
            HistoryLine::Timed(timeline, lsn, reason, at) => {
                (timeline, lsn, reason, Some(at), None)
            }
            HistoryLine::Plain(timeline, lsn, reason) => (timeline, lsn, reason, None, None),
        };
        let (reason, new_leader) =
            (foreign::said(&reason), new_leader.as_deref().map(foreign::name));
        Self { timeline, lsn, reason, at: at.and_then(|at| at.parse().ok()), new_leader }
    }
}

fn lenient_time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    // Patroni 2 wrote "2021-03-04 05:06:07.890 CEST", which names no one time zone.
    Ok(Value::deserialize(from)?.as_str().and_then(|text| text.parse().ok()))
}

fn lenient_number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    Ok(Value::deserialize(from)?.as_u64())
}
