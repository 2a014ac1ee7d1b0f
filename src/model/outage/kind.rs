//! Why an outage happened, from evidence: the servers that answered before and after it, and what
//! was seen between.
//!
//! The kind is the first row of a table that fits. It says no more than the evidence: an unknown
//! identity counts neither as the same server nor as another one.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::cluster::server::{LimitOf, Server, SessionLimit};
use crate::model::fault::Class;
use crate::model::outage::old_primary::OldPrimary;
use crate::model::outage::server_reason::ServerReason;

/// The kind of an outage.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Another server, on a higher timeline.
    Failover,
    /// The same, when the old primary handed over.
    Switchover,
    /// The same server with a new start of its postmaster, or of all its other processes.
    Restart,
    /// The same server, on a higher timeline: it gave up, was read-only and was promoted again.
    Demotion,
    /// The same server and start: sessions ended by an administrator or a limit of time.
    Terminated,
    /// The same server, start and timeline: refused for being read-only by its settings.
    ReadOnly,
    /// The same server: it had no room.
    Overloaded,
    /// The same server: permission, role or `pg_hba.conf` changed under the run.
    Denied,
    /// The same server and start, and no word from it: proxy or network.
    Connection,
    /// Nothing but silence.
    Stall,
    /// The evidence does not tell.
    #[default]
    Unknown,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Failover,
        Self::Switchover,
        Self::Restart,
        Self::Demotion,
        Self::Terminated,
        Self::ReadOnly,
        Self::Overloaded,
        Self::Denied,
        Self::Connection,
        Self::Stall,
        Self::Unknown,
    ];

    /// The name in log, record and report.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Failover => "failover",
            Self::Switchover => "switchover",
            Self::Restart => "restart",
            Self::Demotion => "demotion",
            Self::Terminated => "terminated",
            Self::ReadOnly => "read_only",
            Self::Overloaded => "overloaded",
            Self::Denied => "denied",
            Self::Connection => "connection",
            Self::Stall => "stall",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What is known of an outage beyond its kind. In JSON with its name as `what`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Detail {
    /// A restart: a server process crashed, and the postmaster started all others anew.
    ProcessCrashed,
    /// Terminated: by an administrator (57P01).
    ByAdministrator,
    /// Terminated: by a limit of time (57P05, 25P03, 25P04).
    ByTimeLimit,
    /// Overloaded: pgchaos's own sessions fill a limit.
    OwnSessions(Filled),
}

/// A limit that pgchaos's own sessions fill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filled {
    /// How many sessions the writers had then.
    pub own: u32,
    /// What the limit is set on.
    pub of: LimitOf,
    /// How many sessions it lets in.
    pub max: u32,
}

impl Filled {
    /// The limit, when `own` sessions fill it without others' help.
    #[must_use]
    pub fn of(limit: &SessionLimit, own: u32) -> Option<Self> {
        (own >= limit.max).then(|| Self { own, of: limit.of.clone(), max: limit.max })
    }
}

/// What was seen of the servers around an outage.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sightings {
    /// The server that acknowledged before.
    pub before: Option<Server>,
    /// The server that acknowledged after.
    pub after: Option<Server>,
    /// By the known clock offsets, the postmaster after the outage had started while the one before
    /// still acknowledged: these are two servers.
    pub both_were_up: bool,
    /// Servers that answered between and took no writes.
    pub read_only: Vec<Server>,
    /// The classes of the errors at the endpoints where sessions ended.
    pub errors: BTreeSet<Class>,
    /// What servers said there.
    pub reasons: BTreeSet<ServerReason>,
    /// The limit of sessions that pgchaos's own filled when one was refused.
    pub filled: Option<Filled>,
    /// The replicas that stream from the new primary, and did so soon after the outage began.
    pub replicas: Replicas,
    /// The replicas that streamed from the old primary shortly before the outage, where that was
    /// looked at.
    pub replicas_before: Option<Replicas>,
    /// What the old primary's Patroni says of it, where that is watched.
    pub old_primary: OldPrimary,
    /// Its Patroni says that it gave up or lost the leader's lock, and it had not crashed before.
    pub gave_up: bool,
}

/// What is known of the replicas that stream from a primary.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replicas {
    /// What they are called there (`application_name`).
    pub names: BTreeSet<String>,
    /// Where they come from.
    pub addresses: BTreeSet<String>,
}

impl Sightings {
    /// The kind that these sightings prove: the first row that fits.
    #[must_use]
    pub fn kind(&self) -> Kind {
        let only_silence = self.errors.iter().all(|class| *class == Class::Timeout);
        let (before, after) = match (&self.before, &self.after) {
            (Some(before), Some(after)) => (before, after),
            (Some(_), None) if only_silence => return Kind::Stall,
            _ => return Kind::Unknown,
        };
        if before.system_identifier != after.system_identifier {
            return Kind::Unknown;
        }
        let member = after.same_member(before);
        // An unknown timeline proves no promotion.
        let timelines = before.timeline.zip(after.timeline);
        let promoted = timelines.is_some_and(|(before, after)| after > before);
        let are_two = self.both_were_up || (promoted && self.streams_by_a_new_name());
        let other = member == Some(false) || (member.is_none() && are_two);
        let same = member == Some(true) || (!other && after.goes_on_from(before));
        let on_one_timeline = timelines.is_some_and(|(before, after)| after == before);
        let starts = before.postmaster_start.zip(after.postmaster_start);
        let new_start = starts.is_some_and(|(before, after)| after != before);
        // The timelines of one start differ only where something lies.
        let stayed = same && after.is_same_start(before) && before.timeline == after.timeline;
        let said = |reason| self.reasons.contains(&reason);
        let of_the_way = self.errors.iter().any(is_of_the_way);
        let rows = [
            (Kind::Switchover, other && promoted && self.old_primary_handed_over(before, after)),
            (Kind::Failover, other && promoted),
            (Kind::Demotion, same && promoted && (said(ServerReason::Goodbye) || self.gave_up)),
            (Kind::Restart, same && new_start),
            (Kind::Restart, stayed && self.a_process_crashed(before, after)),
            (Kind::Terminated, stayed && said(ServerReason::Goodbye)),
            (Kind::Terminated, stayed && said(ServerReason::TimeLimit)),
            (Kind::ReadOnly, stayed && on_one_timeline && self.is_read_only_by_settings(before)),
            (Kind::Overloaded, stayed && self.only_has_no_room()),
            (Kind::Denied, stayed && said(ServerReason::Denied)),
            (Kind::Connection, stayed && self.reasons.is_empty() && of_the_way),
            (Kind::Stall, stayed && only_silence),
        ];
        rows.into_iter().find(|(_, fits)| *fits).map_or(Kind::Unknown, |(kind, _)| kind)
    }

    /// Whether sessions ended and the server then had no room, and nothing else was seen: a network
    /// error would explain the outage as well.
    fn only_has_no_room(&self) -> bool {
        let is_of_it = |class: &Class| matches!(class, Class::ConnectionLost | Class::Overloaded);
        self.reasons.iter().eq([&ServerReason::Overloaded]) && self.errors.iter().all(is_of_it)
    }

    /// What is known beyond the kind.
    #[must_use]
    pub fn detail(&self, kind: Kind) -> Option<Detail> {
        match kind {
            Kind::Restart => {
                let (before, after) = self.before.as_ref().zip(self.after.as_ref())?;
                after.is_same_start(before).then_some(Detail::ProcessCrashed)
            }
            Kind::Terminated if self.reasons.contains(&ServerReason::Goodbye) => {
                Some(Detail::ByAdministrator)
            }
            Kind::Terminated => Some(Detail::ByTimeLimit),
            Kind::Overloaded => self.filled.clone().map(Detail::OwnSessions),
            _ => None,
        }
    }

    /// The postmaster is the same, and has started its other processes anew. 57P03 alone is no
    /// proof of that.
    fn a_process_crashed(&self, before: &Server, after: &Server) -> bool {
        let checkpointers = before.checkpointer_start.zip(after.checkpointer_start);
        self.reasons.contains(&ServerReason::Crash)
            || checkpointers.is_some_and(|(before, after)| after != before)
    }

    /// A primary with the same start on the same timeline was never in recovery: if it is
    /// read-only, a setting makes it so.
    fn is_read_only_by_settings(&self, before: &Server) -> bool {
        self.reasons.contains(&ServerReason::ReadOnly)
            || self.read_only.iter().any(|server| {
                server.read_only && !server.in_recovery && server.is_same_start(before)
            })
    }

    /// Patroni's answer comes first. Without one, 57P01 and an old primary that stayed prove it. A server
    /// that died with its postmaster handed nothing over, though its Patroni may then give the key back in good order
    /// (`primary_start_timeout: 0`).
    fn old_primary_handed_over(&self, before: &Server, after: &Server) -> bool {
        match self.old_primary {
            _ if self.reasons.contains(&ServerReason::PostmasterDied) => false,
            OldPrimary::HandedOver => true,
            OldPrimary::Fell | OldPrimary::Unsettled => false,
            OldPrimary::Unknown => {
                self.reasons.contains(&ServerReason::Goodbye)
                    && self.old_primary_stayed(before, after)
            }
        }
    }

    /// A primary that was stopped and started again by hand also comes back as a replica. So the
    /// list of replicas leaves out those that came back later than a demotion takes. Connects that
    /// time out or do not reach the host show that the host was away.
    fn old_primary_stayed(&self, before: &Server, after: &Server) -> bool {
        if self.errors.contains(&Class::Timeout) || self.errors.contains(&Class::Unreachable) {
            return false;
        }
        self.seen_as_replica(before, after)
            || self.streams_by_name(before)
            || self.streams_from_its_address(before, after)
            || self.streams_by_a_new_name()
    }

    /// The old primary answered as a replica. If the new primary has another port on the same
    /// loopback address, the members share a machine, and a port identifies a member.
    fn seen_as_replica(&self, before: &Server, after: &Server) -> bool {
        let share_a_machine = before.address.is_some()
            && before.address == after.address
            && before.port != after.port
            && before.system_identifier.is_some();
        self.read_only.iter().filter(|server| server.in_recovery).any(|server| {
            match server.same_member(before) {
                Some(is_it) => is_it,
                None => {
                    share_a_machine
                        && server.address == before.address
                        && server.port == before.port
                        && server.system_identifier == before.system_identifier
                }
            }
        })
    }

    fn streams_by_name(&self, before: &Server) -> bool {
        before.member.as_ref().is_some_and(|name| self.replicas.names.contains(name))
    }

    /// A replica streams from the old primary's address. One that streamed from the old primary
    /// before is another member at that address, and no proof.
    fn streams_from_its_address(&self, before: &Server, after: &Server) -> bool {
        let Some(address) = before.own_address() else { return false };
        let streamed_before = self
            .replicas_before
            .as_ref()
            .is_some_and(|replicas| replicas.addresses.contains(address));
        self.replicas.addresses.contains(address)
            && after.own_address() != Some(address)
            && !streamed_before
    }

    /// Exactly one replica of the new primary did not stream from the old one: it is the old
    /// primary. At least one old replica must be missing, as it is the new primary. Several new
    /// names could be any members.
    fn streams_by_a_new_name(&self) -> bool {
        let Some(before) = &self.replicas_before else { return false };
        let is_missing = before.names.difference(&self.replicas.names).next().is_some();
        is_missing && self.replicas.names.difference(&before.names).count() == 1
    }
}

/// Whether an error is about the way to the server, and more than silence.
fn is_of_the_way(class: &Class) -> bool {
    matches!(
        class,
        Class::ConnectionLost
            | Class::Refused
            | Class::NoBackend
            | Class::Unreachable
            | Class::Resolve
    )
}

#[cfg(test)]
mod tests;
