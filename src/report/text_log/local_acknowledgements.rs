//! Writes that are acknowledged without their synchronous standby: at most one line a second.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::event::WriterWrites;
use crate::model::ledger::seq_set::SeqSet;
use crate::report::layout::{Line, Tone};
use crate::report::words;

/// How often they are told.
const EVERY: Duration = Duration::from_secs(1);

/// Those that are not told yet, and when some were told last.
#[derive(Debug, Default)]
pub(super) struct LocalAcknowledgements {
    untold: BTreeMap<i32, SeqSet>,
    told: Option<Duration>,
}

impl LocalAcknowledgements {
    /// Takes some more.
    pub(super) fn add(&mut self, writes: &WriterWrites) {
        self.untold.entry(writes.writer).or_default().extend(&writes.seqs);
    }

    /// The line, when it is time for one.
    pub(super) fn due(&mut self, at: Duration) -> Option<Line> {
        if self.told.is_some_and(|told| at < told + EVERY) {
            return None;
        }
        self.rest(at)
    }

    /// The line of what is not told, if anything is not.
    pub(super) fn rest(&mut self, at: Duration) -> Option<Line> {
        let untold = std::mem::take(&mut self.untold);
        if untold.is_empty() {
            return None;
        }
        self.told = Some(at);
        let several = words::total(&untold) > 1;
        let (wait, have) = if several {
            ("the waits for their synchronous standby were", "them")
        } else {
            ("the wait for its synchronous standby was", "it")
        };
        let what = words::by_writer(&untold);
        let line = Line::new(Tone::Bad, "ACKNOWLEDGED LOCALLY");
        Some(line.rest(format!(": {what}: {wait} cancelled; no standby may have {have}")))
    }
}
