//! What the watchers saw: what an outage is split by.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::cluster::leader_key::LeaderKey;
use crate::model::cluster::leadership::LeaderSeen;
use crate::model::cluster::member_servers::{MemberServer, MemberServerState};
use crate::model::cluster::member_states::{MemberChange, MemberState};
use crate::model::cluster::proxy::{ProxyChange, ProxyPage};
use crate::model::cluster::software::PatroniSettings;
use crate::model::cluster::witness::{WitnessSeen, WitnessState};
use crate::model::outage::Side;
use crate::model::outage::whose::track::Track;

/// Members and servers of a proxy that are followed: more are no cluster's.
const FOLLOWED_MAX: usize = 64;

/// How long after the last answer silence is taken to have begun: a look a little later would have been answered.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// What the watchers saw of a run so far.
#[derive(Debug, Clone, Default)]
pub struct WatchersView {
    /// The leader, by Patroni's API; `None`: none.
    pub(super) leader: Track<Option<String>>,
    /// Whether the leader's key is free, by a member's word.
    pub(super) key_free: Track<bool>,
    /// How long the leader's key lives at least after its holder's last word, by Patroni's settings in force.
    pub(super) key_lives: Option<Duration>,
    /// And at most, but for what its store takes to see it.
    pub(super) key_ttl: Option<Duration>,
    /// Each member, by its own Patroni API.
    pub(super) apis: BTreeMap<String, Track<MemberState>>,
    /// Each member's server, by itself.
    pub(super) servers: BTreeMap<String, Track<ServerIs>>,
    /// Whether Patroni is paused, by its settings.
    pub(super) paused: Track<bool>,
    /// Members by the addresses of their servers, as a server may tell no name; `None` where several share one, such as a
    /// loopback address behind tunnels, or a socket.
    pub(super) names: BTreeMap<String, Option<String>>,
    /// Whether a member takes a witness's writes.
    pub(super) witnesses: BTreeMap<String, Track<bool>>,
    /// Whether the proxy's page can be read.
    pub(super) page: Track<PageIs>,
    /// Whether the proxy sends new sessions to a server, by backend and server.
    pub(super) proxied: BTreeMap<(String, String), ProxiedServer>,
}

/// A server of a proxy.
#[derive(Debug, Clone, Default)]
pub(super) struct ProxiedServer {
    /// The member that it is, else as the proxy names it.
    pub(super) name: String,
    pub(super) takes_sessions: Track<bool>,
}

/// What a member's server is, as far as it is in a write's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ServerIs {
    TakesWrites,
    ReadOnly,
    Replica,
    Starting,
    Gone,
    /// Silent, or it does not let the watcher in: nothing is known.
    Unknown,
}

/// What the proxy's page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PageIs {
    Read,
    Gone,
    /// It cannot be read for another reason: nothing is known.
    Unknown,
}

impl WatchersView {
    /// The name by which the watchers know a server.
    pub(super) fn name_of<'a>(&'a self, side: &'a Side) -> &'a str {
        let known = self.names.get(&side.address).and_then(Option::as_deref);
        known.unwrap_or_else(|| side.name())
    }

    /// The addresses of the members' servers, as they see themselves.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }

    /// Another member leads, or none.
    pub fn leader(&mut self, at: Duration, seen: &LeaderSeen) {
        self.leader.changed(seen.not_before, at, seen.to.clone());
    }

    /// The leader's key is free, or held.
    pub fn leader_key(&mut self, at: Duration, seen: LeaderKey) {
        self.key_free.changed(seen.not_before, at, seen.free);
    }

    /// Patroni's settings in force, from now on.
    pub fn settings(&mut self, at: Duration, settings: &PatroniSettings) {
        let renewed_before = settings.ttl_s.saturating_sub(settings.loop_wait_s);
        self.key_lives = Some(Duration::from_secs(renewed_before));
        self.key_ttl = Some(Duration::from_secs(settings.ttl_s));
        self.paused.changed(None, at, settings.pause);
    }

    /// What a member is by its own Patroni API.
    pub fn member(&mut self, at: Duration, seen: &MemberChange) {
        let at = match seen.is {
            MemberState::Silent => begun(seen.not_before, at),
            _ => at,
        };
        if let Some(track) = followed(&mut self.apis, &seen.member) {
            track.changed(seen.not_before, at, seen.is.clone());
        }
    }

    /// What a member's server is by itself.
    pub fn server(&mut self, at: Duration, seen: &MemberServer) {
        let at = match seen.is {
            MemberServerState::Silent => begun(seen.not_before, at),
            _ => at,
        };
        if let MemberServerState::Answers { server } = &seen.is {
            let endpoint = server.endpoint();
            let is_known = self.names.contains_key(&endpoint);
            if let Some(name) = followed(&mut self.names, &endpoint) {
                match is_known {
                    true => *name = name.take_if(|name| *name == seen.member),
                    false => *name = Some(seen.member.clone()),
                }
            }
        }
        if let Some(track) = followed(&mut self.servers, &seen.member) {
            track.changed(seen.not_before, at, ServerIs::from(&seen.is));
        }
    }

    /// Whether a member takes a witness's writes.
    pub fn witness(&mut self, at: Duration, seen: &WitnessSeen) {
        let Some(track) = followed(&mut self.witnesses, &seen.member) else { return };
        match &seen.is {
            WitnessState::Takes { not_before, .. } => track.changed(*not_before, at, true),
            // It proves that writes were taken until then, and no more: what came after it others tell.
            WitnessState::Stopped { last_ack, .. } => track.changed(None, *last_ack, false),
        }
    }

    /// Whether the proxy's page can be read.
    pub fn proxy_page(&mut self, at: Duration, seen: &ProxyPage) {
        let is = match (&seen.error, seen.gone) {
            (None, _) => PageIs::Read,
            (Some(_), true) => PageIs::Gone,
            (Some(_), false) => PageIs::Unknown,
        };
        self.page.changed(seen.not_before, at, is);
    }

    /// What the proxy says of a server.
    pub fn proxied(&mut self, at: Duration, seen: &ProxyChange) {
        let key = (seen.backend.clone(), seen.server.clone());
        let Some(server) = followed(&mut self.proxied, &key) else { return };
        seen.name().clone_into(&mut server.name);
        server.takes_sessions.changed(seen.not_before, at, seen.is.takes_sessions());
    }
}

/// When silence began that was told at `at`.
fn begun(not_before: Option<Duration>, at: Duration) -> Duration {
    not_before.map_or(at, |last| at.min(last + BETWEEN_LOOKS))
}

fn followed<'a, K: Ord + Clone, V: Default>(
    all: &'a mut BTreeMap<K, V>,
    key: &K,
) -> Option<&'a mut V> {
    if all.len() >= FOLLOWED_MAX && !all.contains_key(key) {
        return None;
    }
    Some(all.entry(key.clone()).or_default())
}

impl From<&MemberServerState> for ServerIs {
    fn from(is: &MemberServerState) -> Self {
        match is {
            MemberServerState::Answers { server } if server.in_recovery => Self::Replica,
            MemberServerState::Answers { server } if server.read_only => Self::ReadOnly,
            MemberServerState::Answers { .. } => Self::TakesWrites,
            MemberServerState::Starting => Self::Starting,
            MemberServerState::Gone => Self::Gone,
            MemberServerState::Silent | MemberServerState::Refused { .. } => Self::Unknown,
        }
    }
}
