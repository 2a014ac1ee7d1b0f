//! Why an outage happened, from evidence: who answered before and after, and what was seen
//! between.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::fall::OldPrimary;
use super::fault::Class;
use super::server::Server;

/// The kind of an outage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Another server, on a higher timeline.
    Failover,
    /// The same, when the old primary said goodbye properly and stayed up.
    Switchover,
    /// The same server with a new postmaster start, not demoted between.
    Restart,
    /// The same server, on a higher timeline: it was read-only and was promoted again.
    Demotion,
    /// The same server, which never stopped: proxy or network.
    Connection,
    /// Nothing but silence.
    Stall,
    /// The evidence does not tell.
    Unknown,
}

impl Kind {
    /// The name in log, record and report.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Failover => "failover",
            Self::Switchover => "switchover",
            Self::Restart => "restart",
            Self::Demotion => "demotion",
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

/// What was seen of the servers around an outage.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sightings {
    /// The server that acknowledged before.
    pub before: Option<Server>,
    /// The server that acknowledged after.
    pub after: Option<Server>,
    /// Servers that answered between and took no writes.
    pub read_only: Vec<Server>,
    /// The classes of the errors between.
    pub errors: BTreeSet<Class>,
    /// A session was ended by an administrator's command (57P01).
    pub goodbye: bool,
    /// Names (`application_name`) and addresses of the replicas that stream from the new primary,
    /// and did so soon after the outage began.
    pub replicas: BTreeSet<String>,
    /// What the old primary's Patroni says of it, where that is watched.
    pub old_primary: OldPrimary,
}

impl Sightings {
    /// The kind that these sightings prove.
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
        // A timeline that is not known proves nothing.
        let (Some(timeline_before), Some(timeline_after)) = (before.timeline, after.timeline)
        else {
            return self.kind_on_one_timeline(before, after);
        };
        let promoted = timeline_after > timeline_before;
        if !before.is_same_member(after) {
            return match promoted {
                true if self.old_primary_handed_over(before) => Kind::Switchover,
                true => Kind::Failover,
                false => Kind::Unknown,
            };
        }
        if promoted {
            return Kind::Demotion;
        }
        if timeline_after < timeline_before {
            return Kind::Unknown;
        }
        self.kind_on_one_timeline(before, after)
    }

    /// The kind when there was no promotion, or none that could be seen.
    fn kind_on_one_timeline(&self, before: &Server, after: &Server) -> Kind {
        if !before.is_same_member(after) {
            return Kind::Unknown;
        }
        let only_silence = self.errors.iter().all(|class| *class == Class::Timeout);
        match (before.postmaster_start, after.postmaster_start) {
            (Some(one), Some(two)) if one != two => Kind::Restart,
            (Some(_), Some(_)) if only_silence => Kind::Stall,
            (Some(_), Some(_)) if self.errors.iter().any(is_of_the_way) => Kind::Connection,
            _ => Kind::Unknown,
        }
    }

    /// Patroni knows best; where it does not tell, a goodbye and a primary that stayed do.
    fn old_primary_handed_over(&self, before: &Server) -> bool {
        match self.old_primary {
            OldPrimary::HandedOver => true,
            OldPrimary::Fell | OldPrimary::Unsettled => false,
            OldPrimary::Unknown => self.goodbye && self.old_primary_stayed(before),
        }
    }

    /// A primary that was stopped and is started again by somebody also comes back as a replica:
    /// whoever lists the replicas leaves out those that came later than a demotion takes. While
    /// its host is away, connects are swallowed.
    fn old_primary_stayed(&self, before: &Server) -> bool {
        if self.errors.contains(&Class::Timeout) || self.errors.contains(&Class::Unreachable) {
            return false;
        }
        let seen_read_only = self.read_only.iter().any(|server| server.is_same_member(before));
        let streams = [&before.member, &before.address]
            .into_iter()
            .flatten()
            .any(|name| self.replicas.contains(name));
        seen_read_only || streams
    }
}

/// Whether an error is about the way to the server, not about what the server answered.
fn is_of_the_way(class: &Class) -> bool {
    matches!(
        class,
        Class::Lost
            | Class::Refused
            | Class::NoBackend
            | Class::Timeout
            | Class::Unreachable
            | Class::Resolve
    )
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn server(member: &str, timeline: u32, started: i64) -> Server {
        Server {
            member: Some(member.to_owned()),
            address: Some(format!("10.0.0.{}", member.len())),
            port: Some(5432),
            timeline: Some(timeline),
            system_identifier: Some("7".to_owned()),
            postmaster_start: DateTime::from_timestamp(started, 0),
            ..Server::default()
        }
    }

    fn between(before: Server, after: Server, errors: &[Class]) -> Sightings {
        Sightings {
            before: Some(before),
            after: Some(after),
            errors: errors.iter().copied().collect(),
            ..Sightings::default()
        }
    }

    #[test]
    fn another_server_on_a_higher_timeline_is_a_failover() {
        let seen = between(server("a", 1, 0), server("bb", 2, 0), &[Class::Lost, Class::NoBackend]);
        assert_eq!(seen.kind(), Kind::Failover);
    }

    #[test]
    fn a_goodbye_alone_is_still_a_failover() {
        let mut seen = between(server("a", 1, 0), server("bb", 2, 0), &[Class::Lost]);
        seen.goodbye = true;
        assert_eq!(seen.kind(), Kind::Failover);
    }

    #[test]
    fn a_goodbye_of_a_primary_that_stays_as_replica_is_a_switchover() {
        let mut seen = between(server("a", 1, 0), server("bb", 2, 0), &[Class::Lost]);
        seen.goodbye = true;
        seen.replicas = ["a".to_owned()].into();
        assert_eq!(seen.kind(), Kind::Switchover);

        seen.errors.insert(Class::Timeout);
        assert_eq!(seen.kind(), Kind::Failover, "its host was away");

        seen.errors.remove(&Class::Timeout);
        seen.replicas.clear();
        seen.read_only = vec![Server { in_recovery: true, ..server("a", 1, 9) }];
        assert_eq!(seen.kind(), Kind::Switchover);
    }

    #[test]
    fn patroni_knows_better_whether_the_old_primary_handed_over() {
        let mut seen = between(server("a", 1, 0), server("bb", 2, 0), &[Class::Lost]);
        seen.old_primary = OldPrimary::HandedOver;
        assert_eq!(seen.kind(), Kind::Switchover, "though nobody heard its goodbye");

        seen.goodbye = true;
        seen.replicas = ["a".to_owned()].into();
        seen.old_primary = OldPrimary::Fell;
        assert_eq!(seen.kind(), Kind::Failover, "it was stopped and started again");

        seen.old_primary = OldPrimary::Unsettled;
        assert_eq!(seen.kind(), Kind::Failover, "it may have lost its store");

        seen.old_primary = OldPrimary::HandedOver;
        seen.after = Some(server("bb", 1, 0));
        assert_eq!(seen.kind(), Kind::Unknown, "without a promotion it is neither");
    }

    #[test]
    fn the_same_server_is_told_apart_by_its_start_and_timeline() {
        let lost = &[Class::Lost];
        let before = || server("a", 1, 0);
        assert_eq!(between(before(), server("a", 1, 9), lost).kind(), Kind::Restart);
        assert_eq!(between(before(), server("a", 2, 9), lost).kind(), Kind::Demotion);
        assert_eq!(between(before(), server("a", 1, 0), lost).kind(), Kind::Connection);
        assert_eq!(between(before(), before(), &[]).kind(), Kind::Stall);
        assert_eq!(between(before(), before(), &[Class::Timeout]).kind(), Kind::Stall);
    }

    #[test]
    fn what_is_not_proven_is_unknown() {
        let lost = &[Class::Lost];
        let other_cluster =
            Server { system_identifier: Some("8".to_owned()), ..server("bb", 2, 0) };
        assert_eq!(between(server("a", 1, 0), other_cluster, lost).kind(), Kind::Unknown);
        assert_eq!(between(server("a", 2, 0), server("bb", 1, 0), lost).kind(), Kind::Unknown);
        assert_eq!(between(server("a", 2, 0), server("a", 1, 5), lost).kind(), Kind::Unknown);
        assert_eq!(Sightings::default().kind(), Kind::Unknown);
        let full = &[Class::Overloaded];
        assert_eq!(between(server("a", 1, 0), server("a", 1, 0), full).kind(), Kind::Unknown);
        let hidden = |member| Server { timeline: None, ..server(member, 1, 0) };
        assert_eq!(between(hidden("a"), server("bb", 2, 0), lost).kind(), Kind::Unknown);
        assert_eq!(between(hidden("a"), hidden("a"), lost).kind(), Kind::Connection);
    }
}
