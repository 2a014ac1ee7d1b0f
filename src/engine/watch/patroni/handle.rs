//! What others see of the watch.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tokio::time::timeout;

use super::bounds::DEADLINE;
use crate::model::cluster::server::Server;
use crate::model::outage::old_primary::{OldPrimaries, OldPrimary};
use crate::patroni::PatroniApi;

/// How long a primary that has lost the leader's lock may go on before it stops: Patroni's default
/// `retry_timeout`.
const BEFORE_EVIDENCE: Duration = Duration::from_secs(10);

/// What others see of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Watched {
    pub(super) old_primaries: OldPrimaries,
    /// The members' APIs.
    pub(super) apis: Vec<PatroniApi>,
    /// The list of members was asked for once.
    pub(super) begun: bool,
    /// Where `/cluster` names the members' servers, by name.
    pub(super) servers: BTreeMap<String, NamedServer>,
    /// When each member's postmaster started, as its own API tells, by name.
    pub(super) starts: BTreeMap<String, DateTime<Utc>>,
    /// The cluster's system identifier, once it is known.
    pub(super) identifier: Option<String>,
}

/// A member's server, as `/cluster` names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedServer {
    pub(crate) member: String,
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// A handle to what is known.
#[derive(Debug, Clone)]
pub(crate) struct PatroniWatch(pub(super) watch::Receiver<Watched>);

impl PatroniWatch {
    /// What the API of the primary before an outage tells of its end as one.
    pub(crate) fn old_primary(&self, before: Option<&Server>) -> OldPrimary {
        let Some(name) = before.and_then(|server| server.member.as_deref()) else {
            return OldPrimary::Unknown;
        };
        self.0.borrow().old_primaries.of(name)
    }

    /// Whether the API of the primary before an outage that began then says that it gave up or lost
    /// the leader's lock. It can have done so somewhat earlier: its PostgreSQL goes on for a while.
    pub(crate) fn gave_up(&self, before: Option<&Server>, began: Duration) -> bool {
        let since = began.saturating_sub(BEFORE_EVIDENCE);
        before
            .and_then(|server| server.member.as_deref())
            .is_some_and(|name| self.0.borrow().old_primaries.gave_up_since(name, since))
    }

    /// Where the members' servers are, as Patroni names them.
    pub(crate) fn servers(&self) -> Vec<NamedServer> {
        self.0.borrow().servers.values().cloned().collect()
    }

    /// When a member's postmaster started, by its own API.
    pub(crate) fn start_of(&self, member: &str) -> Option<DateTime<Utc>> {
        self.0.borrow().starts.get(member).copied()
    }

    /// The cluster's system identifier, once it is known.
    pub(crate) fn identifier(&self) -> Option<String> {
        self.0.borrow().identifier.clone()
    }

    /// The members' APIs that were found so far.
    pub(crate) fn apis(&self) -> Vec<PatroniApi> {
        self.0.borrow().apis.clone()
    }

    /// Waits until the members are known, or could not be: not longer than [`DEADLINE`].
    pub(crate) async fn begun(&self) {
        let mut watched = self.0.clone();
        // A timeout and a closed channel mean the same: stop waiting.
        let _ = timeout(DEADLINE, watched.wait_for(|watched| watched.begun)).await;
    }
}
