//! What wakes a writer though no answer comes: the time, the recorder, and the order to stop.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::engine::clock::Clock;
use crate::engine::exact_timer::ExactTimer;

/// Why a writer is woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alarm {
    /// A time that was asked for has come; or one that is not of interest any more.
    Time,
    /// Nothing new is to be sent.
    Stop,
    /// Nothing is to be waited for.
    StopNow,
    /// How far everything is told is wanted.
    Mark,
}

/// A writer's alarms. With every write it asks whether one went off, so that must cost next to
/// nothing: they are looked at only when one of them has woken its task, and a timer that is set
/// goes off a little early rather than being set anew.
pub(crate) struct Alarms {
    clock: Clock,
    timer: Arc<ExactTimer>,
    waiting: FuturesUnordered<BoxFuture<'static, Rang>>,
    deadline: Timer,
    due: Timer,
}

/// One of the two timers: at most one future of each kind waits, as one that is replaced ends.
#[derive(Default)]
struct Timer {
    next: Option<Duration>,
    /// Ends the future that waits, when it is dropped.
    replaced: Option<oneshot::Sender<()>>,
}

/// What went off.
#[derive(Debug)]
enum Rang {
    Deadline(Duration),
    Due(Duration),
    /// A timer that was replaced by an earlier one.
    Replaced,
    Stop,
    StopNow,
    /// With what it was heard by.
    Mark(watch::Receiver<()>),
}

impl Timer {
    /// Whether a timer must be set for `at`; then the one that waits is given up.
    fn set(&mut self, at: Duration) -> Option<oneshot::Receiver<()>> {
        if at == Duration::MAX || self.next.is_some_and(|earlier| earlier <= at) {
            return None;
        }
        self.next = Some(at);
        let (replaced, end) = oneshot::channel();
        self.replaced = Some(replaced);
        Some(end)
    }

    fn rang(&mut self, at: Duration) {
        self.next = self.next.filter(|next| *next != at);
    }
}

impl Alarms {
    pub(crate) fn new(
        clock: Clock,
        timer: Arc<ExactTimer>,
        stop: CancellationToken,
        stop_now: CancellationToken,
        marks: watch::Receiver<()>,
    ) -> Self {
        let waiting = FuturesUnordered::new();
        let stopped: BoxFuture<'static, Rang> = Box::pin(async move {
            stop.cancelled().await;
            Rang::Stop
        });
        waiting.push(stopped);
        let stopped_now: BoxFuture<'static, Rang> = Box::pin(async move {
            stop_now.cancelled().await;
            Rang::StopNow
        });
        waiting.push(stopped_now);
        let marked: BoxFuture<'static, Rang> = Box::pin(wanted(marks));
        waiting.push(marked);
        Self { clock, timer, waiting, deadline: Timer::default(), due: Timer::default() }
    }

    /// Makes sure that one goes off at a deadline, or up to a millisecond after it.
    pub(crate) fn set_deadline(&mut self, at: Duration) {
        if let Some(replaced) = self.deadline.set(at) {
            let until = tokio::time::sleep_until(self.clock.instant(at));
            self.waiting.push(Box::pin(rings(until, replaced, Rang::Deadline(at))));
        }
    }

    /// Makes sure that one goes off when a write is due, and not later.
    pub(crate) fn set_due(&mut self, at: Duration) {
        if let Some(replaced) = self.due.set(at) {
            let until = self.timer.until(self.clock.instant(at).into_std());
            self.waiting.push(Box::pin(rings(until, replaced, Rang::Due(at))));
        }
    }

    /// The next one that goes off.
    pub(crate) async fn next(&mut self) -> Alarm {
        loop {
            match self.waiting.next().await {
                Some(Rang::Stop) => return Alarm::Stop,
                Some(Rang::StopNow) => return Alarm::StopNow,
                Some(Rang::Mark(marks)) => {
                    self.waiting.push(Box::pin(wanted(marks)));
                    return Alarm::Mark;
                }
                Some(Rang::Replaced) => {}
                Some(Rang::Deadline(at)) => {
                    self.deadline.rang(at);
                    return Alarm::Time;
                }
                Some(Rang::Due(at)) => {
                    self.due.rang(at);
                    return Alarm::Time;
                }
                None => std::future::pending().await,
            }
        }
    }
}

async fn wanted(mut marks: watch::Receiver<()>) -> Rang {
    if marks.changed().await.is_err() {
        // The recorder is gone: no mark will be asked for.
        std::future::pending::<()>().await;
    }
    Rang::Mark(marks)
}

async fn rings(
    until: impl Future<Output = ()>,
    replaced: oneshot::Receiver<()>,
    rang: Rang,
) -> Rang {
    tokio::select! {
        biased;
        () = until => rang,
        _ = replaced => Rang::Replaced,
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn alarms(timer: Arc<ExactTimer>, stop: CancellationToken) -> Alarms {
        let (_, marks) = watch::channel(());
        Alarms::new(Clock::start(), timer, stop, CancellationToken::new(), marks)
    }

    #[tokio::test]
    async fn a_mark_is_wanted_as_often_as_it_is_asked_for() {
        let (wanted, marks) = watch::channel(());
        let timer = Arc::new(ExactTimer::start().unwrap());
        let stop_now = CancellationToken::new();
        let stop = CancellationToken::new();
        let mut alarms = Alarms::new(Clock::start(), timer, stop, stop_now.clone(), marks);
        for _ in 0..3 {
            wanted.send_replace(());
            assert_eq!(alarms.next().await, Alarm::Mark);
        }
        stop_now.cancel();
        assert_eq!(alarms.next().await, Alarm::StopNow);
    }

    #[tokio::test(start_paused = true)]
    async fn go_off_in_time_though_later_ones_were_set_before() {
        let started = Instant::now();
        let stop = CancellationToken::new();
        let timer = Arc::new(ExactTimer::start().unwrap());
        let mut alarms = alarms(timer, stop.clone());
        alarms.set_deadline(ms(900));
        alarms.set_deadline(ms(20));
        alarms.set_deadline(ms(500));
        alarms.set_deadline(Duration::MAX);
        assert_eq!(alarms.next().await, Alarm::Time);
        assert_eq!(started.elapsed(), ms(20));
        alarms.set_deadline(ms(500));
        assert_eq!(alarms.next().await, Alarm::Time);
        stop.cancel();
        assert_eq!(alarms.next().await, Alarm::Stop);
        assert_eq!(started.elapsed(), ms(500));
    }

    #[tokio::test]
    async fn a_due_write_has_an_alarm_of_its_own_beside_the_deadline_before_it() {
        let clock = Clock::start();
        let timer = Arc::new(ExactTimer::start().unwrap());
        let mut alarms = Alarms { clock, ..alarms(timer, CancellationToken::new()) };
        let due = clock.now() + ms(50);
        alarms.set_deadline(due.saturating_sub(Duration::from_micros(100)));
        alarms.set_due(due);
        let both = async {
            while alarms.due.next.is_some() || alarms.deadline.next.is_some() {
                assert_eq!(alarms.next().await, Alarm::Time);
            }
        };
        tokio::time::timeout(ms(20_000), both).await.expect("both go off");
        assert!(clock.now() >= due);
    }

    #[tokio::test(start_paused = true)]
    async fn timers_that_are_replaced_do_not_pile_up() {
        let timer = Arc::new(ExactTimer::start().unwrap());
        let mut alarms = alarms(timer, CancellationToken::new());
        // Deadlines far away, and batches that are due soon, again and again.
        for n in 0..1000 {
            alarms.set_deadline(ms(3_600_000 + n));
            alarms.set_deadline(ms(20 * (n + 1)));
            assert_eq!(alarms.next().await, Alarm::Time);
        }
        assert!(alarms.waiting.len() <= 5, "{} wait", alarms.waiting.len());
    }
}
