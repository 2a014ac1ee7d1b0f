//! An outage: when no write was possible, how long, and its anatomy.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::fault::Class;
use super::injection::Cause;
use super::kind::Kind;
use super::seconds;
use super::server::Server;

/// One outage, measured by the client's monotonic clock. In JSON exactly as the summary has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outage {
    /// Its number in the run, from 1.
    pub n: u32,
    /// Why no write was possible, by evidence.
    pub kind: Kind,
    /// When it began, by the wall clock, for people.
    pub began_at: DateTime<Utc>,
    /// The first evidence that a writer cannot write, since the start of the run. A write that
    /// was never answered is evidence from when it was sent.
    #[serde(rename = "began_s", with = "seconds")]
    pub began: Duration,
    /// The longest stretch inside without any acknowledged write. With one writer, or when all
    /// writers stopped: from the first evidence to the first acknowledged write.
    #[serde(rename = "duration_s", with = "seconds")]
    pub duration: Duration,
    /// How long before the first acknowledged write the cluster may have been back already: the
    /// last attempt that failed started that long before.
    #[serde(rename = "resolution_s", with = "seconds")]
    pub resolution: Duration,
    /// From the first evidence until every writer wrote again.
    #[serde(rename = "degraded_s", with = "seconds")]
    pub degraded: Duration,
    /// The last acknowledged write before the stretch.
    #[serde(rename = "last_ack_s", with = "seconds::option")]
    pub last_ack: Option<Duration>,
    /// The acknowledged write that ended the stretch; `None` when the run ended first.
    #[serde(rename = "first_ack_s", with = "seconds::option")]
    pub first_ack: Option<Duration>,
    /// Connect attempts, the successful ones included.
    pub attempts: u64,
    /// Errors by class.
    pub errors: BTreeMap<Class, u64>,
    /// Its anatomy.
    #[serde(rename = "phases_s")]
    pub phases: Phases,
    /// The server that acknowledged before.
    pub from: Option<Side>,
    /// The server that acknowledged after.
    pub to: Option<Side>,
    /// Writes that it left in doubt.
    pub in_doubt: u64,
    /// Writes that came due in it and were never sent.
    pub skipped: u64,
    /// Writes acknowledged before it and found lost by the final verification.
    pub lost: u64,
    /// What a drill had done last when it was noticed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Box<Cause>>,
}

/// When each step towards writing again was first seen, since the outage began. A step that was
/// not seen is `None`: with a proxy that went silent and came back, there may be no error at all.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Phases {
    /// The first error.
    #[serde(with = "seconds::option")]
    pub first_error: Option<Duration>,
    /// A TCP connect was accepted.
    #[serde(with = "seconds::option")]
    pub tcp_accepted: Option<Duration>,
    /// A server authenticated the session.
    #[serde(with = "seconds::option")]
    pub session: Option<Duration>,
    /// A session's server said that it takes writes.
    #[serde(with = "seconds::option")]
    pub writable: Option<Duration>,
    /// A write was acknowledged.
    #[serde(with = "seconds::option")]
    pub first_ack: Option<Duration>,
    /// Every writer had a write acknowledged.
    #[serde(with = "seconds::option")]
    pub all_writers: Option<Duration>,
    /// Nine tenths of the rate before the outage, over one second.
    #[serde(with = "seconds::option")]
    pub full_rate: Option<Duration>,
    /// Patroni's API was seen to have another leader, or the same one anew. One that was seen
    /// before the first evidence is not this outage's.
    #[serde(with = "seconds::option")]
    pub leader_changed: Option<Duration>,
}

/// A server as the summary names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// The member's name, where it is known.
    pub member: Option<String>,
    /// `address:port`, as the server sees itself.
    pub address: String,
    /// Its timeline.
    pub timeline: Option<u32>,
}

impl From<&Server> for Side {
    fn from(server: &Server) -> Self {
        Self {
            member: server.member.clone(),
            address: server.endpoint(),
            timeline: server.timeline,
        }
    }
}

impl Side {
    /// The member's name, else its address.
    #[must_use]
    pub fn name(&self) -> &str {
        self.member.as_deref().unwrap_or(&self.address)
    }
}
