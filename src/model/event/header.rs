//! What a run is: the first line of its record.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::options::{LoadOptions, Target, Thresholds};

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
