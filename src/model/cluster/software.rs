//! What runs on a cluster's members, and how Patroni is set there, as its API tells it.

use serde::{Deserialize, Serialize};

use crate::model::foreign;

/// What a member runs, by its own Patroni API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberSoftware {
    /// Its name, or the URL of its API where it tells none.
    #[serde(deserialize_with = "foreign::read_name")]
    pub member: String,
    /// Patroni's version: `3.0.2`.
    #[serde(deserialize_with = "foreign::read_name")]
    pub patroni: String,
    /// PostgreSQL's version as a number, where it runs: 150004 is 15.4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postgresql: Option<u32>,
}

/// Patroni's settings, by its `/config`. Patroni's own default stands where the cluster was told
/// nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatroniSettings {
    /// `ttl`: how long the leader's key lives without news from its holder, in seconds.
    pub ttl_s: u64,
    /// `loop_wait`: how often a member looks, in seconds.
    pub loop_wait_s: u64,
    /// `retry_timeout`: how long a member tries to reach the store or PostgreSQL before it gives up,
    /// in seconds.
    pub retry_timeout_s: u64,
    /// `maximum_lag_on_failover`: a replica further behind than this may not become the leader, in
    /// bytes.
    pub maximum_lag_on_failover_bytes: u64,
    /// `synchronous_mode`: whether commits wait for a synchronous standby, also by quorum.
    pub synchronous_mode: bool,
    /// `synchronous_mode_strict`: whether commits wait even when there is no standby at all.
    pub synchronous_mode_strict: bool,
    /// `pause`: whether Patroni is in maintenance mode, and starts no failover.
    pub pause: bool,
    /// `failsafe_mode`: whether a leader goes on without the store as long as every member answers it; `None`
    /// in a record of a version that did not ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failsafe_mode: Option<bool>,
    /// `primary_start_timeout`: how long a crashed primary may take to start before a failover, in seconds;
    /// `None` where the cluster was told nothing, which is 300.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_start_timeout_s: Option<u64>,
}

impl PatroniSettings {
    /// Patroni's own defaults.
    pub const BY_DEFAULT: Self = Self {
        ttl_s: 30,
        loop_wait_s: 10,
        retry_timeout_s: 10,
        maximum_lag_on_failover_bytes: 1_048_576,
        synchronous_mode: false,
        synchronous_mode_strict: false,
        pause: false,
        failsafe_mode: Some(false),
        primary_start_timeout_s: None,
    };
}
