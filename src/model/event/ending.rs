//! Facts of a run's end.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::cluster::server::Server;
use crate::model::foreign;
use crate::model::ledger::account::Account;
use crate::model::ledger::loss_times::LostWrites;
use crate::model::outcome::Outcome;
use crate::model::seconds;
use crate::model::tls_cause::TlsCause;

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
    /// What the ledger and the server that decides say together; `None` when it could not finish.
    pub account: Option<Account>,
    /// The lost writes, with the times between which they were acknowledged.
    pub lost_writes: Vec<LostWrites>,
    /// Why it could not finish, or what it left open.
    #[serde(default, deserialize_with = "foreign::read_some_message")]
    pub reason: Option<String>,
    /// The server that decides: its rows were compared with the ledger.
    pub server: Option<Server>,
    /// What there is to know of how it was decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// What other servers hold: of the lost writes; where no server decides, of all acknowledged
    /// ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<Holding>,
    /// How long it took.
    #[serde(rename = "took_s", with = "seconds")]
    pub took: Duration,
}

/// Something to know of how a verification was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "note")]
pub enum Note {
    /// One endpoint was looked at: no other member was.
    OneEndpoint,
    /// The server is on a lower timeline than the run has seen: history went back.
    WentBack {
        /// The highest timeline that the run has seen.
        from: u32,
        /// The server's.
        to: u32,
    },
    /// The table is not there: all that was acknowledged is lost with it.
    TableGone,
    /// The rows were removed after an earlier verification, on the same timeline: that one stands.
    Removed,
    /// The Patroni that is watched is another cluster's: it does not decide over this one.
    ForeignPatroni,
    /// No member's `/primary` answers 200: there is no leader, or what is watched is no Patroni.
    NobodyLeads,
    /// The same, where TLS with one of the APIs failed, so that it was not asked.
    PatroniUntrusted {
        /// Why.
        cause: TlsCause,
    },
    /// A pooler stands between: which sessions could still commit is not known, and what is in
    /// doubt and not there stays in doubt.
    BehindPooler,
}

/// How many of some writes a server holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// The server.
    pub server: Server,
    /// How many writes.
    pub writes: u64,
}

/// What a run comes to, in few numbers: a list of runs reads no more of a record than its first line
/// and this, its last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunResult {
    /// The verdict that a report of the record gives.
    pub verdict: Outcome,
    /// The verdict of the drill that the run is the load of. Drills expect more than a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<Outcome>,
    /// How long it wrote, or waited to write.
    #[serde(rename = "elapsed_s", with = "seconds")]
    pub elapsed: Duration,
    /// Writes acknowledged.
    pub acknowledged: u64,
    /// Acknowledged writes that are lost; none where no verification was complete.
    pub lost: Option<u64>,
    /// Outages, partial ones among them.
    pub outages: u64,
    /// The longest of them.
    #[serde(rename = "longest_outage_s", with = "seconds::option")]
    pub longest_outage: Option<Duration>,
    /// Whether the outcome of each write that was sent is in the record.
    pub complete: bool,
}
