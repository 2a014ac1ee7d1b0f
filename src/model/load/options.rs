//! What the load is asked to do: the options of `gen`, checked and in plain units.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::seconds;

/// How many writes come due.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rate {
    /// Writes per second over all writers, on a schedule that does not wait for answers.
    PerSecond(f64),
    /// The next write goes out as soon as the last one is answered.
    Max,
}

/// What becomes of writes that came due while there was no session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Backlog {
    /// They are never sent, and counted as skipped.
    Skip,
    /// They are sent as fast as the server takes them, their latency counted from when they were
    /// due.
    CatchUp,
}

impl Backlog {
    /// As the command line and the record have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::CatchUp => "catch-up",
        }
    }
}

/// How a write is put to the server, as pgbench calls it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// Each session prepares the statement once, under a name.
    #[default]
    Prepared,
    /// Each write brings its statement along, without a name: for poolers that share out server
    /// sessions between clients.
    Extended,
}

impl Protocol {
    /// As the command line and the record have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Prepared => "prepared",
            Self::Extended => "extended",
        }
    }
}

/// The load, as asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoadOptions {
    /// How many writes come due.
    pub rate: Rate,
    /// Connections that write.
    pub writers: u32,
    /// Writes in flight per connection.
    pub pipeline: u32,
    /// Threads that the writers are shared out to.
    pub threads: u32,
    /// How a write is put to the server.
    #[serde(default)]
    pub protocol: Protocol,
    /// How long to write, from the start of the run.
    #[serde(with = "seconds::option", rename = "duration_s")]
    pub duration: Option<Duration>,
    /// How many writes to send, over all writers.
    pub writes: Option<u64>,
    /// Read the last three ids after every Nth write of a writer; 0 is never.
    pub read_every: u32,
    /// What becomes of writes due during an outage.
    pub backlog: Backlog,
    /// Deadline of a whole connect: lookup, socket, authentication, first query.
    #[serde(with = "seconds", rename = "connect_timeout_s")]
    pub connect_timeout: Duration,
    /// Deadline of each write and each read.
    #[serde(with = "seconds", rename = "write_timeout_s")]
    pub write_timeout: Duration,
    /// A write without an answer for this long is evidence of an outage.
    #[serde(with = "seconds", rename = "stall_after_s")]
    pub stall_after: Duration,
    /// The shortest wait between connect attempts.
    #[serde(with = "seconds", rename = "backoff_min_s")]
    pub backoff_min: Duration,
    /// The longest wait between connect attempts.
    #[serde(with = "seconds", rename = "backoff_max_s")]
    pub backoff_max: Duration,
    /// How long the final verification may wait for the cluster and for its answers.
    #[serde(with = "seconds", rename = "verify_timeout_s")]
    pub verify_timeout: Duration,
}

/// Above this many writes a second, single writes are not told.
const ONE_BY_ONE_PER_S: f64 = 10.0;

impl LoadOptions {
    /// Whether the load is slow enough to tell single writes.
    #[must_use]
    pub fn is_told_one_by_one(&self) -> bool {
        matches!(self.rate, Rate::PerSecond(per_second) if per_second <= ONE_BY_ONE_PER_S)
    }
}

/// What makes the verdict fail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// The longest outage that is still fine.
    #[serde(with = "seconds::option", rename = "max_outage_s")]
    pub max_outage: Option<Duration>,
    /// For how long some writers may be out, while others write or after they do again.
    #[serde(default, with = "seconds::option", rename = "max_degraded_s")]
    pub max_degraded: Option<Duration>,
    /// How far a replica may be behind.
    #[serde(default, with = "seconds::option", rename = "max_lag_s")]
    pub max_lag: Option<Duration>,
    /// How many lost writes are still fine.
    pub max_lost: u64,
    /// For how long two primaries may acknowledge writes at the same time.
    #[serde(default, with = "seconds", rename = "max_two_primaries_s")]
    pub max_two_primaries: Duration,
    /// The lowest share of due writes that must have been acknowledged, in percent.
    pub min_availability_pct: Option<f64>,
    /// The highest 99th percentile of latency that is still fine.
    #[serde(with = "seconds::option", rename = "max_p99_s")]
    pub max_p99: Option<Duration>,
}

#[cfg(test)]
impl LoadOptions {
    /// One writer in a closed loop, with gen's own times: what tests begin with.
    pub(crate) fn closed_loop() -> Self {
        Self {
            rate: Rate::Max,
            writers: 1,
            pipeline: 1,
            threads: 1,
            protocol: Protocol::Prepared,
            duration: None,
            writes: None,
            read_every: 0,
            backlog: Backlog::Skip,
            connect_timeout: Duration::from_secs(3),
            write_timeout: Duration::from_secs(5),
            stall_after: Duration::from_secs(1),
            backoff_min: Duration::from_millis(50),
            backoff_max: Duration::from_millis(500),
            verify_timeout: Duration::from_secs(30),
        }
    }
}
