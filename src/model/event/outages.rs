//! Facts of outages: their beginning, what was looked up after them, and history that went back.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Progress;
use crate::model::by_writer;
use crate::model::kind::Kind;
use crate::model::seconds;
use crate::model::seq_set::SeqSet;

/// The beginning of an outage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutageBegan {
    /// The outage's number.
    pub n: u32,
    /// The first evidence.
    #[serde(rename = "began_s", with = "seconds")]
    pub began: Duration,
    /// How far every writer was.
    pub writers: Vec<Progress>,
}

/// The first write in an outage that is not over for everyone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WritesResumed {
    /// The outage's number.
    pub outage: u32,
    /// Since it began.
    #[serde(rename = "after_s", with = "seconds")]
    pub after: Duration,
    /// Writers that still cannot write.
    pub writers_down: u64,
}

/// What was looked up after an outage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// The outage's number.
    pub outage: u32,
    /// Writes in doubt that are present: committed, for good.
    #[serde(with = "by_writer")]
    pub recovered: BTreeMap<i32, SeqSet>,
    /// Writes in doubt that are not there yet. They may still come.
    #[serde(with = "by_writer")]
    pub not_found: BTreeMap<i32, SeqSet>,
    /// Acknowledged writes that are not there: provisional.
    #[serde(with = "by_writer")]
    pub missing: BTreeMap<i32, SeqSet>,
    /// How many recent acknowledged writes were looked up.
    pub looked_up: u64,
    /// Why nothing could be looked up, when that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Ids that jumped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IdGap {
    /// The outage between them.
    pub outage: u32,
    /// The highest id before.
    pub before: i64,
    /// The first id after.
    pub after: i64,
    /// The outage's kind.
    pub kind: Kind,
}

/// History that went backwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backwards {
    /// What went back: `timeline`, `id` or `system_identifier`.
    pub what: BackwardsWhat,
    /// The highest value seen before.
    pub from: String,
    /// The value now.
    pub to: String,
    /// Who answered with it.
    pub server: String,
    /// When, since the start of the run.
    #[serde(rename = "seen_s", with = "seconds")]
    pub seen: Duration,
}

impl Backwards {
    /// Whether it is the same fact, met by another writer.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        (self.what, &self.from, &self.to) == (other.what, &other.from, &other.to)
    }
}

/// What can go back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackwardsWhat {
    /// The timeline is lower than one seen before.
    Timeline,
    /// An id was given that is not above the highest seen before.
    Id,
    /// It is another cluster.
    SystemIdentifier,
}
