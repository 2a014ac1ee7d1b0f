//! What each member's PostgreSQL is, asked at its own address.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::cluster::server::Server;
use crate::model::foreign;
use crate::model::seconds;

/// What a member's PostgreSQL is: at the first look, and at every change of role, timeline or start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemberServer {
    /// The member's name.
    #[serde(deserialize_with = "foreign::read_name")]
    pub member: String,
    /// When the last look was asked that saw it otherwise: the change came after that. `None` at the first look.
    #[serde(rename = "not_before_s", default, with = "seconds::option")]
    pub not_before: Option<Duration>,
    /// What it is.
    #[serde(flatten)]
    pub is: MemberServerState,
}

/// What a member's PostgreSQL can be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum MemberServerState {
    /// It answers: its role, timeline, start and whether it takes writes are in its identity.
    Answers {
        /// What it says of itself.
        server: Box<Server>,
    },
    /// It refuses every session while it starts, shuts down or recovers (57P03).
    Starting,
    /// Nothing listens there, or the session ended.
    Gone,
    /// No answer in time.
    Silent,
    /// It answers, and lets this role not in, or not look: in words.
    Refused {
        /// Why.
        #[serde(deserialize_with = "foreign::read_message")]
        reason: String,
    },
}

impl MemberServerState {
    /// Whether it takes writes; `None` where that is not known.
    #[must_use]
    pub fn takes_writes(&self) -> Option<bool> {
        match self {
            Self::Answers { server } => Some(server.is_writable()),
            Self::Starting | Self::Gone => Some(false),
            Self::Silent | Self::Refused { .. } => None,
        }
    }
}

/// How far a member's write-ahead log is, told once a second while it moves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayPosition {
    /// The member's name.
    #[serde(deserialize_with = "foreign::read_name")]
    pub member: String,
    /// Bytes replayed by a replica, or written by a primary, since the beginning of the log: an LSN as a number.
    pub lsn: u64,
    /// Bytes behind the primary at about the same time, where one was asked; 0 for the primary itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind_bytes: Option<u64>,
}
