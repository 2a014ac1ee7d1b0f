//! A timer that is exact to a tenth of a millisecond, for the moment at which a write is due.
//!
//! The runtime's own timers go by whole milliseconds, rounded up: a write would go out half a
//! millisecond late on average, and its latency, which counts from when it was due, would be more
//! the generator's than the server's. Here a thread sleeps until the next moment that a task
//! waits for, by the system's fine timers.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// The thread sleeps no shorter than this: many writes that are due in next to no time are woken
/// together.
const SHORTEST_SLEEP: Duration = Duration::from_micros(50);

/// One thread that wakes the waiting tasks. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct ExactTimer {
    shared: Arc<TimerQueue>,
}

#[derive(Debug, Default)]
struct TimerQueue {
    waiting: Mutex<Sleeper>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Sleeper {
    heap: BinaryHeap<Reverse<Waiter>>,
    number: u64,
    ended: bool,
}

/// Ordered by time, then by order of arrival.
#[derive(Debug)]
struct Waiter {
    at: Instant,
    number: u64,
    wake: oneshot::Sender<()>,
}

impl ExactTimer {
    /// Starts its thread.
    ///
    /// # Errors
    /// The system gives no more threads.
    pub(crate) fn start() -> io::Result<Self> {
        let shared = Arc::new(TimerQueue::default());
        let of_thread = Arc::clone(&shared);
        std::thread::Builder::new().name("timer".to_owned()).spawn(move || of_thread.run())?;
        Ok(Self { shared })
    }

    /// Waits until then.
    pub(crate) fn until(&self, at: Instant) -> impl Future<Output = ()> + Send + 'static {
        let (wake, woken) = oneshot::channel();
        let mut waiting = self.shared.lock();
        let number = waiting.number;
        waiting.number += 1;
        let is_first = waiting.heap.peek().is_none_or(|Reverse(first)| at < first.at);
        waiting.heap.push(Reverse(Waiter { at, number, wake }));
        drop(waiting);
        if is_first {
            self.shared.changed.notify_one();
        }
        async move {
            if woken.await.is_err() {
                // The timer has ended with the run: this never wakes.
                std::future::pending::<()>().await;
            }
        }
    }
}

impl Drop for ExactTimer {
    fn drop(&mut self) {
        self.shared.lock().ended = true;
        self.shared.changed.notify_one();
    }
}

impl TimerQueue {
    fn run(&self) {
        let mut waiting = self.lock();
        while !waiting.ended {
            let now = Instant::now();
            let due = waiting.heap.peek().map(|Reverse(first)| first.at);
            waiting = match due {
                Some(at) if at <= now => {
                    if let Some(Reverse(waiter)) = waiting.heap.pop() {
                        // The waiter may be gone; ignore the send error.
                        let _ = waiter.wake.send(());
                    }
                    waiting
                }
                Some(at) => {
                    let sleep = at.duration_since(now).max(SHORTEST_SLEEP);
                    let woken = self.changed.wait_timeout(waiting, sleep);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Held for moments, and a poisoned lock has no broken state.
    fn lock(&self) -> MutexGuard<'_, Sleeper> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PartialEq for Waiter {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.number) == (other.at, other.number)
    }
}

impl Eq for Waiter {}

impl PartialOrd for Waiter {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiter {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;
    use futures_util::stream::FuturesUnordered;

    use super::*;

    #[tokio::test]
    async fn wakes_in_the_order_of_time_and_never_too_early() {
        let timer = ExactTimer::start().unwrap();
        let begin = Instant::now();
        let mut woken: FuturesUnordered<_> = [30_u64, 10, 20, 10, 0]
            .into_iter()
            .map(|ms| {
                let at = begin + Duration::from_millis(ms);
                let until = timer.until(at);
                async move {
                    until.await;
                    (ms, Instant::now() >= at)
                }
            })
            .collect();
        let mut order = Vec::new();
        while let Some((ms, in_time)) = woken.next().await {
            assert!(in_time, "{ms} ms came too early");
            order.push(ms);
        }
        assert_eq!(order, [0, 10, 10, 20, 30]);
    }

    #[tokio::test]
    async fn its_end_wakes_no_waiter() {
        let timer = ExactTimer::start().unwrap();
        let never = timer.until(Instant::now() + Duration::from_millis(50));
        drop(timer);
        assert!(tokio::time::timeout(Duration::from_millis(200), never).await.is_err());
    }
}
