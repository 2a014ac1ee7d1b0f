//! The client's own waits, which are part of an outage.

use std::time::Duration;

use serde::Serialize;

use crate::model::seconds;

/// The client's own waits, as `gen` has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ClientWaits {
    /// Connections that write.
    pub writers: u32,
    /// The shortest wait between two attempts to connect.
    #[serde(rename = "backoff_min_s", with = "seconds")]
    pub backoff_min: Duration,
    /// The longest one.
    #[serde(rename = "backoff_max_s", with = "seconds")]
    pub backoff_max: Duration,
    /// The deadline of a whole connect.
    #[serde(rename = "connect_timeout_s", with = "seconds")]
    pub connect_timeout: Duration,
    /// The deadline of a write.
    #[serde(rename = "write_timeout_s", with = "seconds")]
    pub write_timeout: Duration,
}

impl Default for ClientWaits {
    /// Those of `gen` where nothing else is said.
    fn default() -> Self {
        Self {
            writers: 1,
            backoff_min: Duration::from_millis(50),
            backoff_max: Duration::from_millis(500),
            connect_timeout: Duration::from_secs(3),
            write_timeout: Duration::from_secs(5),
        }
    }
}
