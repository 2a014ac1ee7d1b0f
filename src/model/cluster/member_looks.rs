//! Looks at members' own servers, one after another, and what there is to tell of them.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::cluster::member_servers::{MemberServer, MemberServerState, ReplayPosition};
use crate::model::cluster::server::{Database, Server};

/// Looks in a row without an answer before that is told: one can come late on a busy machine.
const SILENT_BEFORE_TOLD: u32 = 2;

/// Between two positions of one member that are told.
const POSITION_EVERY: Duration = Duration::from_secs(1);

/// A primary's position is compared with for so long after it was seen.
const PRIMARY_AGE_MAX: Duration = Duration::from_secs(1);

/// Two starts that are no further apart are one: an API may tell its times in milliseconds.
const SAME_START: TimeDelta = TimeDelta::milliseconds(2);

/// One look at one member.
#[derive(Debug, Clone)]
pub struct ServerLook {
    /// When it was asked, since the start of the run.
    pub asked: Duration,
    /// When the answer was there, or was given up.
    pub at: Duration,
    /// What it is.
    pub is: MemberServerState,
    /// How far its write-ahead log is, where it told that.
    pub lsn: Option<u64>,
}

/// What looks have seen so far.
#[derive(Debug, Default)]
pub struct MemberLooks {
    known: BTreeMap<String, KnownMember>,
    /// The position of the primary, and when it was seen.
    primary: Option<PrimaryPosition>,
}

#[derive(Debug)]
struct PrimaryPosition {
    member: String,
    timeline: Option<u32>,
    at: Duration,
    lsn: u64,
}

#[derive(Debug, Default)]
struct KnownMember {
    is: Option<MemberServerState>,
    /// When the last look was asked that found it so.
    asked: Option<Duration>,
    /// The highest timeline on which this server was a replica, and when it was started.
    replayed: Option<(u32, DateTime<Utc>)>,
    /// Looks in a row without an answer.
    silent: u32,
    /// The position that was told last, and when.
    told: Option<(Duration, u64)>,
}

impl MemberLooks {
    /// Takes a look in; what the member is where that is news, and its position where that is to be told.
    pub fn look(
        &mut self,
        member: &str,
        look: &ServerLook,
    ) -> (Option<MemberServer>, Option<ReplayPosition>) {
        let changed = self.changed(member, look);
        (changed, self.position(member, look))
    }

    fn changed(&mut self, member: &str, look: &ServerLook) -> Option<MemberServer> {
        let known = self.known.entry(member.to_owned()).or_default();
        let is_silent = look.is == MemberServerState::Silent;
        known.silent = if is_silent { known.silent.saturating_add(1) } else { 0 };
        if is_silent && known.silent < SILENT_BEFORE_TOLD {
            return None;
        }
        let not_before = known.asked.replace(look.asked);
        let is = known.on_its_timeline(look.is.clone());
        if known.is.as_ref().is_some_and(|before| is_same(before, &is)) {
            return None;
        }
        known.is = Some(is.clone());
        Some(MemberServer { member: member.to_owned(), not_before, is })
    }

    fn position(&mut self, member: &str, look: &ServerLook) -> Option<ReplayPosition> {
        let MemberServerState::Answers { server } = &look.is else { return None };
        let lsn = look.lsn?;
        if !server.in_recovery {
            self.primary_is(member, server, look.at, lsn);
        }
        let primary = self.primary.as_ref();
        let primary = primary.filter(|primary| primary.at + PRIMARY_AGE_MAX >= look.at);
        let behind_bytes = match primary {
            Some(primary) if primary.member == member => Some(0),
            Some(primary) if server.in_recovery => Some(primary.lsn.saturating_sub(lsn)),
            _ => None,
        };
        let known = self.known.entry(member.to_owned()).or_default();
        let is_due =
            known.told.is_none_or(|(at, told)| told != lsn && look.at >= at + POSITION_EVERY);
        is_due.then(|| {
            known.told = Some((look.at, lsn));
            ReplayPosition { member: member.to_owned(), lsn, behind_bytes }
        })
    }

    /// Of two that are no replicas the one on the higher timeline is the primary.
    fn primary_is(&mut self, member: &str, server: &Server, at: Duration, lsn: u64) {
        let is_old = self.primary.as_ref().is_some_and(|known| {
            known.member != member
                && known.timeline > server.timeline
                && known.at + PRIMARY_AGE_MAX >= at
        });
        if !is_old {
            let (member, timeline) = (member.to_owned(), server.timeline);
            self.primary = Some(PrimaryPosition { member, timeline, at, lsn });
        }
    }
}

impl KnownMember {
    /// A replica that receives nothing tells the timeline of its last restartpoint, which may be an older one. It goes back
    /// to none that it has left, unless it is started anew.
    fn on_its_timeline(&mut self, mut is: MemberServerState) -> MemberServerState {
        let MemberServerState::Answers { server } = &mut is else { return is };
        let Some(start) = server.postmaster_start.filter(|_| server.in_recovery) else { return is };
        // What it hides is not what it had before.
        if let Some(told) = &mut server.timeline {
            let before = self.replayed.filter(|(_, since)| *since == start);
            *told = before.map_or(*told, |(timeline, _)| timeline.max(*told));
            self.replayed = Some((*told, start));
        }
        is
    }
}

/// Whether nothing changed that is told: what else an identity has is the same for life, or of no weight here.
fn is_same(before: &MemberServerState, now: &MemberServerState) -> bool {
    match (before, now) {
        (
            MemberServerState::Answers { server: before },
            MemberServerState::Answers { server: now },
        ) => {
            let told = |server: &Server| {
                (server.in_recovery, server.read_only, server.timeline, server.postmaster_start)
            };
            told(before) == told(now)
        }
        (before, now) => before == now,
    }
}

/// Why what answers at a member's address is another server, in words; `None` where nothing says so. An address can be
/// used again, and a connection string may lead to another member.
#[must_use]
pub fn other_server(member: &str, answers: &Server, cluster: Option<&str>) -> Option<String> {
    if let (Some(theirs), Some(ours)) = (answers.system_identifier.as_deref(), cluster)
        && theirs != ours
    {
        return Some("a server of another cluster answers there".to_owned());
    }
    let told = answers.member.as_deref().filter(|told| *told != member);
    told.map(|told| format!("{told} answers there"))
}

/// What the load writes to: what a member is held against. Each is unknown where the server does not tell it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadedCluster {
    /// The cluster, by system identifier.
    pub identifier: Option<String>,
    /// The database.
    pub database: Option<Database>,
}

impl LoadedCluster {
    /// Why no witness may write to what answers, in words; `None` where it may. A row in another cluster, or in another
    /// database of this one, is no evidence, and is never looked up there.
    #[must_use]
    pub fn refuses_witness(&self, answers: &Server) -> Option<&'static str> {
        let is_same =
            |one: Option<&str>| one.is_some() && one == answers.system_identifier.as_deref();
        if !is_same(self.identifier.as_deref()) {
            return Some(
                "that it is of this cluster is not known (a role that may not execute pg_control_system() is not told)",
            );
        }
        let differs = self.database.as_ref().zip(answers.database.as_ref());
        let differs = differs.is_some_and(|(own, theirs)| own != theirs);
        differs.then_some("it is another database than the load's")
    }
}

/// Why what answers is not this member of this cluster, in words; `None` where it is.
///
/// A member that only Patroni names is known by its name, where its server tells it, else by its postmaster's start,
/// which its own API tells: an address may lead somewhere else from here.
#[must_use]
pub fn mismatch(
    member: &str,
    answers: &Server,
    cluster: Option<&str>,
    start: Option<DateTime<Utc>>,
) -> Option<String> {
    if let Some(other) = other_server(member, answers, cluster) {
        return Some(other);
    }
    match (answers.postmaster_start, start) {
        _ if answers.member.is_some() => None,
        (Some(theirs), Some(ours)) if (theirs - ours).abs() < SAME_START => None,
        (Some(_), Some(_)) => Some("another server answers there".to_owned()),
        _ => Some("what answers there does not tell which member it is".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn server(in_recovery: bool, timeline: u32) -> Server {
        Server {
            timeline: Some(timeline),
            system_identifier: Some("7".to_owned()),
            postmaster_start: DateTime::from_timestamp(5, 0),
            in_recovery,
            ..Server::default()
        }
    }

    fn answers(in_recovery: bool, timeline: u32) -> MemberServerState {
        MemberServerState::Answers { server: Box::new(server(in_recovery, timeline)) }
    }

    /// A look that took 2 ms.
    fn look(asked: u64, is: MemberServerState, lsn: Option<u64>) -> ServerLook {
        ServerLook { asked: ms(asked), at: ms(asked + 2), is, lsn }
    }

    /// What is told of one member that is seen so, every 100 ms.
    fn told(states: &[MemberServerState]) -> Vec<(MemberServerState, Option<u64>)> {
        let mut looks = MemberLooks::default();
        let mut told = Vec::new();
        for (n, is) in (0..).zip(states) {
            let (changed, _) = looks.look("a", &look(n * 100, is.clone(), None));
            told.extend(changed.map(|changed| {
                let before =
                    changed.not_before.map(|time| u64::try_from(time.as_millis()).unwrap());
                (changed.is, before)
            }));
        }
        told
    }

    #[test]
    fn a_witness_writes_only_where_the_load_does() {
        let database = |name: &str, oid| Some(Database { name: name.to_owned(), oid });
        let server = |identifier: Option<&str>, database| Server {
            system_identifier: identifier.map(str::to_owned),
            database,
            ..Server::default()
        };
        let own =
            LoadedCluster { identifier: Some("7".to_owned()), database: database("app", 16_384) };
        let may =
            |loaded: &LoadedCluster, answers: &Server| loaded.refuses_witness(answers).is_none();
        assert!(may(&own, &server(Some("7"), database("app", 16_384))));
        assert!(!may(&own, &server(Some("7"), database("app", 5))), "it was made anew");
        assert!(!may(&own, &server(Some("8"), database("app", 16_384))));
        assert!(!may(&own, &server(None, database("app", 16_384))));
        let unknown = LoadedCluster { identifier: None, ..own };
        assert!(!may(&unknown, &server(Some("7"), database("app", 16_384))));
        assert!(!may(&unknown, &server(None, database("app", 16_384))), "no sameness");
    }

    #[test]
    fn the_first_look_and_each_change_are_told_with_the_look_before() {
        let (replica, primary) = (answers(true, 1), answers(false, 2));
        assert_eq!(
            told(&[replica.clone(), replica.clone(), primary.clone(), primary.clone()]),
            [(replica.clone(), None), (primary.clone(), Some(100))]
        );
        assert_eq!(
            told(&[
                primary.clone(),
                MemberServerState::Gone,
                MemberServerState::Starting,
                replica.clone()
            ]),
            [
                (primary, None),
                (MemberServerState::Gone, Some(0)),
                (MemberServerState::Starting, Some(100)),
                (replica, Some(200)),
            ]
        );
    }

    #[test]
    fn a_replica_does_not_go_back_to_a_timeline_that_it_has_left() {
        let (first, second) = (answers(true, 1), answers(true, 2));
        assert_eq!(told(&[second.clone(), first.clone(), second.clone()]).len(), 1);
        let mut hidden = server(true, 1);
        hidden.timeline = None;
        let hidden = MemberServerState::Answers { server: Box::new(hidden) };
        let told_of = told(&[first.clone(), hidden.clone()]);
        assert_eq!(told_of[1].0, hidden, "it streams again, from where is hidden");
        let gone = MemberServerState::Gone;
        let told_of = told(&[second.clone(), gone.clone(), first.clone()]);
        assert_eq!(told_of[2].0, second, "it is the same server");
        let mut anew = server(true, 1);
        anew.postmaster_start = DateTime::from_timestamp(6, 0);
        let anew = MemberServerState::Answers { server: Box::new(anew) };
        assert_eq!(told(&[second, gone, anew.clone()])[2].0, anew, "a rewound one may");
    }

    #[test]
    fn one_look_without_an_answer_is_not_told() {
        let (replica, silent) = (answers(true, 1), MemberServerState::Silent);
        assert_eq!(told(&[replica.clone(), silent.clone(), replica.clone()]).len(), 1);
        assert_eq!(
            told(&[replica.clone(), silent.clone(), silent.clone(), silent.clone()]),
            [(replica, None), (silent, Some(0))],
            "the change came after the look that saw it otherwise"
        );
    }

    #[test]
    fn positions_are_told_once_a_second_while_they_move() {
        let mut looks = MemberLooks::default();
        let mut told = Vec::new();
        for n in 0..40 {
            let moves = n.min(25);
            let position =
                looks.look("a", &look(n * 100, answers(false, 1), Some(1_000 + moves))).1;
            told.extend(position.map(|position| (n * 100, "a", position.behind_bytes)));
            let position = looks.look("b", &look(n * 100, answers(true, 1), Some(990))).1;
            told.extend(position.map(|position| (n * 100, "b", position.behind_bytes)));
        }
        assert_eq!(
            told,
            [
                (0, "a", Some(0)),
                (0, "b", Some(10)),
                (1_000, "a", Some(0)),
                (2_000, "a", Some(0)),
                (3_000, "a", Some(0)),
            ]
        );
    }

    #[test]
    fn the_primary_of_the_higher_timeline_is_compared_with() {
        let mut looks = MemberLooks::default();
        looks.look("new", &look(0, answers(false, 2), Some(500)));
        let old = looks.look("old", &look(10, answers(false, 1), Some(900))).1.unwrap();
        assert_eq!(old.behind_bytes, None, "it is no replica, and no primary that counts");
        let replica = looks.look("b", &look(20, answers(true, 2), Some(480))).1.unwrap();
        assert_eq!(replica.behind_bytes, Some(20));
        let later = looks.look("c", &look(3_000, answers(true, 2), Some(480))).1.unwrap();
        assert_eq!(later.behind_bytes, None, "the primary was seen too long ago");
    }

    #[test]
    fn a_member_is_known_by_cluster_and_name_or_start() {
        let start = DateTime::from_timestamp(5, 0);
        let named = |name: &str| Server { member: Some(name.to_owned()), ..server(true, 1) };
        assert_eq!(mismatch("a", &named("a"), Some("7"), None), None);
        let words = mismatch("a", &named("b"), Some("7"), start);
        assert_eq!(words.as_deref(), Some("b answers there"));
        assert!(mismatch("a", &named("a"), Some("8"), None).unwrap().contains("another cluster"));
        assert_eq!(mismatch("a", &server(true, 1), Some("7"), start), None);
        let later = DateTime::from_timestamp(6, 0);
        assert!(mismatch("a", &server(true, 1), Some("7"), later).is_some());
        assert!(mismatch("a", &server(true, 1), Some("7"), None).is_some());
    }
}
