//! Whether a member takes writes at a moment, and if none does, what the cluster does about it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::model::cluster::member_states::MemberState;
use crate::model::outage::kind::{Detail, Kind};
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

/// The primary gave no answer, or none came through.
pub(super) fn silence() -> (PartName, Vec<Owner>) {
    (PartName::Silence, vec![Owner::Postgresql, Owner::Proxy, Owner::Network])
}

/// Patroni's words for a server that it is ending, or has ended.
fn is_going_down(word: &str) -> bool {
    matches!(word, "stopping" | "stopped" | "demoted")
}

/// Whether a member's API gives no answer.
fn is_mute(api: &MemberState) -> bool {
    matches!(api, MemberState::Gone | MemberState::Silent)
}

/// A leader gives its key back this long after its server was gone, where Patroni's settings are not known: it looks
/// once a second.
const GIVEN_BACK_MAX: Duration = Duration::from_secs(2);

/// A leader that stops leading has its key free this soon, where the store takes it.
const GIVEN_BACK_SOON: Duration = Duration::from_millis(500);

/// The cluster over the time of an outage.
pub(super) struct ClusterView<'a> {
    outage: &'a Outage,
    /// The members that acknowledged before and after, by the names that watchers know them by.
    before: Option<&'a str>,
    after: Option<&'a str>,
    from: Duration,
    to: Duration,
    leader: Placed<'a, Option<String>>,
    key_free: Placed<'a, bool>,
    key_lives: Option<Duration>,
    key_ttl: Option<Duration>,
    paused: Placed<'a, bool>,
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
        let name = |side: &'a Option<Side>| side.as_ref().map(|side| watched.name_of(side));
        Self {
            outage,
            before: name(&outage.from),
            after: name(&outage.to),
            from,
            to,
            leader: watched.leader.placed(from, to),
            key_free: watched.key_free.placed(from, to),
            key_lives: watched.key_lives,
            key_ttl: watched.key_ttl,
            paused: watched.paused.placed(from, to),
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
        all.extend(self.paused.boundaries());
        all.extend(self.apis.values().flat_map(Placed::boundaries));
        all.extend(self.servers.values().flat_map(Placed::boundaries));
        all.extend(self.witnesses.values().flat_map(Placed::boundaries));
        all.extend(self.lapsed_by().map(|at| (at, Duration::ZERO)));
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
        let unwatched = |side: Option<&str>| side.is_some_and(|side| !members.contains(side));
        match takes.is_empty() {
            false => ClusterAt::TakesWrites(takes),
            true if members.is_empty() || unwatched(self.before) || unwatched(self.after) => {
                ClusterAt::Unknown
            }
            true => {
                let (part, owners) = self.without_writes(at);
                ClusterAt::TakesNone(part, owners)
            }
        }
    }

    /// Whether the member that acknowledged before the outage is one of these.
    pub(super) fn has_writer_before(&self, members: &BTreeSet<&str>) -> bool {
        self.before.is_some_and(|before| members.contains(before))
    }

    /// Whether another member than the one before acknowledges after the outage, and is one of these.
    pub(super) fn has_next_writer(&self, members: &BTreeSet<&str>) -> bool {
        self.has_changed_hands() && self.after.is_some_and(|after| members.contains(after))
    }

    /// Whether one member acknowledged before the outage, and another one after it.
    fn has_changed_hands(&self) -> bool {
        self.before.zip(self.after).is_some_and(|(before, after)| before != after)
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
    pub(super) fn without_writes(&self, at: Duration) -> (PartName, Vec<Owner>) {
        let one = |part, owner| (part, vec![owner]);
        if self.outage.kind == Kind::ReadOnly {
            return one(PartName::Refusal, Owner::Postgresql);
        }
        let Some(leader) = self.leader.at(at) else { return self.without_patroni(at) };
        if self.key_free.at(at) == Some(&true) {
            let part = if self.is_paused(at) { PartName::Paused } else { PartName::Election };
            return one(part, Owner::Patroni);
        }
        if self.has_new_leader(leader.as_deref(), at) {
            return match self.is_mute(leader.as_deref(), at) {
                // It is gone in its turn.
                true => self.of_lock(at),
                false if self.kept_its_key() => {
                    (PartName::Promotion, vec![Owner::Patroni, Owner::Postgresql])
                }
                false => one(PartName::Promotion, Owner::Postgresql),
            };
        }
        self.before_election(at)
    }

    /// Whether the leader before is the one after, and its key was never free. Patroni may renew it while it still gives the
    /// leadership up, and has its server promoted in its next loop: which of the two is waited for, no word of a member
    /// tells.
    fn kept_its_key(&self) -> bool {
        self.returning().is_some() && !self.key_free.was(self.from, self.to, |free| *free)
    }

    /// No member takes writes, and Patroni is not watched.
    fn without_patroni(&self, at: Duration) -> (PartName, Vec<Owner>) {
        if matches!(self.outage.kind, Kind::Stall | Kind::Connection) {
            return silence();
        }
        if self.starts(at) && self.takes_writes_once_started(at) {
            return (PartName::Recovery, vec![Owner::Postgresql]);
        }
        let mut owners = vec![Owner::Patroni, Owner::Postgresql, Owner::Etcd];
        // Of a member that gives no answer it is not known that it takes no writes.
        let is_unknown = |placed: &Placed<'_, ServerIs>| placed.at(at) == Some(&ServerIs::Unknown);
        if self.servers.values().any(is_unknown) {
            owners.extend([Owner::Proxy, Owner::Network]);
        }
        (PartName::Cluster, owners)
    }

    /// Before the lock is free, or of a leader that keeps it.
    fn before_election(&self, at: Duration) -> (PartName, Vec<Owner>) {
        let one = |part, owner| (part, vec![owner]);
        let freed = self.key_free.was(self.from, self.to, |free| *free);
        let demoted = self.leader.was(self.from, self.to, Option::is_none);
        match self.outage.kind {
            // No member leads, by Patroni's word: a proxy that asks for the leader sends to none, though one takes writes.
            Kind::Stall | Kind::Connection if self.leader.at(at) != Some(&None) => silence(),
            Kind::Switchover => (PartName::Handover, self.of_handover(at)),
            // It stopped leading as another one has its lock, which was not seen free: a leader that was frozen may take
            // it back.
            _ if demoted && !freed && self.has_changed_hands() => {
                (PartName::Cluster, vec![Owner::Patroni, Owner::Postgresql, Owner::Etcd])
            }
            // It stopped leading, and its lock was not free for long after that, or never: no member could reach the
            // store.
            _ if (demoted && !freed) || self.gave_up_without_the_store() => {
                (PartName::Store, vec![Owner::Patroni, Owner::Etcd])
            }
            _ if self.outage.detail == Some(Detail::ProcessCrashed) || self.starts(at) => {
                one(PartName::Recovery, Owner::Postgresql)
            }
            _ => self.of_leader_that_keeps_it(at),
        }
    }

    /// Whether the leader stopped leading by its own word, long before its key was free: a store that is there is told
    /// at once.
    fn gave_up_without_the_store(&self) -> bool {
        let before = self.leader.at(self.from).filter(|leader| leader.is_none());
        let none = match before {
            Some(_) => self.leader.seen_since(self.from),
            None => self.leader.first_seen(self.from, self.to, Option::is_none),
        };
        let free = self.key_free.first_seen(self.from, self.to, |free| *free);
        none.zip(free).is_some_and(|(none, free)| free >= none + GIVEN_BACK_SOON)
    }

    /// By what the API of the leader before says, which has not given its lock back.
    fn of_leader_that_keeps_it(&self, at: Duration) -> (PartName, Vec<Owner>) {
        let either = vec![Owner::Patroni, Owner::Postgresql];
        let api = self.before.and_then(|name| self.apis.get(name)).and_then(|placed| placed.at(at));
        let server =
            self.before.and_then(|name| self.servers.get(name)).and_then(|placed| placed.at(at));
        match api {
            _ if self.returning().is_some() => match server {
                // A Patroni that gives no answer may be away with its server, and one that is paused starts none.
                Some(ServerIs::Gone) if !api.is_some_and(is_mute) && !self.is_paused(at) => {
                    (PartName::Restart, vec![Owner::Patroni])
                }
                _ => (PartName::Restart, either),
            },
            None | Some(MemberState::Gone | MemberState::Silent) => {
                match self.gave_its_key_back() {
                    true => (PartName::Handover, self.of_handover(at)),
                    false => self.of_lock(at),
                }
            }
            // Its Patroni lives: it ends its server, or starts it again.
            Some(MemberState::NotRunning { word }) if is_going_down(word) => {
                (PartName::Handover, self.of_handover(at))
            }
            // Its server is gone, and it has not done anything about that.
            Some(_) if server == Some(&ServerIs::Gone) && !self.is_paused(at) => {
                (PartName::Restart, vec![Owner::Patroni])
            }
            Some(_) => (PartName::Restart, either),
        }
    }

    /// The key of a leader that gives no answer. It lapses within its `ttl`, unless the store has no majority.
    fn of_lock(&self, at: Duration) -> (PartName, Vec<Owner>) {
        match self.lapsed_by().is_some_and(|lapsed| at >= lapsed) {
            true => (PartName::Store, vec![Owner::Patroni, Owner::Etcd]),
            false => (PartName::Lock, vec![Owner::Patroni]),
        }
    }

    /// By when the key of the leader before has lapsed, whatever else is, where its API gives no answer.
    fn lapsed_by(&self) -> Option<Duration> {
        let api = self.before.and_then(|name| self.apis.get(name))?;
        let mute = match api.at(self.from).is_some_and(is_mute) {
            true => api.seen_since(self.from)?,
            false => api.first_seen(self.from, self.to, is_mute)?,
        };
        // What is said late, and what etcd does late, is no loss of its majority.
        let ttl = self.key_ttl?;
        Some(mute.saturating_add(ttl).saturating_add(ttl / 2))
    }

    /// Whether none of these members, which take writes, is one that a proxy can send to: it asks Patroni, and theirs gives
    /// no answer, or they do not lead.
    pub(super) fn are_without_leader(&self, members: &BTreeSet<&str>, at: Duration) -> bool {
        let Some(leader) = self.leader.at(at) else { return false };
        let leads = |member: &&&str| {
            let api = self.apis.get(**member).and_then(|placed| placed.at(at));
            leader.as_deref() == Some(**member) && !api.is_some_and(is_mute)
        };
        !members.iter().any(|member| leads(&member))
    }

    /// Whether a leader that gives no answer gave its key back: it was free soon after its server, which had said that it
    /// shuts down, was gone; or long before it can have lapsed. A Patroni that is stopped in good order says no more word
    /// of its own.
    fn gave_its_key_back(&self) -> bool {
        let Some(before) = self.before else { return false };
        let Some(given_up) = self.given_up(before) else { return false };
        let shut_down = self.servers.get(before).filter(|placed| {
            let takes = |is: &ServerIs| *is == ServerIs::TakesWrites;
            placed.became(self.from, self.to, takes) == Some(&ServerIs::Starting)
        });
        if let Some(server) = shut_down {
            let gone = server.first(self.from, self.to, |is| *is == ServerIs::Gone);
            let soon = self.key_lives.map_or(GIVEN_BACK_MAX, |lives| lives / 2);
            return given_up.saturating_sub(gone.unwrap_or(self.from)) < soon;
        }
        let api = self.apis.get(before).filter(|api| api.at(given_up).is_some_and(is_mute));
        let mute_since = api.and_then(|placed| placed.since(given_up));
        // Half of it, as a leader that is short of a processor renews its key late.
        let (Some(since), Some(lives)) = (mute_since, self.key_lives) else { return false };
        given_up.saturating_sub(since) < lives / 2
    }

    /// By when the key was not this leader's any more: free, or another one's.
    fn given_up(&self, leader: &str) -> Option<Duration> {
        let is_other = |now: &Option<String>| now.as_deref() != Some(leader);
        let free = self.key_free.first_seen(self.from, self.to, |free| *free);
        let led = self.leader.first_seen(self.from, self.to, is_other);
        free.into_iter().chain(led).min()
    }

    /// Whether the server that comes back is starting. One that shuts down refuses by the same code: it took writes
    /// before, and does not after it, as one does that recovers from the crash of a process.
    fn starts(&self, at: Duration) -> bool {
        self.returning().is_some_and(|member| {
            let placed = self.servers.get(member);
            let server = placed.and_then(|placed| placed.at(at));
            let (before, after) = placed.map(|placed| placed.around(at)).unwrap_or_default();
            let takes = Some(&ServerIs::TakesWrites);
            if server == Some(&ServerIs::Starting) && before == takes && after != takes {
                return false;
            }
            let api = self.apis.get(member).and_then(|placed| placed.at(at));
            // Its Patroni has found it dead. It recovers in single-user mode first, and listens nowhere meanwhile.
            let is_noticed = |word: &str| matches!(word, "starting" | "crashed");
            let by_api = matches!(api, Some(MemberState::NotRunning { word }) if is_noticed(word));
            match server {
                Some(ServerIs::Starting) => true,
                Some(ServerIs::Gone) | None => by_api,
                Some(_) => false,
            }
        })
    }

    /// Whether the server that starts was writable by the next look. One that was a replica first, as a leader is that gave
    /// up and was started again, has waited for whatever made it one.
    fn takes_writes_once_started(&self, at: Duration) -> bool {
        let placed = self.returning().and_then(|member| self.servers.get(member));
        let next = placed.and_then(|placed| placed.around(at).1);
        next == Some(&ServerIs::TakesWrites)
    }

    /// Patroni looks once a second whether the server has shut down, and gives the key back then.
    fn of_handover(&self, at: Duration) -> Vec<Owner> {
        let before = self.before.and_then(|name| self.servers.get(name));
        match before.and_then(|placed| placed.at(at)) {
            Some(ServerIs::Gone) => vec![Owner::Patroni],
            Some(ServerIs::Starting | ServerIs::ReadOnly) => vec![Owner::Postgresql],
            _ => vec![Owner::Patroni, Owner::Postgresql],
        }
    }

    /// The member that acknowledged before the outage and after it, where it is the same.
    fn returning(&self) -> Option<&'a str> {
        self.before.filter(|before| self.after == Some(*before))
    }

    fn is_paused(&self, at: Duration) -> bool {
        self.paused.at(at) == Some(&true)
    }

    /// Whether this leader's API gives no answer.
    fn is_mute(&self, leader: Option<&str>, at: Duration) -> bool {
        let api = leader.and_then(|leader| self.apis.get(leader)).and_then(|placed| placed.at(at));
        api.is_some_and(is_mute)
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
