//! Facts of the load: sessions, writes, failures, and how far every writer is.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::cluster::server::{Server, ServerProcess};
use crate::model::fault::{Class, Fault};
use crate::model::ledger::by_writer;
use crate::model::ledger::progress::Progress;
use crate::model::ledger::seq_set::SeqSet;
use crate::model::load::rejection::Rejections;
use crate::model::seconds;

/// The first success.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ready {
    /// The server that answered.
    pub server: Server,
    /// Whether the schema `pgchaos` was made now.
    pub created: bool,
}

/// A writer's new session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Connected {
    /// Which writer.
    pub writer: i32,
    /// The server that answered.
    pub server: Server,
    /// The server's process for this session.
    pub backend: ServerProcess,
    /// Connect attempts that hung, and were given up beside the one that served.
    #[serde(default)]
    pub abandoned: u64,
}

/// A failure and what it did to writes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// Which writer; `None` for the session that sets up or verifies.
    pub writer: Option<i32>,
    /// What failed.
    pub fault: Fault,
    /// Writes that are in doubt by it.
    #[serde(default, skip_serializing_if = "SeqSet::is_empty")]
    pub in_doubt: SeqSet,
    /// Writes that it proves not committed.
    #[serde(default, skip_serializing_if = "SeqSet::is_empty")]
    pub rejected: SeqSet,
}

/// Writes of one writer, and nothing more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WriterWrites {
    /// Which writer.
    pub writer: i32,
    /// Which of its writes.
    pub seqs: SeqSet,
}

/// A server that owes an answer and gives no sign of life.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stalled {
    /// Which writer.
    pub writer: i32,
    /// The oldest write that waits; none when only a read does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<i64>,
    /// Since when: its last answer, or when it was asked.
    #[serde(rename = "since_s", with = "seconds")]
    pub since: Duration,
}

/// A writer has waited too long for a session, and nothing has told why: its attempt hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoSession {
    /// Which writer.
    pub writer: i32,
    /// Since when: the start of the attempt.
    #[serde(rename = "since_s", with = "seconds")]
    pub since: Duration,
}

/// The last ids, highest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReadBack {
    /// Which writer read.
    pub writer: i32,
    /// At most three.
    pub ids: Vec<i64>,
}

/// What was done since the last interval: at most a second, and the unit in which a record is
/// complete.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Writes that came due.
    pub due: u64,
    /// Writes that came due and were never sent.
    pub skipped: u64,
    /// Writes acknowledged.
    pub acknowledged: u64,
    /// When the first of them was acknowledged, since the start of the run; none without any.
    #[serde(
        rename = "first_ack_s",
        default,
        with = "seconds::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub first_ack: Option<Duration>,
    /// And the last.
    #[serde(
        rename = "last_ack_s",
        default,
        with = "seconds::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub last_ack: Option<Duration>,
    /// Every writer that moved.
    pub writers: Vec<Progress>,
    /// The writes that are rejected since the last interval, by writer: this line alone makes none
    /// of those acknowledged that its `writers` pass.
    #[serde(default, with = "by_writer", skip_serializing_if = "BTreeMap::is_empty")]
    pub rejected: BTreeMap<i32, SeqSet>,
    /// Those that are in doubt.
    #[serde(default, with = "by_writer", skip_serializing_if = "BTreeMap::is_empty")]
    pub in_doubt: BTreeMap<i32, SeqSet>,
    /// Those that are acknowledged, but committed without the synchronous standby.
    #[serde(default, with = "by_writer", skip_serializing_if = "BTreeMap::is_empty")]
    pub acknowledged_locally: BTreeMap<i32, SeqSet>,
    /// Refusals since the last interval that no [`Failure`] tells, by kind.
    #[serde(default, skip_serializing_if = "Rejections::is_empty")]
    pub rejections: Rejections,
    /// Latencies, as `[microseconds, count]`, of the writes acknowledged.
    pub latency_us: Vec<(u64, u64)>,
    /// pgchaos itself did not run for some of the time: the latencies are partly its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own_pause: bool,
    /// The highest id seen so far.
    pub highest_id: Option<i64>,
    /// Writes due and not yet sent although there are sessions.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub backlog: u64,
}

// The signature is serde's.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Counts of errors by class.
pub type ErrorCounts = BTreeMap<Class, u64>;
