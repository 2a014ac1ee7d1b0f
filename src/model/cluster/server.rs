//! The identity of the server behind a session.

use std::fmt;
use std::net::IpAddr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::model::foreign;

/// A database of a cluster: a name alone can be given again to another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Database {
    /// Its name.
    #[serde(deserialize_with = "foreign::read_name")]
    pub name: String,
    /// Its oid, the same on every member.
    pub oid: u32,
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "database {} (oid {})", self.name, self.oid)
    }
}

/// What a limit of sessions is set on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitOf {
    /// `CONNECTION LIMIT` of the role of this name.
    Role(String),
    /// `CONNECTION LIMIT` of the database of this name.
    Database(String),
    /// `max_connections`, without what is reserved for others.
    Server,
}

impl fmt::Display for LimitOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role(name) => write!(f, "role {name}"),
            Self::Database(name) => write!(f, "database {name}"),
            Self::Server => f.write_str("the server"),
        }
    }
}

/// The lowest limit of sessions that holds for the load's role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionLimit {
    /// What the limit is set on.
    pub of: LimitOf,
    /// So many sessions are let in.
    pub max: u32,
}

/// A server process: a process id alone is reused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ServerProcess {
    /// `pg_backend_pid()`.
    pub pid: i32,
    /// `backend_start`, by the server's clock.
    pub start: Option<DateTime<Utc>>,
    /// A pooler stands between: the process may be another one with the next transaction.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pooled: bool,
}

/// What a server said about itself right after a connect.
///
/// A part is `None` where the server does not tell: a Unix socket has no address, some managed
/// services hide the system identifier.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// The member's name, from the setting `pgchaos.member` where the cluster sets it.
    #[serde(default, deserialize_with = "foreign::read_some_name")]
    pub member: Option<String>,
    /// The server's own address, as it sees it (behind a proxy: not the proxy's).
    #[serde(default, deserialize_with = "foreign::read_some_name")]
    pub address: Option<String>,
    /// The server's own port.
    pub port: Option<u16>,
    /// The timeline it writes or replays.
    pub timeline: Option<u32>,
    /// The cluster's system identifier: the same on every member, for life.
    #[serde(default, deserialize_with = "foreign::read_some_name")]
    pub system_identifier: Option<String>,
    /// The database of the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<Database>,
    /// When the postmaster started, by the server's clock.
    pub postmaster_start: Option<DateTime<Utc>>,
    /// When its checkpointer started, by the server's clock. A crash of one server process starts it
    /// anew though the postmaster stays. Hidden from a role without `pg_read_all_stats`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpointer_start: Option<DateTime<Utc>>,
    /// The lowest limit of sessions that holds for the session's role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_limit: Option<SessionLimit>,
    /// PostgreSQL's version as a number: 150004 is 15.4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// In recovery: a replica.
    pub in_recovery: bool,
    /// The session is read-only though the server is not in recovery.
    pub read_only: bool,
}

impl Server {
    /// Whether it takes writes.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        !self.in_recovery && !self.read_only
    }

    /// Whether both are the same member of a cluster; `None` where that is not known.
    ///
    /// What tells, the surest first:
    /// - The system identifier: members of two clusters are never the same.
    /// - The name, where both have one.
    /// - The moment, to the microsecond, at which the postmaster started, together with the system
    ///   identifier.
    /// - The server's own address and port. A loopback address is every machine's own: behind a
    ///   sidecar or a tunnel each member is `127.0.0.1:5432`, so an equal port there tells nothing.
    ///   An unequal one does: a member keeps its port. A Unix socket has neither.
    #[must_use]
    pub fn same_member(&self, other: &Self) -> Option<bool> {
        if let (Some(one), Some(two)) = (&self.system_identifier, &other.system_identifier)
            && one != two
        {
            return Some(false);
        }
        if let (Some(one), Some(two)) = (&self.member, &other.member) {
            return Some(one == two);
        }
        if self.is_same_start(other) {
            return Some(true);
        }
        if let (Some(one), Some(two)) = (self.port, other.port)
            && one != two
        {
            return Some(false);
        }
        match (self.own_address(), other.own_address(), self.port.and(other.port)) {
            (Some(one), Some(two), Some(_)) => Some(one == two),
            _ => None,
        }
    }

    /// The address, if it is not every machine's own.
    #[must_use]
    pub fn own_address(&self) -> Option<&str> {
        let is_loopback = |address: &str| {
            address.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
        };
        self.address.as_deref().filter(|address| !is_loopback(address))
    }

    /// Whether one postmaster, which was not started anew, has given both. A start that is not
    /// known is no sameness.
    #[must_use]
    pub fn is_same_start(&self, other: &Self) -> bool {
        self.postmaster_start.is_some()
            && self.postmaster_start == other.postmaster_start
            && self.system_identifier == other.system_identifier
    }

    /// Whether both take writes of one history, and nothing says that they are two members: this is
    /// the same server, started anew at most.
    ///
    /// Only a promotion lets another member take writes, and that begins a new timeline. Two
    /// exceptions need a hand on the files: a copy of the data folder that is started as a primary,
    /// and two members that were each promoted alone to the same number.
    #[must_use]
    pub fn goes_on_from(&self, before: &Self) -> bool {
        let is_known = self.system_identifier.is_some() && self.timeline.is_some();
        is_known
            && self.system_identifier == before.system_identifier
            && self.timeline == before.timeline
            && self.same_member(before) != Some(false)
    }

    /// Whether this is the same member, and neither failed over nor started anew since.
    #[must_use]
    pub fn has_stayed(&self, before: &Self) -> bool {
        self.same_member(before) == Some(true)
            && self.timeline == before.timeline
            && self.is_same_start(before)
    }

    /// Name, else address and port, else what is known.
    #[must_use]
    pub fn name(&self) -> String {
        self.member.clone().unwrap_or_else(|| self.endpoint())
    }

    /// `address:port` as the server sees itself, or words when it has none.
    #[must_use]
    pub fn endpoint(&self) -> String {
        match (&self.address, self.port) {
            (Some(address), Some(port)) if address.contains(':') => format!("[{address}]:{port}"),
            (Some(address), Some(port)) => format!("{address}:{port}"),
            (Some(address), None) => address.clone(),
            _ => "a local socket".to_owned(),
        }
    }

    /// `primary` or `replica`.
    #[must_use]
    pub fn role(&self) -> &'static str {
        if self.in_recovery { "replica" } else { "primary" }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(member) = &self.member {
            write!(f, "{member} ")?;
        }
        write!(f, "{} · {}", self.endpoint(), self.role())?;
        if self.read_only {
            f.write_str(" · read-only")?;
        }
        if let Some(timeline) = self.timeline {
            write!(f, " · timeline {timeline}")?;
        }
        Ok(())
    }
}
