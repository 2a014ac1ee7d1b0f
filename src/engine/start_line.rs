//! Where writers wait for each other before the first of all writes, so that their slots are one
//! even schedule from the beginning.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use super::clock::Clock;
use crate::model::load::writer::rules::SOON;

/// When the schedule begins, for all writers.
#[derive(Debug)]
pub(crate) struct StartLine {
    clock: Clock,
    /// When the load was started.
    started: Duration,
    missing: AtomicU32,
    begin: watch::Sender<Option<Duration>>,
}

impl StartLine {
    /// For so many writers.
    pub(crate) fn new(clock: Clock, writers: u32) -> Self {
        Self {
            clock,
            started: clock.now(),
            missing: AtomicU32::new(writers),
            begin: watch::Sender::new(None),
        }
    }

    /// When the load was started.
    pub(crate) fn started(&self) -> Duration {
        self.started
    }

    /// When the schedule began, if it has.
    pub(crate) fn begun(&self) -> Option<Duration> {
        *self.begin.borrow()
    }

    /// A writer has its first session: waits until all have theirs, or until it is no longer soon.
    /// When the schedule begins.
    pub(crate) async fn arrive(&self) -> Duration {
        let mut begin = self.begin.subscribe();
        let is_last = self.missing.fetch_sub(1, Ordering::AcqRel) == 1;
        let soon = self.started + SOON;
        if self.clock.now() >= soon {
            // Without a session in time the schedule begins at the start of the load: what came due
            // since then was not sent.
            return self.begin_at(self.started);
        }
        if is_last {
            return self.begin_at(self.clock.now());
        }
        let begun = begin.wait_for(Option::is_some);
        let told = match tokio::time::timeout_at(self.clock.instant(soon), begun).await {
            Ok(Ok(told)) => *told,
            _ => None,
        };
        told.unwrap_or_else(|| self.begin_at(soon))
    }

    /// The first one to say it decides.
    fn begin_at(&self, at: Duration) -> Duration {
        let mut begin = at;
        self.begin.send_if_modified(|begun| {
            begin = *begun.get_or_insert(at);
            begin == at
        });
        begin
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// When each writer is let go, and from when on its slots count.
    async fn begins(arrivals_ms: &[u64]) -> Vec<(Duration, Duration)> {
        let clock = Clock::start();
        let writers = u32::try_from(arrivals_ms.len()).unwrap();
        let line = Arc::new(StartLine::new(clock, writers));
        let arrivals = arrivals_ms.iter().map(|at| {
            let line = Arc::clone(&line);
            async move {
                tokio::time::sleep(ms(*at)).await;
                let begin = line.arrive().await;
                (clock.now(), begin)
            }
        });
        futures_util::future::join_all(arrivals).await
    }

    #[tokio::test(start_paused = true)]
    async fn all_begin_with_the_last_one_that_is_soon() {
        assert_eq!(begins(&[0]).await, [(ms(0), ms(0))]);
        assert_eq!(begins(&[30, 10, 20]).await, [(ms(30), ms(30)); 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_late_is_not_waited_for_and_has_its_slots_since_the_beginning() {
        let let_go = [(ms(1000), ms(1000)), (ms(3000), ms(1000))];
        assert_eq!(begins(&[10, 3000]).await, let_go);
    }

    #[tokio::test(start_paused = true)]
    async fn where_nobody_is_soon_the_slots_count_from_the_start() {
        assert_eq!(begins(&[2000, 3000]).await, [(ms(2000), ms(0)), (ms(3000), ms(0))]);
    }
}
