//! One line a second, where single writes would be too many.

use std::time::Duration;

use crate::model::event::Interval;
use crate::model::load::latency::Latencies;
use crate::report::layout::{Line, Tone};
use crate::report::numbers::{counted, grouped, milliseconds, per_second};
use crate::report::words;

/// A second is full a little earlier, as intervals do not end on it exactly.
const SECOND: Duration = Duration::from_millis(950);

/// What is summed up since the last line.
#[derive(Debug, Default)]
pub(super) struct EachSecond {
    since: Duration,
    /// Acknowledged since the start of the run.
    total: u64,
    acknowledged: u64,
    locally: u64,
    skipped: u64,
    due: u64,
    errors: u64,
    latencies: Latencies,
}

impl EachSecond {
    /// Counts a failure.
    pub(super) fn failure(&mut self) {
        self.errors += 1;
    }

    /// Adds an interval that ended at `at`. Returns a line when a second is full.
    ///
    /// In an outage a second without a write has no line: those of the attempts say it.
    pub(super) fn interval(
        &mut self,
        at: Duration,
        interval: &Interval,
        in_outage: bool,
        writers_out: Option<u64>,
    ) -> Option<Line> {
        self.total += interval.acknowledged;
        self.acknowledged += interval.acknowledged;
        self.locally += words::total(&interval.acknowledged_locally);
        self.skipped += interval.skipped;
        self.due += interval.due;
        for refused in &interval.rejections {
            self.errors += refused.count;
        }
        for (us, count) in &interval.latency_us {
            self.latencies.record_many_us(*us, *count);
        }
        let elapsed = at.saturating_sub(self.since);
        if elapsed < SECOND {
            return None;
        }
        let something = self.acknowledged > 0 || (self.due > 0 && !in_outage);
        let line = something.then(|| self.line(elapsed, interval.backlog, writers_out));
        *self = Self { since: at, total: self.total, ..Self::default() };
        line
    }

    // The precision that a float loses is beyond what a rate is shown with.
    #[allow(clippy::cast_precision_loss)]
    fn line(&self, elapsed: Duration, backlog: u64, writers_out: Option<u64>) -> Line {
        let rate = self.acknowledged as f64 / elapsed.as_secs_f64();
        let latency = |name: &str, quantile| {
            let ms = self.latencies.quantile(quantile)?.as_secs_f64() * 1e3;
            Some(format!("{name} {}", milliseconds(ms)))
        };
        let some =
            |count: u64, words: &str| (count > 0).then(|| format!("{} {words}", grouped(count)));
        Line::new(Tone::Plain, "")
            .rest(format!("{} acknowledged", grouped(self.total)))
            .part(per_second(rate))
            .part_if(latency("p50", 0.5))
            .part_if(latency("p99", 0.99))
            .part(counted(self.errors, "error"))
            .part_if(some(self.skipped, "skipped"))
            .part_if(some(backlog, "waiting"))
            .part_if(writers_out.map(|out| format!("{} out", counted(out, "writer"))))
            .part_if(some(self.locally, "without the synchronous standby"))
    }
}
