//! Stretches without an acknowledgement: all the time a write was due or unanswered, and none of
//! any writer was acknowledged. Several runs of one group are compared by them: a time is an outage
//! for all of them where a stretch of each overlaps.
//!
//! It is no outage clock: a stretch needs no error, and a slow answer makes one, too.
//!
//! Writers tell late, each at its own pace. So every writer marks up to when it has told
//! everything, and a stretch is told once the lowest of these marks has passed its end.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::seconds;

/// The shortest stretch that is told.
pub const ACK_GAP_MIN: Duration = Duration::from_millis(100);

/// A stretch that goes on for so long is told before its end, so that a killed run's record has
/// its beginning.
pub const TOLD_OPEN_AFTER: Duration = Duration::from_millis(500);

/// At most this many spans wait for late writers. Beyond it the oldest are told without waiting.
const SPANS_MAX: usize = 1024;

/// A stretch in which all the time a write was due or unanswered, and none was acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AckGap {
    /// The last acknowledgement, or when a write came due, since the start of the run.
    #[serde(rename = "from_s", with = "seconds")]
    pub from: Duration,
    /// The next acknowledgement, or when nothing was due any more, or when the last writer ended.
    #[serde(rename = "to_s", with = "seconds")]
    pub to: Duration,
}

/// What is said of a stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GapNews {
    /// It began at this time and has gone on for [`TOLD_OPEN_AFTER`] or more.
    GoesOn(Duration),
    /// It is over.
    Over(AckGap),
}

/// Finds the stretches of a run.
#[derive(Debug, Default)]
pub struct AckGaps {
    writers: BTreeMap<i32, WriterMarks>,
    /// Acknowledgements, ascending, those closer to each other than [`ACK_GAP_MIN`] as one span: no
    /// stretch has room between them.
    acks: VecDeque<AckSpan>,
    /// When a write was due or unanswered: ascending, and no two touch.
    waits: VecDeque<AckSpan>,
    /// Everything before is told.
    told: Duration,
    /// The stretch that was said to go on.
    goes_on: Option<Duration>,
    /// What is to be said.
    said: Vec<GapNews>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct AckSpan {
    from: Duration,
    to: Duration,
}

#[derive(Debug, Default)]
struct WriterMarks {
    waits_from: Option<Duration>,
    told_until: Duration,
    /// Its last write was acknowledged, and nothing failed since: it sends nothing before its time.
    writes: bool,
}

impl WriterMarks {
    /// Nothing before this is still to be told.
    fn mark(&self) -> Duration {
        match self.waits_from {
            None => Duration::MAX,
            Some(next) if self.writes => next.max(self.told_until),
            Some(_) => self.told_until,
        }
    }
}

impl AckGaps {
    /// A writer tells what was acknowledged since it told last, as `(due, acknowledged)`, with all
    /// before `told_until`; and `waits_from`: when its oldest write without an outcome was due, or
    /// when its next one will be. It is `None` once there is nothing more to write.
    ///
    /// A writer that could not write and has still nothing acknowledged has waited all the while.
    pub fn told(
        &mut self,
        writer: i32,
        acknowledged: impl IntoIterator<Item = (Duration, Duration)>,
        waits_from: Option<Duration>,
        told_until: Duration,
    ) {
        let mut any = false;
        for (due, at) in acknowledged {
            let begun = self.acknowledged(at);
            self.waited(AckSpan { from: due, to: begun });
            any = true;
        }
        let writer = self.writers.entry(writer).or_default();
        writer.writes |= any;
        let waited_before = writer.waits_from.filter(|_| !writer.writes);
        writer.waits_from = waits_from;
        writer.told_until = writer.told_until.max(told_until);
        for from in waited_before.into_iter().chain(waits_from) {
            self.waited(AckSpan { from, to: told_until });
        }
    }

    /// Nothing of this writer was acknowledged from when it told last until `at`: a write or an
    /// attempt to connect failed then, or a session was there at last. After a write that failed
    /// the writer tells at once what it waits for now.
    pub fn not_acknowledged(&mut self, writer: i32, at: Duration) {
        let writer = self.writers.entry(writer).or_default();
        writer.writes = false;
        writer.told_until = writer.told_until.max(at);
        if let Some(from) = writer.waits_from {
            self.waited(AckSpan { from, to: at });
        }
    }

    /// A write that was due at `due` was refused at `at`.
    pub fn refused(&mut self, due: Duration, at: Duration) {
        self.waited(AckSpan { from: due, to: at });
    }

    /// What can be said now.
    pub fn said(&mut self, now: Duration) -> Vec<GapNews> {
        let told_until = self.writers.values().map(WriterMarks::mark).min().unwrap_or_default();
        self.tell(told_until.min(now));
        std::mem::take(&mut self.said)
    }

    /// What is left to be said when the load ends: a stretch that goes on then ends there. A writer
    /// that was not waited for has what it had told last.
    pub fn end(&mut self, at: Duration) -> Vec<GapNews> {
        let waiting: Vec<Duration> =
            self.writers.values().filter_map(|writer| writer.waits_from).collect();
        for from in waiting {
            self.waited(AckSpan { from, to: at });
        }
        self.writers.clear();
        self.tell(Duration::MAX);
        std::mem::take(&mut self.said)
    }

    /// Notes an acknowledgement, and gives the beginning of its span.
    fn acknowledged(&mut self, at: Duration) -> Duration {
        let after = self.acks.partition_point(|span| span.from <= at);
        let joins =
            |earlier: Duration, later: Duration| later.saturating_sub(earlier) < ACK_GAP_MIN;
        let before = after.checked_sub(1).filter(|index| joins(self.acks[*index].to, at));
        let follows = self.acks.get(after).is_some_and(|next| joins(at, next.from));
        let index = match (before, follows) {
            (Some(before), true) => {
                if let Some(next) = self.acks.remove(after) {
                    self.acks[before].to = next.to;
                }
                before
            }
            (Some(before), false) => {
                self.acks[before].to = self.acks[before].to.max(at);
                before
            }
            (None, true) => {
                self.acks[after].from = at;
                after
            }
            (None, false) => {
                self.acks.insert(after, AckSpan { from: at, to: at });
                after
            }
        };
        let from = self.acks[index].from;
        if self.acks.len() > SPANS_MAX {
            // The stretch between the first two is over before the third.
            self.tell(self.acks[2].from);
        }
        from
    }

    /// Notes that a write was due or unanswered all this time.
    fn waited(&mut self, span: AckSpan) {
        let mut span = AckSpan { from: span.from.max(self.told), to: span.to };
        if span.from >= span.to {
            return;
        }
        let first = self.waits.partition_point(|wait| wait.to < span.from);
        let end = self.waits.partition_point(|wait| wait.from <= span.to);
        for wait in self.waits.drain(first..end) {
            span = AckSpan { from: span.from.min(wait.from), to: span.to.max(wait.to) };
        }
        self.waits.insert(first, span);
        if self.waits.len() > SPANS_MAX {
            self.tell(self.waits[1].from);
        }
    }

    /// Tells the stretches that end before `until`, and forgets what they were found by.
    fn tell(&mut self, until: Duration) {
        if until <= self.told {
            return;
        }
        let mut kept_from = until;
        while let Some(wait) = self.waits.front().copied().filter(|wait| wait.from < until) {
            let mut from = wait.from;
            let known = wait.to.min(until);
            for ack in &self.acks {
                if ack.from >= known {
                    break;
                }
                if ack.to > from {
                    over(&mut self.said, from, ack.from);
                }
                from = from.max(ack.to);
            }
            if wait.to < until {
                over(&mut self.said, from, wait.to);
                self.waits.pop_front();
                continue;
            }
            // It may go on.
            kept_from = from.min(until);
            self.goes_on(kept_from, until);
            self.waits[0].from = kept_from;
            break;
        }
        self.told = kept_from;
        // What is still to come lies after this one.
        while self.acks.get(1).is_some_and(|next| next.from <= self.told) {
            self.acks.pop_front();
        }
        if self.acks.front().is_some_and(|first| first.to.saturating_add(ACK_GAP_MIN) <= self.told)
        {
            self.acks.pop_front();
        }
    }

    fn goes_on(&mut self, from: Duration, until: Duration) {
        let long = until.saturating_sub(from) >= TOLD_OPEN_AFTER && until != Duration::MAX;
        if long && self.goes_on != Some(from) {
            self.goes_on = Some(from);
            self.said.push(GapNews::GoesOn(from));
        }
    }
}

fn over(said: &mut Vec<GapNews>, from: Duration, to: Duration) {
    if to.saturating_sub(from) >= ACK_GAP_MIN {
        said.push(GapNews::Over(AckGap { from, to }));
    }
}
