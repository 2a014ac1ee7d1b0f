//! Facts of outages: their beginning, what was looked up after them, and history that went back.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::foreign;
use crate::model::ledger::by_writer;
use crate::model::ledger::progress::Progress;
use crate::model::ledger::seq_set::SeqSet;
use crate::model::outage::kind::Kind;
use crate::model::seconds;

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

/// The first write in an outage that is not over for all writers.
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

/// How many writers are out, told when that changes, at most twice a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WritersOut {
    /// The outage's number.
    pub outage: u32,
    /// Writers that are out.
    pub out: u64,
    /// Whether others write meanwhile.
    pub others_write: bool,
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
    /// Acknowledged writes that are there.
    #[serde(default, with = "by_writer")]
    pub there: BTreeMap<i32, SeqSet>,
    /// How many recent acknowledged writes were looked up.
    pub looked_up: u64,
    /// Rows of other runs between the last id before and the first one after, where ids jumped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_rows: Option<u64>,
    /// Why nothing could be looked up, when that is so.
    #[serde(
        default,
        deserialize_with = "foreign::read_some_message",
        skip_serializing_if = "Option::is_none"
    )]
    pub error: Option<String>,
}

/// Ids that jumped.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct IdGap {
    /// The outage between them.
    pub outage: u32,
    /// The highest id before.
    pub before: i64,
    /// The first id after.
    pub after: i64,
    /// The outage's kind.
    pub kind: Kind,
    /// The server came up after a crash, which skips values as a promotion does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub crashed: bool,
    /// Writes that were rejected meanwhile: each may have used a value.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rejected: u64,
    /// Writes of the outage that are in doubt: the same.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub in_doubt: u64,
    /// Rows of other runs between the two ids, where it was looked; without those of this run's witnesses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_rows: Option<u64>,
    /// Rows of this run's witnesses between them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub witness_rows: u64,
}

// As serde calls it.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// History that went backwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backwards {
    /// What went back: `timeline`, `id` or `system_identifier`.
    pub what: BackwardsWhat,
    /// The highest value seen before.
    #[serde(deserialize_with = "foreign::read_name")]
    pub from: String,
    /// The value now.
    #[serde(deserialize_with = "foreign::read_name")]
    pub to: String,
    /// The server that answered with it.
    #[serde(deserialize_with = "foreign::read_name")]
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
