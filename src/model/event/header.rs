//! What a run is: the first line of its record.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::beside::Beside;
use crate::model::cluster::proxy_checks::ProxyChecks;
use crate::model::foreign;
use crate::model::load::options::{LoadOptions, Thresholds};
use crate::model::load::target::Target;

/// What a run is: the first line of its record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The format of the record.
    pub format: u32,
    /// The version of pgchaos.
    #[serde(deserialize_with = "foreign::read_name")]
    pub pgchaos: String,
    /// The run's id, part of every token: fresh for every process, so that no two make the same one.
    pub run_id: Uuid,
    /// The group of runs that it belongs to, if any.
    #[serde(
        default,
        deserialize_with = "foreign::read_some_name",
        skip_serializing_if = "Option::is_none"
    )]
    pub group: Option<String>,
    /// What this run is called among them, or by itself.
    #[serde(
        default,
        deserialize_with = "foreign::read_some_name",
        skip_serializing_if = "Option::is_none"
    )]
    pub name: Option<String>,
    /// What it is the load of, where it is not one by itself: `demo`, `drill leader-kill`.
    #[serde(
        default,
        deserialize_with = "foreign::read_some_name",
        skip_serializing_if = "Option::is_none"
    )]
    pub part_of: Option<String>,
    /// When it began, by the wall clock.
    pub started_at: DateTime<Utc>,
    /// Where to.
    pub target: Target,
    /// The URLs of Patroni's APIs that are watched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patroni: Vec<String>,
    /// The URL of the proxy's page that is watched, without secrets.
    #[serde(
        default,
        deserialize_with = "foreign::read_some_message",
        skip_serializing_if = "Option::is_none"
    )]
    pub haproxy: Option<String>,
    /// The proxy's checks, where its settings were given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_checks: Option<ProxyChecks>,
    /// What else is asked beside the load, as it was told to.
    #[serde(default, skip_serializing_if = "Beside::is_empty")]
    pub beside: Beside,
    /// The run id of the witnesses' writes, where there are witnesses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<Uuid>,
    /// The load.
    pub options: LoadOptions,
    /// What makes it fail.
    pub thresholds: Thresholds,
}

impl Header {
    /// How old evidence of an outage can be when it is told: a write may be silent for its whole
    /// deadline, and a connect attempt for that of a lookup and of each address of every host, of
    /// which a few are reckoned with.
    #[must_use]
    pub fn longest_wait(&self) -> Duration {
        let hosts = u32::try_from(self.target.endpoints.split(',').count()).unwrap_or(u32::MAX);
        let connect = self.options.connect_timeout.saturating_mul(hosts.saturating_mul(4));
        connect.max(self.options.write_timeout)
    }
}
