//! Writes without an answer, while they last: which writers wait, since when, and for what on the
//! server.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::event::{Failure, Interval, Stalled};
use crate::model::fault::Class;
use crate::model::outage::stall_cause::{StallCause, StallSeen};
use crate::report::layout::{Line, Tone};
use crate::report::numbers::{counted, grouped};
use crate::report::words;

use super::failure_group::FailureGroup;

/// How often a stall is told again while it lasts.
const AGAIN: Duration = Duration::from_secs(5);

/// A failure that is noticed later than this is said to be late.
const LATE: Duration = Duration::from_secs(1);

/// A wait that its own deadline ended is over so soon after it.
const DEADLINE_SLACK: Duration = Duration::from_millis(100);

/// The writers that have no answer.
#[derive(Debug, Default)]
pub(super) struct OpenStalls {
    write_timeout: Duration,
    writers: BTreeMap<i32, OpenStall>,
    /// When it was told last that there is no answer.
    told: Duration,
    /// What was seen last on the server.
    seen: Option<StallSeen>,
}

#[derive(Debug)]
struct OpenStall {
    since: Duration,
    /// The oldest write that waits; none where only a read does.
    seq: Option<i64>,
    /// The writer's last resolved write when its first progress since then was seen.
    resolved: Option<i64>,
}

impl OpenStalls {
    /// None, in a load with this deadline of each write.
    pub(super) fn new(write_timeout: Duration) -> Self {
        Self { write_timeout, ..Self::default() }
    }

    /// A writer has no answer.
    pub(super) fn begins(&mut self, at: Duration, stalled: &Stalled) {
        if self.writers.is_empty() {
            (self.told, self.seen) = (at, None);
        }
        let (since, seq) = (stalled.since, stalled.seq);
        self.writers.insert(stalled.writer, OpenStall { since, seq, resolved: None });
    }

    /// A failure ends its writer's stall. Returns how long the stall was, where neither the deadline
    /// of the write nor an answer of the server ended it: the failure was noticed so late.
    pub(super) fn ended_by(&mut self, at: Duration, failure: &Failure) -> Option<Duration> {
        let stall = self.writers.remove(&failure.writer?)?;
        let late = at.saturating_sub(stall.since);
        let by_deadline =
            failure.fault.class == Class::Timeout && late + DEADLINE_SLACK >= self.write_timeout;
        let is_late = late >= LATE && failure.fault.sqlstate.is_none() && !by_deadline;
        is_late.then_some(late)
    }

    /// A writer no longer waits.
    pub(super) fn over(&mut self, writer: i32) {
        self.writers.remove(&writer);
    }

    /// Every writer writes.
    pub(super) fn all_over(&mut self) {
        self.writers.clear();
    }

    /// Progress of writers: the stall of each that was answered is over.
    pub(super) fn interval(&mut self, interval: &Interval) {
        for progress in &interval.writers {
            let Some(stall) = self.writers.get_mut(&progress.writer) else { continue };
            let before = *stall.resolved.get_or_insert(progress.resolved);
            if progress.resolved >= stall.seq.unwrap_or(before + 1) {
                self.writers.remove(&progress.writer);
            }
        }
    }

    /// A line has just said that there is no answer.
    pub(super) fn told(&mut self, at: Duration) {
        self.told = at;
    }

    /// The line of what writes wait for on the server.
    pub(super) fn seen(&mut self, seen: &StallSeen, writers: u32) -> Line {
        self.seen = Some(seen.clone());
        let event = match &seen.stall_cause {
            Some(StallCause::SyncStandby) => " (SyncRep)".to_owned(),
            _ => match seen.blocked_by.as_ref().and_then(|blocker| blocker.state.as_ref()) {
                Some(state) => format!(" ({state})"),
                None => String::new(),
            },
        };
        let of = counted(u64::from(writers), "writer");
        Line::new(Tone::Wary, "STALL")
            .rest(format!(": {}{event}", words::stall_seen(seen)))
            .part_if((writers > 1).then(|| format!("{} of {of}", grouped(seen.writers))))
    }

    /// The writers that wait, and what for, when it is time to tell it again.
    pub(super) fn due(&mut self, at: Duration) -> Option<(FailureGroup, Option<String>)> {
        if self.writers.is_empty() || at < self.told + AGAIN {
            return None;
        }
        self.told = at;
        let mut stalls = self.writers.iter().map(|(writer, stall)| {
            FailureGroup::of_stall(
                at,
                &Stalled { writer: *writer, seq: stall.seq, since: stall.since },
            )
        });
        let mut group = stalls.next()?;
        stalls.for_each(|more| group.add(more));
        Some((group, self.seen.as_ref().map(words::stall_seen)))
    }
}
