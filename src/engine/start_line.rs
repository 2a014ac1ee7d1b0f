//! Where writers wait for each other before the first of all writes, so that their slots are one
//! even schedule from the beginning.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
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
    waiting: Mutex<Arrivals>,
    begin: watch::Sender<Option<Duration>>,
}

#[derive(Debug)]
struct Arrivals {
    /// The writers that are waited for.
    missing: BTreeSet<i32>,
    /// Whether a writer has a session, and waits for the others.
    has_any: bool,
}

impl StartLine {
    /// For these writers.
    pub(crate) fn new(clock: Clock, writers: impl IntoIterator<Item = i32>) -> Self {
        let waiting = Arrivals { missing: writers.into_iter().collect(), has_any: false };
        Self {
            clock,
            started: clock.now(),
            waiting: Mutex::new(waiting),
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

    /// Since when a writer that has no session since `since` keeps writes from being sent: before
    /// the schedule began, none was due.
    pub(crate) fn counts_since(&self, since: Duration) -> Duration {
        self.begun().map_or(since, |begun| begun.max(since))
    }

    /// A writer has its first session: waits until all have theirs, or until it is no longer soon.
    /// When the schedule begins.
    pub(crate) async fn arrive(&self, writer: i32) -> Duration {
        let mut begin = self.begin.subscribe();
        let soon = self.started + SOON;
        if self.clock.now() >= soon {
            // No writer was there in time: what came due since the start was not sent.
            return self.begin_at(self.started);
        }
        let is_last = {
            let mut waiting = self.waiting();
            waiting.missing.remove(&writer);
            waiting.has_any = true;
            waiting.missing.is_empty()
        };
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

    /// A writer has failed to have a session, or waits too long for one: its trouble counts from
    /// now on, and must not be lengthened by a schedule that waits for it.
    pub(crate) fn goes_on_without(&self, writer: i32) {
        let has_any = {
            let mut waiting = self.waiting();
            if !waiting.missing.remove(&writer) {
                return;
            }
            waiting.has_any
        };
        // While no writer could write, what was due was not sent.
        self.begin_at(if has_any { self.clock.now() } else { self.started });
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

    fn waiting(&self) -> std::sync::MutexGuard<'_, Arrivals> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
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
        let writers = i32::try_from(arrivals_ms.len()).unwrap();
        let line = Arc::new(StartLine::new(clock, 1..=writers));
        let arrivals = (1..).zip(arrivals_ms).map(|(writer, at)| {
            let line = Arc::clone(&line);
            async move {
                tokio::time::sleep(ms(*at)).await;
                let begin = line.arrive(writer).await;
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

    /// A schedule that waited on would make a second without a write of what is one writer's.
    #[tokio::test(start_paused = true)]
    async fn one_that_fails_is_not_waited_for() {
        let clock = Clock::start();
        let line = Arc::new(StartLine::new(clock, 1..=3));
        let first = tokio::spawn({
            let line = Arc::clone(&line);
            async move { line.arrive(1).await }
        });
        tokio::time::sleep(ms(50)).await;
        assert_eq!(line.counts_since(ms(20)), ms(20));
        line.goes_on_without(2);
        assert_eq!(first.await.unwrap(), ms(50));
        assert_eq!((line.counts_since(ms(20)), line.counts_since(ms(60))), (ms(50), ms(60)));
        line.goes_on_without(2);
        assert_eq!((line.arrive(3).await, line.arrive(2).await), (ms(50), ms(50)));
    }

    #[tokio::test(start_paused = true)]
    async fn where_the_first_one_fails_the_slots_count_from_the_start() {
        let line = StartLine::new(Clock::start(), 1..=2);
        tokio::time::sleep(ms(50)).await;
        line.goes_on_without(2);
        assert_eq!((line.arrive(1).await, line.counts_since(ms(20))), (ms(0), ms(20)));
    }
}
