//! The program's times as the test's, and waiting for what it says.

use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::support::Gen;

/// Far longer than anything here takes, also on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// The start of a run by the test's own monotonic clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunClock {
    started: Instant,
}

impl RunClock {
    /// Read off the first line of the log: the run started so long ago by the wall clock.
    #[track_caller]
    pub(crate) fn of(load: &Gen) -> Self {
        let run = load.wait_for_event(SOON, "the run begins", |event| event["event"] == "run");
        let started: DateTime<Utc> = run["started_at"].as_str().unwrap().parse().unwrap();
        let (wall, now) = (SystemTime::now(), Instant::now());
        let ago = wall.duration_since(SystemTime::from(started)).expect("it started before now");
        Self { started: now.checked_sub(ago).unwrap() }
    }

    /// A time by the wall clock, in seconds of the epoch, as seconds of the run.
    pub(crate) fn seconds_of_epoch(self, epoch_s: f64) -> f64 {
        let (wall, now) = (SystemTime::now(), self.seconds(Instant::now()));
        now - (wall.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64() - epoch_s)
    }

    /// An instant as seconds of the run, as in its events.
    pub(crate) fn seconds(self, at: Instant) -> f64 {
        at.duration_since(self.started).as_secs_f64()
    }
}

pub(crate) fn seconds(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("no seconds: {value}"))
}

/// Waits until this writer has so many answers.
#[track_caller]
pub(crate) fn wait_for_answers(load: &Gen, from: usize, writer: i64, answers: i64) -> Value {
    let what = format!("writer {writer} has {answers} answers");
    load.wait_for_event_after(from, SOON, &what, |event| {
        let progress = event["writers"].as_array().filter(|_| event["event"] == "interval");
        let mut progress = progress.into_iter().flatten();
        progress.any(|at| at[0] == writer && at[2].as_i64() >= Some(answers))
    })
}

/// Waits until this outage is over, and gives it.
#[track_caller]
pub(crate) fn wait_for_outage(load: &Gen, n: u64) -> Value {
    load.wait_for_event(SOON, &format!("outage {n} is over"), |event| {
        event["event"] == "outage_ended" && event["n"] == n
    })
}

/// Waits for a fault of this class.
#[track_caller]
pub(crate) fn wait_for_fault(load: &Gen, from: usize, class: &str) -> Value {
    load.wait_for_event_after(from, SOON, &format!("a fault of class {class}"), |event| {
        event["event"] == "fault" && event["fault"]["class"] == class
    })
}
