//! What a proxy says of the servers that it sends to: HAProxy's page, look by look.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::foreign;
use crate::model::seconds;

/// What a proxy says of one server, at the first look and at every change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyChange {
    /// The proxy's backend (`pxname`).
    #[serde(deserialize_with = "foreign::read_name")]
    pub backend: String,
    /// The server in it (`svname`), as the proxy names it.
    #[serde(deserialize_with = "foreign::read_name")]
    pub server: String,
    /// The member that this is, where it is known: by the server's address, or by its name.
    #[serde(
        default,
        deserialize_with = "foreign::read_some_name",
        skip_serializing_if = "Option::is_none"
    )]
    pub member: Option<String>,
    /// When the last look was asked that saw it otherwise: the change came after that. `None` at the first look.
    #[serde(rename = "not_before_s", default, with = "seconds::option")]
    pub not_before: Option<Duration>,
    /// What it is.
    #[serde(flatten)]
    pub is: ProxyServerState,
    /// The result of its last check, in HAProxy's word: `L7OK`, `L4CON`, `L7STS/503`.
    #[serde(
        default,
        deserialize_with = "foreign::read_some_name",
        skip_serializing_if = "Option::is_none"
    )]
    pub check: Option<String>,
}

impl ProxyChange {
    /// The member, else the server as the proxy names it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.member.as_deref().unwrap_or(&self.server)
    }
}

/// What a server can be for a proxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ProxyServerState {
    /// New sessions go there.
    Up,
    /// New sessions go there still, and checks have begun to fail: `failed` of `fall`.
    GoingDown {
        /// Checks that failed in a row.
        failed: u32,
        /// As many take it down.
        fall: u32,
    },
    /// No session goes there.
    Down,
    /// No session goes there yet, and checks have begun to succeed: `passed` of `rise`.
    ComingUp {
        /// Checks that succeeded in a row.
        passed: u32,
        /// As many take it up.
        rise: u32,
    },
    /// It takes no new sessions, as it was set so: `MAINT`, `DRAIN`, `NOLB`, in HAProxy's word.
    OutOfService {
        /// The word.
        #[serde(deserialize_with = "foreign::read_name")]
        word: String,
    },
    /// Sessions go there unchecked: no check is set, or the first one is not done.
    Unchecked,
}

impl ProxyServerState {
    /// Whether new sessions go there.
    #[must_use]
    pub fn takes_sessions(&self) -> bool {
        matches!(self, Self::Up | Self::GoingDown { .. } | Self::Unchecked)
    }
}

/// Whether the proxy's page can be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyPage {
    /// Its URL, without secrets.
    #[serde(deserialize_with = "foreign::read_message")]
    pub url: String,
    /// When the last look was asked that saw it otherwise; `None` at the first look.
    #[serde(rename = "not_before_s", default, with = "seconds::option")]
    pub not_before: Option<Duration>,
    /// Why it cannot be read; `None` when it can, again.
    #[serde(
        default,
        deserialize_with = "foreign::read_some_message",
        skip_serializing_if = "Option::is_none"
    )]
    pub error: Option<String>,
    /// Whether nothing listens there: the connect was refused, or the connection broke. Silence is not that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gone: bool,
}
