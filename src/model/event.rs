//! Everything that a run can report, one variant a fact.
//!
//! The same events go to the log, to the record and into [`Run`](super::run::Run): what is
//! summed up live is summed up again from the record, by the same code. [`What::Written`],
//! [`What::ReadBack`] and [`What::Verifying`] are for the log alone.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::account::Account;
use super::by_writer;
use super::fault::{Class, Fault};
use super::injection::Injected;
use super::kind::Kind;
use super::options::{LoadOptions, Target, Thresholds};
use super::outage::Outage;
use super::seconds;
use super::seq_set::SeqSet;
use super::server::Server;
use super::summary::LostWrites;

/// One fact, and when it was known: `at`, since the start of the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Since the start of the run, by the monotonic clock.
    #[serde(rename = "at_s", with = "seconds")]
    pub at: Duration,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum What {
    /// The run begins: the first line of a record.
    Run(Box<Header>),
    /// The cluster was reached for the first time and its objects are there: writing begins.
    Ready(Ready),
    /// A writer has a session.
    Connected(Connected),
    /// An attempt, a write, a read or an idle session failed.
    Fault(Failure),
    /// The run can never work as it was asked for: it ends before its first write, and has no
    /// record. For the log of programs alone; people get the reason and the remedy.
    Refused {
        /// Why.
        fault: Fault,
    },
    /// A write has had no answer for longer than `--stall-after`.
    Stalled(Stalled),
    /// One acknowledged write, told one by one at low rates.
    Written(Written),
    /// The last ids, read back.
    ReadBack(ReadBack),
    /// What was done since the last interval.
    Interval(Box<Interval>),
    /// The first evidence that a writer cannot write.
    OutageBegan(OutageBegan),
    /// A write was acknowledged again while other writers still have no session.
    WritesResumed(WritesResumed),
    /// Every writer writes again, or the run ended.
    OutageEnded(Box<Outage>),
    /// The rate is back to what it was before the outage.
    FullRate {
        /// The outage's number.
        outage: u32,
        /// How long after it began.
        #[serde(rename = "after_s", with = "seconds")]
        after: Duration,
    },
    /// Who leads, by Patroni's API: the first look, and every change.
    Leader(LeaderSeen),
    /// An outage was over before it was seen that another member leads, or the same one anew.
    LeaderChanged {
        /// The outage's number.
        outage: u32,
        /// How long after it began that was seen.
        #[serde(rename = "after_s", with = "seconds")]
        after: Duration,
    },
    /// The API of a member answers, or does not. It is no error of the load.
    PatroniApi(ApiReached),
    /// What was found after an outage: provisional for what is absent, final for what is present.
    Checked(Checked),
    /// The outage's kind, now that more is known of the servers.
    Reclassified {
        /// The outage's number.
        outage: u32,
        /// Its kind.
        kind: Kind,
    },
    /// The ids jumped though nothing is missing.
    IdGap(IdGap),
    /// Timeline or ids went back: acknowledged writes may be gone.
    HistoryBackwards(Backwards),
    /// How far a replica is behind.
    ReplicaLag(ReplicaLag),
    /// A replica could not be read from. It is no error of the load.
    ReplicaFailed {
        /// The error.
        fault: Fault,
    },
    /// A drill does something to the cluster: `at` is when it begins.
    Injected(Injected),
    /// It is done, or has failed.
    InjectionEnded {
        /// The step of the drill.
        step: u32,
        /// How long it took.
        #[serde(rename = "took_s", with = "seconds")]
        took: Duration,
    },
    /// What a drill waits for, or says.
    Drill {
        /// In words.
        message: String,
    },
    /// Writing ends, verification begins.
    Stopping {
        /// Why: `duration`, `writes`, `signal`.
        reason: StopReason,
    },
    /// What the final verification waits for or does.
    Verifying {
        /// In words.
        step: String,
    },
    /// The final verification's result.
    Verified(Box<Verification>),
    /// Every write that was sent has its outcome: from here on nothing is unaccounted.
    Closed,
    /// The last line of a record that was closed.
    Ended {
        /// Whether every write that was sent is in the ledger. Not so when a second Ctrl-C came
        /// while writes were in flight.
        complete: bool,
    },
    /// Something to know that changes no count.
    Warning {
        /// In words.
        message: String,
    },
}

/// What a run is: the first line of its record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The format of the record.
    pub format: u32,
    /// The version of pgchaos.
    pub pgchaos: String,
    /// The run's id: part of every token.
    pub run_id: Uuid,
    /// The number of this generator among several of one run.
    pub generator: u32,
    /// The first writer's number; the others follow.
    pub first_writer: i32,
    /// Writer numbers that belong to this generator, both ends included: rows of others under the
    /// same run are not its own.
    pub own_writers: (i32, i32),
    /// When it began, by the wall clock.
    pub started_at: DateTime<Utc>,
    /// Where to.
    pub target: Target,
    /// The load.
    pub options: LoadOptions,
    /// What makes it fail.
    pub thresholds: Thresholds,
}

impl Header {
    /// How old evidence of an outage can be when it is told: a write may be silent for its whole
    /// deadline, and a connect attempt for that of every host.
    #[must_use]
    pub fn longest_wait(&self) -> Duration {
        let hosts = u32::try_from(self.target.endpoints.split(',').count()).unwrap_or(u32::MAX);
        let connect = self.options.connect_timeout.saturating_mul(hosts);
        connect.max(self.options.write_timeout)
    }
}

/// The first success.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ready {
    /// Who answered.
    pub server: Server,
    /// Whether the schema `pgchaos` was made now.
    pub created: bool,
}

/// A writer's new session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Connected {
    /// Which writer.
    pub writer: i32,
    /// Who answered.
    pub server: Server,
    /// The server's process for this session.
    pub backend: Backend,
}

/// A server process: a process id alone is reused.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Backend {
    /// `pg_backend_pid()`.
    pub pid: i32,
    /// `backend_start`, by the server's clock.
    pub start: Option<DateTime<Utc>>,
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

/// A write that waits for its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stalled {
    /// Which writer.
    pub writer: i32,
    /// Which write.
    pub seq: i64,
    /// When it was sent.
    #[serde(rename = "since_s", with = "seconds")]
    pub since: Duration,
}

/// An acknowledged write, for the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Written {
    /// Which writer.
    pub writer: i32,
    /// Its sequence number.
    pub seq: i64,
    /// The id that the server gave.
    pub id: i64,
    /// The event's type.
    pub event_type: String,
    /// The user's name.
    pub user: String,
}

/// The last ids, highest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReadBack {
    /// Which writer read.
    pub writer: i32,
    /// At most three.
    pub ids: Vec<i64>,
}

/// How far one writer is.
///
/// In JSON `[writer, attempted, resolved]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(i32, i64, i64)", into = "(i32, i64, i64)")]
pub struct Progress {
    /// Which writer.
    pub writer: i32,
    /// The highest sequence number that was sent.
    pub attempted: i64,
    /// Up to here every write is acknowledged, unless a [`Failure`] says otherwise.
    pub resolved: i64,
}

impl From<(i32, i64, i64)> for Progress {
    fn from((writer, attempted, resolved): (i32, i64, i64)) -> Self {
        Self { writer, attempted, resolved }
    }
}

impl From<Progress> for (i32, i64, i64) {
    fn from(progress: Progress) -> Self {
        (progress.writer, progress.attempted, progress.resolved)
    }
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
    /// Of these, committed without the synchronous standby.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub acknowledged_locally: u64,
    /// Every writer that moved.
    pub writers: Vec<Progress>,
    /// Latencies, as `[microseconds, count]`, of the writes acknowledged.
    pub latency_us: Vec<(u64, u64)>,
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

/// Who leads, by Patroni's API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaderSeen {
    /// Who led before; `None` is nobody, or nobody known.
    pub from: Option<String>,
    /// Who leads now, by name, or by the URL of its API where that has no name; `None` is nobody.
    /// The same as before: it was promoted anew.
    pub to: Option<String>,
    /// The timeline of who leads now; `None` while it is not promoted yet.
    pub timeline: Option<u32>,
    /// When it was last known to be otherwise, as far as it was: the change came after that.
    #[serde(rename = "not_before_s", with = "seconds::option")]
    pub not_before: Option<Duration>,
    /// Whether every member of the cluster is asked: else one that is not may lead.
    pub all_asked: bool,
}

/// Whether a member's API can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiReached {
    /// Its member, where it is known.
    pub member: Option<String>,
    /// Its URL.
    pub url: String,
    /// Why it cannot be asked; `None` when it can, again.
    pub error: Option<String>,
    /// Whether it is asked on: not so with one that only `/cluster` names and that was never
    /// reached from here.
    pub watched: bool,
}

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

/// How far a replica is behind what was acknowledged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReplicaLag {
    /// Who answered.
    pub server: Server,
    /// Acknowledged writes that it does not show yet.
    pub writes_behind: u64,
    /// How old the oldest of them is.
    #[serde(rename = "behind_s", with = "seconds")]
    pub behind: Duration,
}

/// Why writing ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// `--duration` is over.
    Duration,
    /// `--writes` are sent.
    Writes,
    /// Ctrl-C or SIGTERM.
    Signal,
}

/// The final verification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verification {
    /// What the ledger and the converged primary say together; `None` when it could not finish.
    pub account: Option<Account>,
    /// The lost writes, with the times between which they were acknowledged.
    pub lost_writes: Vec<LostWrites>,
    /// Why it could not finish, or was skipped.
    pub reason: Option<String>,
    /// The server it looked at.
    pub server: Option<Server>,
    /// How long it took.
    #[serde(rename = "took_s", with = "seconds")]
    pub took: Duration,
}

/// Counts of errors by class.
pub type ErrorCounts = BTreeMap<Class, u64>;
