//! Whether a member takes writes at a moment, and if none does, what the cluster does about it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::model::cluster::member_states::MemberState;
use crate::model::outage::kind::Kind;
use crate::model::outage::whose::owner::Owner;
use crate::model::outage::whose::part::PartName;
use crate::model::outage::whose::track::Placed;
use crate::model::outage::whose::watched::{ServerIs, WatchersView};
use crate::model::outage::{Outage, Side};

/// The cluster at a moment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ClusterAt<'a> {
    /// No watcher saw it.
    Unknown,
    /// These members take writes.
    TakesWrites(BTreeSet<&'a str>),
    /// None does.
    TakesNone(PartName, Vec<Owner>),
}

/// The cluster over the time of an outage.
pub(super) struct ClusterView<'a> {
    outage: &'a Outage,
    from: Duration,
    to: Duration,
    leader: Placed<'a, Option<String>>,
    key_free: Placed<'a, bool>,
    apis: BTreeMap<&'a str, Placed<'a, MemberState>>,
    servers: BTreeMap<&'a str, Placed<'a, ServerIs>>,
    witnesses: BTreeMap<&'a str, Placed<'a, bool>>,
}

impl<'a> ClusterView<'a> {
    pub(super) fn new(
        outage: &'a Outage,
        watched: &'a WatchersView,
        (from, to): (Duration, Duration),
    ) -> Self {
        Self {
            outage,
            from,
            to,
            leader: watched.leader.placed(from, to),
            key_free: watched.key_free.placed(from, to),
            apis: watched
                .apis
                .iter()
                .map(|(name, track)| (&**name, track.placed(from, to)))
                .collect(),
            servers: watched
                .servers
                .iter()
                .map(|(name, track)| (&**name, track.placed(from, to)))
                .collect(),
            witnesses: watched
                .witnesses
                .iter()
                .map(|(name, track)| (&**name, track.placed(from, to)))
                .collect(),
        }
    }

    /// When anything of it changed, and how far that can be off.
    pub(super) fn boundaries(&self) -> Vec<(Duration, Duration)> {
        let mut all: Vec<(Duration, Duration)> = Vec::new();
        all.extend(self.leader.boundaries());
        all.extend(self.key_free.boundaries());
        all.extend(self.apis.values().flat_map(Placed::boundaries));
        all.extend(self.servers.values().flat_map(Placed::boundaries));
        all.extend(self.witnesses.values().flat_map(Placed::boundaries));
        all
    }

    pub(super) fn at(&self, at: Duration) -> ClusterAt<'a> {
        let members: BTreeSet<&'a str> = self
            .apis
            .keys()
            .chain(self.servers.keys())
            .chain(self.witnesses.keys())
            .copied()
            .filter(|member| self.is_known(member, at))
            .collect();
        let takes: BTreeSet<&'a str> =
            members.iter().copied().filter(|member| self.takes_writes(member, at)).collect();
        // A member that is not watched may take writes: the one that did before, or does after.
        let unwatched =
            |side: Option<&Side>| side.is_some_and(|side| !members.contains(side.name()));
        let (before, after) = (self.outage.from.as_ref(), self.outage.to.as_ref());
        match takes.is_empty() {
            false => ClusterAt::TakesWrites(takes),
            true if members.is_empty() || unwatched(before) || unwatched(after) => {
                ClusterAt::Unknown
            }
            true => {
                let (part, owners) = self.without_writes(at);
                ClusterAt::TakesNone(part, owners)
            }
        }
    }

    /// Whether any watcher had looked at the member by then.
    fn is_known(&self, member: &str, at: Duration) -> bool {
        let by_api = self.apis.get(member).and_then(|placed| placed.at(at)).is_some();
        let by_server = self.servers.get(member).and_then(|placed| placed.at(at)).is_some();
        by_api || by_server
    }

    /// The server's own word goes before that of its Patroni, which asks it less often.
    fn takes_writes(&self, member: &str, at: Duration) -> bool {
        let by_witness = self.witnesses.get(member).and_then(|placed| placed.at(at));
        if by_witness == Some(&true) {
            return true;
        }
        match self.servers.get(member).and_then(|placed| placed.at(at)) {
            Some(ServerIs::TakesWrites) => true,
            Some(ServerIs::Unknown) | None => {
                let by_api = self.apis.get(member).and_then(|placed| placed.at(at));
                matches!(by_api, Some(MemberState::Primary { .. }))
            }
            Some(_) => false,
        }
    }

    /// What the cluster does while no member takes writes.
    fn without_writes(&self, at: Duration) -> (PartName, Vec<Owner>) {
        let one = |part, owner| (part, vec![owner]);
        if self.outage.kind == Kind::ReadOnly {
            return one(PartName::Refusal, Owner::Postgresql);
        }
        let starts = self.returning().is_some_and(|member| {
            let server = self.servers.get(member).and_then(|placed| placed.at(at));
            let api = self.apis.get(member).and_then(|placed| placed.at(at));
            let by_api =
                matches!(api, Some(MemberState::NotRunning { word }) if word == "starting");
            server == Some(&ServerIs::Starting) || (server.is_none() && by_api)
        });
        let Some(leader) = self.leader.at(at) else {
            return match starts {
                true => one(PartName::Recovery, Owner::Postgresql),
                false => (PartName::Cluster, vec![Owner::Patroni, Owner::Postgresql, Owner::Etcd]),
            };
        };
        if self.key_free.at(at) == Some(&true) {
            return one(PartName::Election, Owner::Patroni);
        }
        if self.has_new_leader(leader.as_deref(), at) {
            return match self.is_mute(leader.as_deref(), at) {
                // It is gone in its turn.
                true => one(PartName::Lock, Owner::Patroni),
                false => one(PartName::Promotion, Owner::Postgresql),
            };
        }
        self.before_election(starts)
    }

    /// Before the lock is free, or of a leader that keeps it.
    fn before_election(&self, starts: bool) -> (PartName, Vec<Owner>) {
        let one = |part, owner| (part, vec![owner]);
        let freed = self.key_free.was(self.from, self.to, |free| *free);
        let demoted = self.leader.was(self.from, self.to, Option::is_none);
        match self.outage.kind {
            Kind::Stall | Kind::Connection => {
                (PartName::Silence, vec![Owner::Postgresql, Owner::Network])
            }
            Kind::Switchover => one(PartName::Handover, Owner::Patroni),
            _ if freed => one(PartName::Lock, Owner::Patroni),
            // It stopped leading, and its lock was never free: no member could reach the store.
            _ if demoted => (PartName::Store, vec![Owner::Patroni, Owner::Etcd]),
            _ if self.returning().is_none() => one(PartName::Lock, Owner::Patroni),
            _ if starts => one(PartName::Recovery, Owner::Postgresql),
            _ => one(PartName::Restart, Owner::Patroni),
        }
    }

    /// The member that acknowledged before the outage and after it, where it is the same.
    fn returning(&self) -> Option<&'a str> {
        let (before, after) = (self.outage.from.as_ref()?, self.outage.to.as_ref()?);
        (before.name() == after.name()).then(|| before.name())
    }

    /// Whether this leader's API gives no answer.
    fn is_mute(&self, leader: Option<&str>, at: Duration) -> bool {
        let api = leader.and_then(|leader| self.apis.get(leader)).and_then(|placed| placed.at(at));
        matches!(api, Some(MemberState::Gone | MemberState::Silent))
    }

    /// Whether another one leads than when the outage began, or the same one anew. One that has taken the lock may not
    /// have been seen to lead yet.
    fn has_new_leader(&self, leader: Option<&str>, at: Duration) -> bool {
        if self.key_free.was(self.from, at, |free| *free) {
            return true;
        }
        let Some(leader) = leader else { return false };
        let before = self.leader.at(self.from).and_then(Option::as_deref);
        before != Some(leader) || self.leader.was(self.from, at, Option::is_none)
    }
}
