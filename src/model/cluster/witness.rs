//! Witnesses: a slow writer to each member's own address, beside the load and outside its account.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::cluster::server::Server;
use crate::model::foreign;
use crate::model::seconds;

/// A member began to take a witness's writes, or ended to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WitnessSeen {
    /// The member's name.
    #[serde(deserialize_with = "foreign::read_name")]
    pub member: String,
    /// The run id of the witnesses' writes: not the load's.
    pub run_id: Uuid,
    /// What was seen.
    #[serde(flatten)]
    pub is: WitnessState,
}

/// What a witness can see.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum WitnessState {
    /// The first write that this server acknowledged after one that it did not, or the first of all. The event's
    /// time is that of the acknowledgement.
    Takes {
        /// The server.
        server: Box<Server>,
        /// When that write was sent, since the start of the run.
        #[serde(rename = "sent_s", with = "seconds")]
        sent: Duration,
        /// When the last attempt began that failed, or found a replica: it took none before that. `None` at the
        /// first one.
        #[serde(rename = "not_before_s", default, with = "seconds::option")]
        not_before: Option<Duration>,
    },
    /// Writes are no longer acknowledged. The event's time is when that was known.
    Stopped {
        /// The last write that was: when it was acknowledged.
        #[serde(rename = "last_ack_s", with = "seconds")]
        last_ack: Duration,
        /// When the first write was sent that was not, or the session ended.
        #[serde(rename = "failed_s", with = "seconds")]
        failed: Duration,
        /// So many writes were acknowledged between.
        writes: u64,
    },
}
