//! The summary of a run: the names of its JSON are part of the public interface.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::cluster::clock_offset::ServerClock;
use crate::model::event::{Backwards, Beside, Holding, Note};
use crate::model::fault::Class;
use crate::model::ledger::account::Counts;
use crate::model::ledger::loss_times::LostWrites;
use crate::model::load::latency::Percentiles;
use crate::model::load::options::{LoadOptions, Thresholds};
use crate::model::load::own_pause::OwnPause;
use crate::model::load::passed_over::PassedOverCount;
use crate::model::load::target::Target;
use crate::model::outage::Outage;
use crate::model::outage::injection::Injection;
use crate::model::outcome::Outcome;
use crate::model::run::availability::RateSummary;
use crate::model::run::lanes::{AcknowledgingFrom, MemberLane, ProxyLane, ProxyPageFrom};
use crate::model::run::replica_lag::ReplicaSummary;
use crate::model::run::software::{ServerSoftware, SettingsFrom};
use crate::model::run::timeline_columns::TimelineColumns;
use crate::model::run::two_primaries_account::TwoPrimariesAccount;

/// What a run comes to, in numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The format of this summary.
    pub format: u32,
    /// The version of pgchaos that ran it.
    pub pgchaos: String,
    /// The run's id.
    pub run_id: Uuid,
    /// The group of runs that it belongs to, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// What this run is called among them, or by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is the load of, where it is not one by itself: `demo`, `drill leader-kill`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_of: Option<String>,
    /// What that drill came to, once it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill_verdict: Option<Outcome>,
    /// When it began, by the wall clock.
    pub started_at: DateTime<Utc>,
    /// How long it wrote, or waited to write; without the verification.
    pub elapsed_s: f64,
    /// Where to.
    pub target: Target,
    /// The load and the thresholds.
    pub options: SummaryOptions,
    /// Writes by outcome.
    pub writes: Writes,
    /// How fast, and how much of what was due.
    pub rate: RateSummary,
    /// From when a write was due to its acknowledgement, in milliseconds.
    pub latency_ms: Percentiles,
    /// Errors by class.
    pub errors: BTreeMap<Class, u64>,
    /// Hosts that were tried in vain before another one served, by class: no errors of the load.
    #[serde(default)]
    pub passed_over: Vec<PassedOverCount>,
    /// The ledger against the database.
    pub verification: VerificationSummary,
    /// History that went backwards.
    pub history_backwards: Vec<Backwards>,
    /// Pairs of servers that acknowledged writes at the same time.
    pub two_primaries: Vec<TwoPrimariesAccount>,
    /// Every replica that was read: how far it was behind.
    #[serde(default)]
    pub replicas: Vec<ReplicaSummary>,
    /// Every outage.
    pub outages: Vec<Outage>,
    /// What a drill did to the cluster.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub injections: Vec<Injection>,
    /// When pgchaos itself did not run.
    #[serde(default)]
    pub own_pauses: Vec<OwnPause>,
    /// What pgchaos itself ran out of, how often, and what to do about it: no limit of time fails
    /// by it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub own_limits: Vec<String>,
    /// Connect attempts that hung, and were given up beside others.
    #[serde(default)]
    pub abandoned: u64,
    /// How far each server's clock is ahead of the run's: what the times of several runs are brought
    /// together by.
    #[serde(default)]
    pub clocks: Vec<ServerClock>,
    /// What happened when.
    #[serde(default)]
    pub timeline: TimelineColumns,
    /// Which server acknowledged writes, and from when on.
    #[serde(default)]
    pub acknowledging: Vec<AcknowledgingFrom>,
    /// What each member was over time, by its own Patroni API, where that was watched.
    #[serde(default)]
    pub members: Vec<MemberLane>,
    /// What each server was over time for the proxy, where its page was watched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proxy: Vec<ProxyLane>,
    /// Whether the proxy's page could be read, over time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proxy_page: Vec<ProxyPageFrom>,
    /// From when on changes of servers and members are left out: there were too many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lanes_until_s: Option<f64>,
    /// How many changes that is.
    #[serde(default)]
    pub lanes_left_out: u64,
    /// What runs on each server that was seen.
    #[serde(default)]
    pub servers: Vec<ServerSoftware>,
    /// Patroni's settings at the first look at its API, and after each change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patroni_settings: Vec<SettingsFrom>,
    /// The URLs of Patroni's APIs that were given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patroni: Vec<String>,
    /// The URL of the proxy's page that was watched, without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub haproxy: Option<String>,
    /// The run id of the witnesses' writes, where there were witnesses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<Uuid>,
    /// What else was asked beside the load, as it was told to, without secrets.
    #[serde(default, skip_serializing_if = "Beside::is_empty")]
    pub beside: Beside,
    /// The record on disk, where one was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordSummary>,
    /// Pass, fail or inconclusive.
    pub verdict: Outcome,
    /// Why.
    pub reasons: Vec<String>,
}

impl Summary {
    /// Whether a drill ran it, which judges it by its own expectations. Records of older versions say no more
    /// than what it did.
    #[must_use]
    pub fn is_of_a_drill(&self) -> bool {
        self.part_of.is_some() || !self.injections.is_empty()
    }
}

/// The record on disk: from one that is not complete a run cannot be accounted for again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordSummary {
    /// Where it is.
    pub path: String,
    /// Whether all of the run is in it.
    pub complete: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The load and the thresholds, side by side in one object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SummaryOptions {
    /// The load.
    #[serde(flatten)]
    pub load: LoadOptions,
    /// What makes the verdict fail.
    #[serde(flatten)]
    pub thresholds: Thresholds,
}

/// Writes by outcome. `attempted` is the sum of `acknowledged`, `rejected`, `in_doubt` and of the
/// unaccounted ones that are known to be sent; `due` is that of `attempted` and `skipped`, and of
/// what was due and not yet sent when the run ended, less the writes that were sent before their
/// time, to see whether writes are taken again, and were not acknowledged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writes {
    /// Came due.
    pub due: u64,
    /// Sent.
    pub attempted: u64,
    /// The server said that they are committed.
    pub acknowledged: u64,
    /// Of these, committed without the synchronous standby, as the wait for it was cancelled.
    pub acknowledged_locally: u64,
    /// Proven not committed.
    pub rejected: u64,
    /// Sent, and no proof came.
    pub in_doubt: u64,
    /// Due, and never sent, as there was no session.
    pub skipped: u64,
    /// Sent after the last flush of the record. `None` for a run that was killed: an unknown
    /// number, of which `unaccounted_seen` are known.
    pub unaccounted: Option<u64>,
    /// Of these, as many as were seen: sent by the record's last words, or there in the database.
    pub unaccounted_seen: u64,
}

/// How far the verification came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerificationState {
    /// Every write has a final outcome.
    Complete,
    /// It could not finish.
    Incomplete,
    /// It was not asked for, or not reached.
    Skipped,
}

/// The ledger against the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerificationSummary {
    /// How far it came. Unless complete, the counts are 0 and mean nothing.
    pub state: VerificationState,
    /// The server that decided, by name or address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// How many of each.
    #[serde(flatten)]
    pub counts: Counts,
    /// The lost writes, as ranges.
    pub lost_writes: Vec<LostWrites>,
    /// What other servers hold: of the lost writes; where no server decides, of all acknowledged
    /// ones.
    pub held: Vec<HeldBy>,
    /// What there is to know of how it was decided.
    pub notes: Vec<Note>,
    /// Why it is not complete, or leaves writes in doubt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What came of a later verification that was not complete. It changes no verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
}

/// How many of some writes a server holds that does not decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBy {
    /// Its name or address.
    pub server: String,
    /// Its timeline.
    pub timeline: Option<u32>,
    /// How many writes.
    pub writes: u64,
}

impl From<&Holding> for HeldBy {
    fn from(holding: &Holding) -> Self {
        let Holding { server, writes } = holding;
        Self { server: server.name(), timeline: server.timeline, writes: *writes }
    }
}
