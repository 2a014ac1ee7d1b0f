//! Who answered: the identity of the server behind a session.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What a server said about itself right after a connect.
///
/// A part is `None` where the server does not tell: a Unix socket has no address, some managed
/// services hide the system identifier.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// The member's name, from the setting `pgchaos.member` where the cluster sets it.
    pub member: Option<String>,
    /// The server's own address, as it sees it (behind a proxy: not the proxy's).
    pub address: Option<String>,
    /// The server's own port.
    pub port: Option<u16>,
    /// The timeline it writes or replays.
    pub timeline: Option<u32>,
    /// The cluster's system identifier: the same on every member, for life.
    pub system_identifier: Option<String>,
    /// When the postmaster started, by the server's clock.
    pub postmaster_start: Option<DateTime<Utc>>,
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

    /// Whether both are the same member, by name where both have one, else by address and port.
    #[must_use]
    pub fn is_same_member(&self, other: &Self) -> bool {
        match (&self.member, &other.member) {
            (Some(one), Some(two)) => one == two,
            _ => self.address == other.address && self.port == other.port,
        }
    }

    /// Whether this is the same member, and neither failed over nor started anew since.
    #[must_use]
    pub fn has_stayed(&self, before: &Self) -> bool {
        self.is_same_member(before)
            && self.timeline == before.timeline
            && self.postmaster_start == before.postmaster_start
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
