//! How far replicas are behind, told only when it changes enough to matter.

use std::collections::BTreeMap;
use std::time::Duration;

use super::failure_group::ENDPOINTS_MAX;
use crate::model::event::ReplicaLag;
use crate::model::fault::{Class, Fault};
use crate::report::layout::{Line, Tone};
use crate::report::numbers::{counted, duration};
use crate::report::words;

/// A change by less is the daily life of a replica.
const NOTABLE: Duration = Duration::from_secs(1);

/// What was told last of each replica.
#[derive(Debug, Default)]
pub(super) struct ReplicaLines {
    /// How far behind, by name.
    told: BTreeMap<String, Duration>,
    /// Why none can be read from, by endpoint, until one can.
    failing: BTreeMap<String, Class>,
}

impl ReplicaLines {
    /// A line when a replica is seen for the first time, falls behind or catches up notably, or
    /// is level again after it was told to be behind.
    pub(super) fn lag(&mut self, lag: &ReplicaLag, each: bool) -> Option<Line> {
        let name = lag.server.name();
        let behind = if lag.writes_behind == 0 { Duration::ZERO } else { lag.behind };
        let failed = !std::mem::take(&mut self.failing).is_empty();
        let notable = match self.told.get(&name) {
            None => true,
            Some(told) => {
                told.abs_diff(behind) >= NOTABLE || (!told.is_zero() && lag.writes_behind == 0)
            }
        };
        if !notable && !failed && !each {
            return None;
        }
        self.told.insert(name.clone(), behind);
        // The read port may be given to a primary, as when no replica is left.
        let role = lag.server.role().to_uppercase();
        let line = |tone| Line::new(tone, role.clone()).rest(format!(" {name}"));
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

    /// A line when reading begins to fail, or fails in another way.
    pub(super) fn failed(&mut self, fault: &Fault, each: bool) -> Option<Line> {
        let is_one_more = !self.failing.contains_key(&fault.endpoint);
        if is_one_more && self.failing.len() >= ENDPOINTS_MAX {
            return None;
        }
        let before = self.failing.insert(fault.endpoint.clone(), fault.class);
        (each || before != Some(fault.class)).then(|| {
            Line::new(Tone::Wary, "REPLICA")
                .rest(format!(" {} not read: {}", fault.endpoint, words::loud_class(fault.class)))
                .message(fault.message.clone())
        })
    }
}
