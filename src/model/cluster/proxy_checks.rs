//! The settings of a proxy that decide how long it sends to no server, or to the wrong one: HAProxy's.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::seconds;

/// HAProxy's checks of a backend's servers, and how it connects to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyChecks {
    /// `inter`: between two checks.
    #[serde(rename = "inter_s", with = "seconds")]
    pub inter: Duration,
    /// `fastinter`: the same when a server is on its way up or down.
    #[serde(rename = "fastinter_s", with = "seconds")]
    pub fastinter: Duration,
    /// `downinter`: the same when it is down.
    #[serde(rename = "downinter_s", with = "seconds")]
    pub downinter: Duration,
    /// `rise`: so many good checks take a server up.
    pub rise: u32,
    /// `fall`: so many failed ones take it down.
    pub fall: u32,
    /// `timeout check`; where it is not set, a check has `inter` for all of it.
    #[serde(rename = "timeout_check_s", with = "seconds::option")]
    pub check_timeout: Option<Duration>,
    /// `timeout connect`; `None` is none.
    #[serde(rename = "timeout_connect_s", with = "seconds::option")]
    pub connect_timeout: Option<Duration>,
    /// `retries`: how often a failed connect to a server is tried again.
    pub retries: u32,
    /// `option redispatch`: whether a try may go to another server.
    pub redispatch: bool,
    /// `on-marked-down shutdown-sessions`: whether sessions end when their server goes down.
    pub shuts_sessions_down: bool,
}

/// HAProxy waits for this long between two tries of a connect, unless `timeout connect` is shorter (its
/// configuration manual, "retries").
const RETRY_WAIT: Duration = Duration::from_secs(1);

impl ProxyChecks {
    /// How long it waits before it tries a refused connect again.
    #[must_use]
    pub fn retry_wait(&self) -> Duration {
        self.connect_timeout.map_or(RETRY_WAIT, |timeout| timeout.min(RETRY_WAIT))
    }
}
