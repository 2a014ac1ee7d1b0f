//! How events leave the recorder: into the run, the record and out to whoever watches.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{FLUSH_EVERY, Recorder};
use crate::engine::record_queue::RecordQueue;
use crate::model::event::{Event, What};
use crate::model::ledger::progress::Progress;
use crate::model::load::own_pause::SHORTEST;
use crate::model::run::Run;

impl Recorder {
    pub(super) fn flush_interval(&mut self) {
        let mut interval = std::mem::take(&mut self.interval);
        for (writer, position) in &mut self.writers {
            if std::mem::take(&mut position.moved) {
                interval.writers.push(Progress {
                    writer: *writer,
                    attempted: position.attempted,
                    resolved: position.resolved,
                });
            }
            interval.backlog += position.backlog;
        }
        let nothing = interval.writers.is_empty() && interval.rejections.is_empty();
        if nothing && interval.due == 0 && interval.skipped == 0 {
            return;
        }
        interval.latency_us = self.latencies.drain();
        // The recorder may be back to work before the pause is noticed.
        let is_late = self.last_flush.elapsed() >= FLUSH_EVERY + SHORTEST;
        interval.own_pause = is_late || self.disturbed_intervals > 0;
        self.disturbed_intervals = self.disturbed_intervals.saturating_sub(1);
        interval.highest_id = self.highest_id;
        self.emit(self.clock.now(), What::Interval(Box::new(interval)));
    }

    pub(super) fn flush(&mut self) {
        self.flush_interval();
        self.flush_record();
        self.last_flush = Instant::now();
    }

    pub(super) fn flush_record(&mut self) {
        if let Some(message) = self.record.as_mut().and_then(RecordQueue::flush) {
            self.emit(self.clock.now(), What::Warning { message });
        }
    }

    pub(super) fn emit(&mut self, at: Duration, what: What) {
        let event = Event { at, what };
        self.run.apply(&event);
        let for_the_log_alone = matches!(
            event.what,
            What::Written(_) | What::ReadBack(_) | What::Verifying { .. } | What::LookedAt { .. }
        );
        if let Some(record) = &mut self.record
            && !for_the_log_alone
        {
            record.add(&event);
        }
        // A terminal that takes no more lines must not hold the load up.
        if self.watcher.try_send(event).is_err() {
            self.unwatched += 1;
        } else if self.unwatched > 0 {
            let lines = std::mem::take(&mut self.unwatched);
            let message = format!("{lines} log lines are left out: they came faster than taken");
            let _ = self.watcher.try_send(Event { at, what: What::Warning { message } });
        }
    }

    pub(super) fn finish(mut self, complete: bool, reply: oneshot::Sender<Run>) {
        self.flush_interval();
        self.emit(self.clock.now(), What::Ended { complete });
        self.flush_record();
        // The receiver may be gone; its answer is not needed then.
        let _ = reply.send(self.run);
    }
}
