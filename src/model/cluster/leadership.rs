//! The leader, by what the members' Patroni APIs say one after another.
//!
//! A member leads while its own API answers 200 to `/primary`. A leader that cannot be asked still
//! counts as the leader, until another member leads or a third one says that the leader key is
//! free.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::foreign;
use crate::model::seconds;

/// The leader, by Patroni's API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaderSeen {
    /// The leader before; `None`: there was none, or none is known.
    #[serde(default, deserialize_with = "foreign::read_some_name")]
    pub from: Option<String>,
    /// The leader now, by name, or by the URL of its API where that has no name; `None`: there is
    /// none. The same as before: it was promoted anew.
    #[serde(default, deserialize_with = "foreign::read_some_name")]
    pub to: Option<String>,
    /// The timeline of the leader now; `None` while it is not promoted yet.
    pub timeline: Option<u32>,
    /// When it was last known to be otherwise, as far as it was: the change came after that.
    #[serde(rename = "not_before_s", with = "seconds::option")]
    pub not_before: Option<Duration>,
    /// Whether every member of the cluster is asked: else one that is not may lead.
    pub all_asked: bool,
}

/// One look at a member's API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// When it was asked, since the start of the run.
    pub asked: Duration,
    /// When the answer was there.
    pub at: Duration,
    /// The answer.
    pub answer: LookAnswer,
}

/// What a look found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookAnswer {
    /// The member about itself.
    Status(Status),
    /// The connect was refused, or the connection broke: Patroni does not run there.
    Gone,
    /// There was no answer in time, or none of Patroni's.
    Silent,
}

/// What a member's PostgreSQL is, by Patroni's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberRole {
    /// It takes writes.
    Primary,
    /// It leads a standby cluster, in recovery.
    StandbyLeader,
    /// It follows another one, in recovery.
    Replica,
    /// It gave the lead up and is not a replica yet.
    Demoted,
    /// Another word of Patroni's: `uninitialized`, …
    Other(String),
}

/// What a member says of the leader's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyWord {
    /// Some member has it.
    Held,
    /// None has.
    Free,
    /// It cannot read the store.
    Unknown,
}

/// A member about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// It holds the leader's key.
    pub leads: bool,
    /// PostgreSQL's state in Patroni's words: `running`, `stopping`, …
    pub state: String,
    /// What its PostgreSQL is. A new leader still is a replica for a moment.
    pub role: MemberRole,
    /// PostgreSQL's timeline.
    pub timeline: Option<u32>,
    /// What it says of the leader's key.
    pub key: KeyWord,
    /// When it last read its store, by its clock, in whole seconds since 1970.
    pub store_seen: Option<u64>,
}

/// What is known of one member.
#[derive(Debug, Default)]
struct MemberHistory {
    /// Its last look was answered, and did not find it leading.
    follows: bool,
    /// Since when it has said that the leader key is free.
    unlocked_since: Option<Duration>,
    /// Since when every look has found it leading.
    claims_since: Option<Duration>,
    /// When the last look was asked that found it leading.
    led: Option<Duration>,
    /// When the last look was asked that did not.
    followed: Option<Duration>,
    /// When the last look was asked in which it said that the key is another member's.
    held: Option<Duration>,
}

/// The time of one leader: until another one leads, or the same one anew.
#[derive(Debug)]
struct Term {
    member: String,
    /// `None` until it is promoted.
    timeline: Option<u32>,
}

/// The leader now, and what each member's looks say about it.
#[derive(Debug, Default)]
pub struct Leadership {
    members: BTreeMap<String, MemberHistory>,
    term: Option<Term>,
    /// When the look was asked that found the cluster without a leader.
    nobody_since: Option<Duration>,
    /// The first leader was told, or that there is none.
    told: bool,
    /// Every member of the cluster is asked.
    all_asked: bool,
}

impl Leadership {
    /// Sets whether every member is asked: only then is "no leader" certain.
    pub fn all_are_asked(&mut self, all: bool) {
        self.all_asked = all;
    }

    /// Adds a member before its first look: "no leader" is told only when all members were asked.
    pub fn expect(&mut self, member: &str) {
        self.members.entry(member.to_owned()).or_default();
    }

    /// Takes a look in; what changed by it, if anything did.
    pub fn look(&mut self, member: &str, look: &Look) -> Option<LeaderSeen> {
        let known = self.members.entry(member.to_owned()).or_default();
        let (asked, at) = (Some(look.asked), look.at);
        match &look.answer {
            LookAnswer::Status(status) if status.leads => {
                known.follows = false;
                known.unlocked_since = None;
                known.claims_since.get_or_insert(at);
                let followed = known.followed;
                known.led = asked;
                let timeline = status.timeline.filter(|_| status.role != MemberRole::Replica);
                self.leads(member, timeline, followed)
            }
            LookAnswer::Status(status) => {
                known.follows = true;
                known.followed = asked;
                known.claims_since = None;
                if status.key == KeyWord::Held {
                    known.held = asked;
                }
                known.unlocked_since = (status.key == KeyWord::Free)
                    .then(|| known.unlocked_since.unwrap_or(look.asked));
                self.no_leader(look.asked)
            }
            LookAnswer::Gone | LookAnswer::Silent => {
                known.follows = false;
                known.unlocked_since = None;
                known.claims_since = None;
                self.no_leader(look.asked)
            }
        }
    }

    fn leads(
        &mut self,
        member: &str,
        timeline: Option<u32>,
        followed: Option<Duration>,
    ) -> Option<LeaderSeen> {
        if let Some(term) = &mut self.term {
            if term.member == member {
                let anew = matches!((term.timeline, timeline), (Some(old), Some(new)) if new > old);
                if !anew {
                    term.timeline = term.timeline.or(timeline);
                    return None;
                }
            } else if self.claims_later(&self.term.as_ref()?.member, member) {
                return None;
            }
        }
        let before = self.term.as_ref().filter(|term| term.member != member);
        let led = before.and_then(|term| self.members.get(&term.member)?.led);
        let not_before = followed.max(led).max(self.nobody_since);
        self.change(Some(Term { member: member.to_owned(), timeline }), not_before)
    }

    /// Whether `one` has claimed to lead for less long than `other`. Of two that do, the newest is
    /// right: one that was frozen believes for a moment that nothing has happened.
    fn claims_later(&self, one: &str, other: &str) -> bool {
        let since = |name: &str| self.members.get(name).and_then(|known| known.claims_since);
        since(one).is_some() && since(one) >= since(other)
    }

    /// Whether the leader is lost, after a look that found a member not leading.
    fn no_leader(&mut self, asked: Duration) -> Option<LeaderSeen> {
        let Some(term) = &self.term else {
            let all_follow = self.members.values().all(|known| known.follows);
            if self.told || !all_follow || !self.all_asked {
                return None;
            }
            self.nobody_since = Some(asked);
            return self.change(None, None);
        };
        let known = self.members.get(&term.member)?;
        let led = known.led;
        // The leader's own answer decides; another member's counts only if the leader cannot be
        // asked. It must be newer than the leader's last look: a member goes on reporting a free
        // key for a while after there is a new leader.
        let noticed = |other: &MemberHistory| other.unlocked_since > led;
        let unasked = !known.follows && known.claims_since.is_none();
        if !(known.follows || (unasked && self.members.values().any(noticed))) {
            return None;
        }
        let claims =
            |(name, known): (&String, &MemberHistory)| Some((known.claims_since?, name.clone()));
        let heir = self.members.iter().filter_map(claims).max();
        // The key of a leader that cannot be asked was still held when others said so.
        let held = self.members.values().filter_map(|other| other.held).max();
        let not_before = if known.follows { led } else { led.max(held) };
        self.nobody_since = Some(asked);
        self.change(heir.map(|(_, member)| Term { member, timeline: None }), not_before)
    }

    fn change(&mut self, next: Option<Term>, not_before: Option<Duration>) -> Option<LeaderSeen> {
        self.told = true;
        let from = self.term.take().map(|term| term.member);
        let seen = LeaderSeen {
            from,
            to: next.as_ref().map(|term| term.member.clone()),
            timeline: next.as_ref().and_then(|term| term.timeline),
            not_before,
            all_asked: self.all_asked,
        };
        self.term = next;
        Some(seen)
    }
}

#[cfg(test)]
mod tests;
