//! What holds for every writer of a run, and the times that a writer goes by.

use std::time::Duration;

use crate::model::load::options::LoadOptions;

/// First sessions that are there within this time shift the schedule, as the time it takes to
/// connect at first is no outage and no latency. One that comes later is late.
pub const SOON: Duration = Duration::from_secs(1);

/// How long a writer that is out goes on, once it is time to stop.
pub const TRIES_AFTER_STOP_MAX: Duration = Duration::from_secs(10);

/// No acknowledgement and no refusal waits longer than this to be told.
pub(super) const BATCH_AGE_MAX: Duration = Duration::from_millis(20);

/// How many times a second all writers together send a write before its time, to see whether what
/// refuses everything takes one.
pub(super) const PROBES_PER_S: u32 = 20;

/// How long a request may stay without an answer once it is time to stop.
pub(super) const ANSWER_AFTER_STOP_MAX: Duration = Duration::from_secs(10);

/// How often a writer that is out tries a write on its session, once it is time to stop.
pub(super) const BETWEEN_TRIES: Duration = Duration::from_millis(100);

/// How long a request still has that an own pause outlasted.
pub(super) const ANSWER_AFTER_PAUSE: Duration = Duration::from_secs(1);

/// What holds for every writer of a run.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The load, as asked for.
    pub options: LoadOptions,
    /// The users of the events that are written: id and name.
    pub users: Vec<(i32, String)>,
    /// The types of events.
    pub event_types: &'static [&'static str],
}
