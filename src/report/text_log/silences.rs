//! Writes without an answer while that lasts: which writers wait, since when, and for what on the server.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::event::{Failure, Interval, Stalled};
use crate::model::fault::Class;
use crate::model::outage::stall_cause::{StallCause, StallSeen};
use crate::report::layout::{Line, Tone};
use crate::report::numbers::{counted, grouped};
use crate::report::words;

use super::batch::Batch;

/// How often a silence is told again while it lasts.
const AGAIN: Duration = Duration::from_secs(5);

/// A failure that is noticed later than this is worth a word.
const LATE: Duration = Duration::from_secs(1);

/// A wait that was ended by its own deadline ends so soon after it.
const DEADLINE_SLACK: Duration = Duration::from_millis(100);

/// The writers that have no answer.
#[derive(Debug, Default)]
pub(super) struct Silences {
    write_timeout: Duration,
    writers: BTreeMap<i32, Silence>,
    /// When it was told last that there is no answer.
    told: Duration,
    /// What was seen last on the server.
    seen: Option<StallSeen>,
}

#[derive(Debug)]
struct Silence {
    since: Duration,
    /// The oldest write that waits; none where only a read does.
    seq: Option<i64>,
    /// How far the writer was when it was first told of since then.
    resolved: Option<i64>,
}

impl Silences {
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
        self.writers.insert(stalled.writer, Silence { since, seq, resolved: None });
    }

    /// A failure ends its writer's silence. How long that was, where the wait was ended neither by
    /// its own deadline nor by words of the server: so late it was noticed.
    pub(super) fn ended_by(&mut self, at: Duration, failure: &Failure) -> Option<Duration> {
        let silence = self.writers.remove(&failure.writer?)?;
        let late = at.saturating_sub(silence.since);
        let by_deadline =
            failure.fault.class == Class::Timeout && late + DEADLINE_SLACK >= self.write_timeout;
        let is_late = late >= LATE && failure.fault.sqlstate.is_none() && !by_deadline;
        is_late.then_some(late)
    }

    /// A writer waits for nothing any more.
    pub(super) fn over(&mut self, writer: i32) {
        self.writers.remove(&writer);
    }

    /// Every writer writes.
    pub(super) fn all_over(&mut self) {
        self.writers.clear();
    }

    /// Writers moved: those that were answered are silent no more.
    pub(super) fn interval(&mut self, interval: &Interval) {
        for progress in &interval.writers {
            let Some(silence) = self.writers.get_mut(&progress.writer) else { continue };
            let before = *silence.resolved.get_or_insert(progress.resolved);
            if progress.resolved >= silence.seq.unwrap_or(before + 1) {
                self.writers.remove(&progress.writer);
            }
        }
    }

    /// It was told that there is no answer.
    pub(super) fn told(&mut self, at: Duration) {
        self.told = at;
    }

    /// What was seen on the server, as a line.
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

    /// Those that wait, and what for, when it is time to tell it again.
    pub(super) fn due(&mut self, at: Duration) -> Option<(Batch, Option<String>)> {
        if self.writers.is_empty() || at < self.told + AGAIN {
            return None;
        }
        self.told = at;
        let mut silences = self.writers.iter().map(|(writer, silence)| {
            Batch::of_stall(
                at,
                &Stalled { writer: *writer, seq: silence.seq, since: silence.since },
            )
        });
        let mut batch = silences.next()?;
        silences.for_each(|more| batch.add(more));
        Some((batch, self.seen.as_ref().map(words::stall_seen)))
    }
}
