//! The outputs of the outage clock: an outage begins, writes resume, it ends.

use std::time::Duration;

use crate::model::outage::Outage;
use crate::model::outage::kind::Sightings;

/// One output of the clock.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// The first evidence that a writer cannot write.
    Began {
        /// The outage's number, from 1.
        n: u32,
        /// The first evidence.
        began: Duration,
    },
    /// A write succeeds again while other writers are still down.
    Resumed {
        /// The outage's number.
        n: u32,
        /// Since it began.
        after: Duration,
        /// Writers that are still down.
        writers_down: u64,
    },
    /// How many writers are out has changed, or whether others write.
    WritersOut {
        /// The outage's number.
        n: u32,
        /// Writers that are out.
        out: u64,
        /// Whether others write.
        others_write: bool,
    },
    /// The outage is over for all writers, or the run has ended.
    Ended {
        /// Its measure.
        outage: Box<Outage>,
        /// What its kind was told from.
        sightings: Box<Sightings>,
    },
    /// The rate from before the outage is reached again.
    FullRate {
        /// The outage's number.
        n: u32,
        /// Since it began.
        after: Duration,
    },
}

/// An outage that goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SoFar {
    /// Writers that are out.
    pub out: u64,
    /// For how long no write has been acknowledged; `None` when others write.
    pub without_ack: Option<Duration>,
    /// Since the first evidence.
    pub degraded: Duration,
}
