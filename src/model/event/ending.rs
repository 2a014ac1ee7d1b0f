//! Facts of a run's end.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::account::Account;
use crate::model::seconds;
use crate::model::server::Server;
use crate::model::summary::LostWrites;

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
