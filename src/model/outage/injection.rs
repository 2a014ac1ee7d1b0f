//! What a drill did to the cluster, in a run: when, to which target, and what was seen after it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::fault::Class;
use crate::model::foreign;
use crate::model::seconds;

/// Something that a drill does to the cluster, as it begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Injected {
    /// The step of the drill, from 1.
    pub step: u32,
    /// What: `kill`, `stop`, `exec`, …
    #[serde(deserialize_with = "foreign::read_name")]
    pub action: String,
    /// Its target, as the drill says it: `leader`; a command for `exec`.
    #[serde(deserialize_with = "foreign::read_message")]
    pub target: String,
    /// The member that this was, where it has a name.
    #[serde(
        default,
        deserialize_with = "foreign::read_some_name",
        skip_serializing_if = "Option::is_none"
    )]
    pub member: Option<String>,
}

/// The same when the run is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Injection {
    /// What it was.
    #[serde(flatten)]
    pub what: Injected,
    /// When it began, since the start of the run.
    #[serde(rename = "at_s", with = "seconds")]
    pub at: Duration,
    /// How long it took; `None` when it was not told.
    #[serde(rename = "took_s", with = "seconds::option")]
    pub took: Option<Duration>,
    /// The classes of the writers' errors from then on until the next one, by their first
    /// appearance.
    pub errors: Vec<Class>,
}

/// What an outage followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// What was done: the last thing before the outage was noticed.
    #[serde(flatten)]
    pub what: Injected,
    /// When that began, since the start of the run.
    #[serde(rename = "at_s", with = "seconds")]
    pub at: Duration,
    /// From then to the first evidence of the outage; 0 when a write was cut off that was on its
    /// way already.
    #[serde(rename = "evidence_after_s", with = "seconds")]
    pub evidence_after: Duration,
}

impl Injected {
    /// The target with the member that it was: `leader (patroni2)`, `haproxy`.
    #[must_use]
    pub fn target_words(&self) -> String {
        match &self.member {
            Some(member) if *member != self.target => format!("{} ({member})", self.target),
            _ => self.target.clone(),
        }
    }
}
