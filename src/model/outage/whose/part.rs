//! The parts of an outage.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::model::foreign;
use crate::model::outage::whose::owner::Owner;
use crate::model::seconds;
use crate::model::span::Span;

/// What was in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartName {
    /// Patroni waited for the lock of a leader that was gone to expire.
    Lock,
    /// The old leader shut down and gave its lock back.
    Handover,
    /// Patroni had no majority of its store, or had not acted yet on having one again.
    Store,
    /// The lock was free: the members chose.
    Election,
    /// The lock was free, and Patroni was paused: no member takes it by itself.
    Paused,
    /// The new leader had the lock, and its server was not promoted yet.
    Promotion,
    /// The server had ended, and Patroni had not started it again.
    Restart,
    /// The server started, and recovered.
    Recovery,
    /// The primary gave no answer.
    Silence,
    /// The server answered, and refused.
    Refusal,
    /// The session ended, and nothing was in the way any more.
    Ended,
    /// No member took writes. Why, was not seen.
    Cluster,
    /// A member took writes, and the proxy sent no session there, or also to others.
    ProxyChecks,
    /// A member took writes, and the proxy held a connect to a server that was dead.
    ProxyHold,
    /// The proxy was not there.
    ProxyGone,
    /// The way was free, and the client still waited for an answer of its old session.
    Noticing,
    /// The way was free, and the client waited before its next attempt, or connected.
    Reconnect,
    /// A member took writes, and attempts failed on the way there.
    Way,
    /// Not split: no watcher saw what was in the way.
    Unsplit,
}

impl PartName {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::Lock,
        Self::Handover,
        Self::Store,
        Self::Election,
        Self::Paused,
        Self::Promotion,
        Self::Restart,
        Self::Recovery,
        Self::Silence,
        Self::Refusal,
        Self::Ended,
        Self::Cluster,
        Self::ProxyChecks,
        Self::ProxyHold,
        Self::ProxyGone,
        Self::Noticing,
        Self::Reconnect,
        Self::Way,
        Self::Unsplit,
    ];
}

/// A part of an outage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutagePart {
    /// What was in the way.
    pub part: PartName,
    /// Its owner where that was seen, else all that it can have been.
    pub owners: Vec<Owner>,
    /// When it began, since the outage did.
    #[serde(rename = "from_s", with = "seconds")]
    pub from: Duration,
    /// How long it was.
    #[serde(rename = "lasted_s", with = "seconds")]
    pub lasted: Duration,
    /// How far its two ends can be off, the less exact one: looks are some time apart.
    #[serde(rename = "within_s", with = "seconds")]
    pub within: Duration,
    /// How long the settings let expect it to be, where they are known and say so.
    #[serde(rename = "expected_s", default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Span>,
}

/// The parts of an outage, with their owners.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WhoseSeconds {
    /// Its parts in their order: together they are as long as the outage.
    #[serde(deserialize_with = "read_parts")]
    pub parts: Vec<OutagePart>,
    /// What would have made it shorter, by the settings in force, the most first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shorter: Vec<ShorterBy>,
}

/// A part ends where the next one begins, but for the digits that a record has.
const BETWEEN_PARTS_MAX: Duration = Duration::from_millis(1);

/// A record may come from anywhere: parts with gaps between them, or none, are no split.
fn read_parts<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<OutagePart>, D::Error> {
    let parts = Vec::<OutagePart>::deserialize(from)?;
    let follows = |pair: &[OutagePart]| {
        pair[0].from.saturating_add(pair[0].lasted).abs_diff(pair[1].from) <= BETWEEN_PARTS_MAX
    };
    let are_named = |part: &OutagePart| (1..=Owner::ALL.len()).contains(&part.owners.len());
    if parts.is_empty() || !parts.iter().all(are_named) {
        return Err(D::Error::custom("an outage has parts, and each of them an owner"));
    }
    match parts.windows(2).all(follows) {
        true => Ok(parts),
        false => Err(D::Error::custom("the parts of an outage do not follow one another")),
    }
}

/// A change that would make such an outage shorter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShorterBy {
    /// The change in its exact words: `fastinter 250ms downinter 250ms`.
    #[serde(deserialize_with = "foreign::read_message")]
    pub change: String,
    /// Where it is made.
    #[serde(deserialize_with = "foreign::read_message")]
    pub place: String,
    /// How much it saves, half-way between best and worst case; `None` where such an outage has no end of its own.
    #[serde(rename = "saves_s", default, with = "seconds::option")]
    pub saves: Option<Duration>,
    /// What it risks.
    #[serde(deserialize_with = "foreign::read_message")]
    pub risk: String,
}

/// How much of an outage was an owner's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OwnerSeconds {
    /// The parts that are its alone.
    pub at_least: Duration,
    /// And those that may be.
    pub at_most: Duration,
}

impl WhoseSeconds {
    /// How long its parts are together.
    #[must_use]
    pub fn together(&self) -> Duration {
        self.parts.iter().fold(Duration::ZERO, |sum, part| sum.saturating_add(part.lasted))
    }

    /// How much each owner had, or may have had.
    #[must_use]
    pub fn by_owner(&self) -> BTreeMap<Owner, OwnerSeconds> {
        let mut owners: BTreeMap<Owner, OwnerSeconds> = BTreeMap::new();
        for part in &self.parts {
            for owner in &part.owners {
                let seconds = owners.entry(*owner).or_default();
                seconds.at_most = seconds.at_most.saturating_add(part.lasted);
                if part.owners.len() == 1 {
                    seconds.at_least = seconds.at_least.saturating_add(part.lasted);
                }
            }
        }
        owners
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(parts: &str) -> Result<WhoseSeconds, String> {
        serde_json::from_str(&format!(r#"{{"parts":[{parts}]}}"#))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn parts_with_gaps_are_no_split() {
        let part = |from: f64, owners: &str| {
            format!(
                r#"{{"part":"lock","owners":[{owners}],"from_s":{from},"lasted_s":2.5,"within_s":0.1}}"#
            )
        };
        let owner = r#""patroni""#;
        assert!(read(&[part(0.0, owner), part(2.5, owner)].join(",")).is_ok());
        for (parts, words) in [
            (String::new(), "an outage has parts"),
            (part(0.0, ""), "each of them an owner"),
            ([part(0.0, owner), part(2.6, owner)].join(","), "do not follow one another"),
            ([part(2.5, owner), part(0.0, owner)].join(","), "do not follow one another"),
        ] {
            let error = read(&parts).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
