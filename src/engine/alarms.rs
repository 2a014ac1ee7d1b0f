//! What wakes a writer though no answer comes: the time, and the order to stop.

use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio_util::sync::CancellationToken;

use super::clock::Clock;

/// Why a writer is woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alarm {
    /// The time that was asked for has come; or one that is not of interest any more.
    Time(Duration),
    /// Nothing new is to be sent.
    Stop,
}

/// A writer's alarms. With every write it asks whether one went off, so that must cost next to
/// nothing: they are looked at only when one of them has woken its task, and a timer that is set
/// goes off a little early rather than being set anew.
pub(crate) struct Alarms {
    clock: Clock,
    waiting: FuturesUnordered<BoxFuture<'static, Alarm>>,
    /// The earliest timer.
    next: Option<Duration>,
}

impl Alarms {
    pub(crate) fn new(clock: Clock, stop: CancellationToken) -> Self {
        let waiting = FuturesUnordered::new();
        let stopped: BoxFuture<'static, Alarm> = Box::pin(async move {
            stop.cancelled().await;
            Alarm::Stop
        });
        waiting.push(stopped);
        Self { clock, waiting, next: None }
    }

    /// Makes sure that one goes off by then.
    pub(crate) fn set(&mut self, at: Duration) {
        if at == Duration::MAX || self.next.is_some_and(|next| next <= at) {
            return;
        }
        self.next = Some(at);
        let instant = self.clock.instant(at);
        self.waiting.push(Box::pin(async move {
            tokio::time::sleep_until(instant).await;
            Alarm::Time(at)
        }));
    }

    /// The next one that goes off.
    pub(crate) async fn next(&mut self) -> Alarm {
        match self.waiting.next().await {
            Some(alarm) => {
                if self.next.is_some_and(|next| alarm == Alarm::Time(next)) {
                    self.next = None;
                }
                alarm
            }
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[tokio::test(start_paused = true)]
    async fn go_off_in_time_though_later_ones_were_set_before() {
        let started = Instant::now();
        let stop = CancellationToken::new();
        let mut alarms = Alarms::new(Clock::start(), stop.clone());
        alarms.set(ms(900));
        alarms.set(ms(20));
        alarms.set(ms(500));
        alarms.set(Duration::MAX);
        assert_eq!(alarms.next().await, Alarm::Time(ms(20)));
        assert_eq!(started.elapsed(), ms(20));
        alarms.set(ms(500));
        assert_eq!(alarms.next().await, Alarm::Time(ms(500)));
        stop.cancel();
        assert_eq!(alarms.next().await, Alarm::Stop);
        assert_eq!(started.elapsed(), ms(500));
    }
}
