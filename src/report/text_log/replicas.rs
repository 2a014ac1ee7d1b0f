//! How far replicas are behind, told only when it changes enough to matter.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::event::ReplicaLag;
use crate::report::layout::{Line, Tone};
use crate::report::numbers::{counted, duration};

/// A change by less is the daily life of a replica.
const NOTABLE: Duration = Duration::from_secs(1);

/// What was told last of each replica.
#[derive(Debug, Default)]
pub(super) struct Replicas(BTreeMap<String, Duration>);

impl Replicas {
    /// A line when a replica is seen for the first time, falls behind or catches up notably, or
    /// is level again after it was told to be behind.
    pub(super) fn lag(&mut self, lag: &ReplicaLag, each: bool) -> Option<Line> {
        let name = lag.server.name();
        let behind = if lag.writes_behind == 0 { Duration::ZERO } else { lag.behind };
        let notable = match self.0.get(&name) {
            None => true,
            Some(told) => {
                told.abs_diff(behind) >= NOTABLE || (!told.is_zero() && lag.writes_behind == 0)
            }
        };
        if !notable && !each {
            return None;
        }
        self.0.insert(name.clone(), behind);
        let line = |tone| Line::new(tone, "REPLICA").rest(format!(" {name}"));
        Some(match lag.writes_behind {
            0 => line(Tone::Plain).part("shows every acknowledged write"),
            writes => {
                let tone = if behind >= NOTABLE { Tone::Wary } else { Tone::Plain };
                line(tone)
                    .part(format!("{} behind", counted(writes, "write")))
                    .part(format!("the oldest is {} old", duration(behind)))
            }
        })
    }
}
