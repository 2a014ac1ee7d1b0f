//! How events leave the recorder: to the run, the record and the subscribers.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{FLUSH_EVERY, Recorder};
use crate::engine::record::queue::RecordQueue;
use crate::model::event::{Event, Kept, What};
use crate::model::ledger::progress::Progress;
use crate::model::load::own_pause::OWN_PAUSE_MIN;
use crate::model::run::Run;
use crate::model::run::summarize::result;

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
        let is_late = self.last_flush.elapsed() >= FLUSH_EVERY + OWN_PAUSE_MIN;
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
        if let Some(record) = &mut self.record
            && event.what.kept() != Kept::Not
        {
            record.add(&event);
        }
        self.subscribers.publish(event);
    }

    /// A fact goes on as it was told, with the names of its servers.
    pub(super) fn fact(&mut self, at: Duration, mut what: What) {
        what.each_server(|server| self.names.name_server(server));
        let kept = what.kept();
        self.emit(at, what);
        if kept == Kept::AtOnce {
            self.flush();
        }
    }

    pub(super) fn finish(mut self, complete: bool, reply: oneshot::Sender<Run>) {
        self.flush_interval();
        self.emit(self.clock.now(), What::Ended { complete });
        self.emit(self.clock.now(), What::Result(result(&self.run)));
        self.flush_record();
        // The receiver may be gone; its answer is not needed then.
        let _ = reply.send(self.run);
    }
}
