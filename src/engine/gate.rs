//! The gate before every connect: so that a thousand writers make no storm while nothing works,
//! and are all back soon after one of them writes.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand::{Rng, RngExt};
use tokio::sync::watch;
use tokio::time::Instant;

/// While nothing works, all writers together try this far apart: twenty times a second.
const APART: Duration = Duration::from_millis(50);

/// When one writes again, the others come back spread over this time.
const SPREAD: Duration = Duration::from_millis(50);

/// All sessions end in the same moment, but one writer after the other notices. Before the others
/// are taken to work, they get this long to notice too.
const NOTICE: Duration = Duration::from_millis(5);

/// While some write, attempts beside others that hang go out this far apart, over all writers: a
/// server that is slow because a thousand connect at once must not get thousands more.
const BESIDE_APART: Duration = Duration::from_millis(10);

/// One gate for all writers of a run.
#[derive(Debug)]
pub(crate) struct Gate {
    /// Writers whose last write was acknowledged.
    working: AtomicU64,
    /// Counts the times that writing began to work again.
    reopened: watch::Sender<u64>,
    /// When the next attempt may go out while nothing works.
    next_slot: Slots,
    /// When the next attempt may go out beside one that hangs.
    next_beside: Slots,
}

/// Turns in time, given out to whoever asks.
#[derive(Debug)]
struct Slots {
    apart: Duration,
    next: Mutex<Option<Instant>>,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self {
            working: AtomicU64::new(0),
            reopened: watch::Sender::new(0),
            next_slot: Slots::new(APART),
            next_beside: Slots::new(BESIDE_APART),
        }
    }

    /// To notice that writing works again, from now on.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.reopened.subscribe()
    }

    /// A writer had a write acknowledged after it could not write.
    pub(crate) fn works(&self) {
        if self.working.fetch_add(1, Ordering::AcqRel) == 0 {
            // Slots that were given out for the outage that is over are void.
            self.next_slot.void();
            self.reopened.send_modify(|times| *times += 1);
        }
    }

    /// A writer that worked cannot write any more.
    pub(crate) fn fails(&self) {
        self.working.fetch_sub(1, Ordering::AcqRel);
    }

    /// Waits for a turn to connect: the writer's own backoff, and while nothing works also a
    /// slot among all writers. Cut short when writing works again.
    pub(crate) async fn turn<R: Rng>(
        &self,
        backoff: Duration,
        reopened: &mut watch::Receiver<u64>,
        random: &mut R,
    ) {
        let turn = async {
            tokio::time::sleep(backoff).await;
            if self.working.load(Ordering::Acquire) > 0 {
                tokio::time::sleep(NOTICE).await;
            }
            // A slot is taken when it can be used: one that waits for a backoff would hold up
            // writers whose backoff is over.
            if self.working.load(Ordering::Acquire) == 0 {
                tokio::time::sleep_until(self.next_slot.take()).await;
            }
        };
        tokio::select! {
            () = turn => {}
            Ok(()) = reopened.changed() => {
                tokio::time::sleep(random.random_range(Duration::ZERO..SPREAD)).await;
            }
        }
    }

    /// Waits for a turn to try once more beside an attempt that has hung for `patience` from now:
    /// it comes only while other writers write, so that the way to them works.
    pub(crate) async fn beside(&self, patience: Duration) {
        tokio::time::sleep(patience).await;
        loop {
            let mut reopened = self.subscribe();
            if self.working.load(Ordering::Acquire) > 0 {
                tokio::time::sleep_until(self.next_beside.take()).await;
                if self.working.load(Ordering::Acquire) > 0 {
                    return;
                }
            } else if reopened.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

impl Slots {
    fn new(apart: Duration) -> Self {
        Self { apart, next: Mutex::new(None) }
    }

    /// The first free one from now on.
    fn take(&self) -> Instant {
        let now = Instant::now();
        let mut next = self.lock();
        let slot = next.map_or(now, |next| next.max(now));
        *next = Some(slot + self.apart);
        slot
    }

    /// Those that were given out count no more.
    fn void(&self) {
        *self.lock() = None;
    }

    /// Held for a calculation alone, and a poisoned lock has no broken state.
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.next.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rand::{SeedableRng, rngs::SmallRng};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn while_nothing_works_a_thousand_writers_try_twenty_times_a_second() {
        let gate = Arc::new(Gate::new());
        let started = Instant::now();
        let attempts: Vec<_> = (0..1000)
            .map(|seed| {
                let gate = Arc::clone(&gate);
                tokio::spawn(async move {
                    let mut random = SmallRng::seed_from_u64(seed);
                    gate.turn(Duration::ZERO, &mut gate.subscribe(), &mut random).await;
                    started.elapsed()
                })
            })
            .collect();
        let mut times = Vec::new();
        for attempt in attempts {
            times.push(attempt.await.unwrap());
        }
        let in_the_first_second = times.iter().filter(|at| at.as_secs() < 1).count();
        assert!((19..=21).contains(&in_the_first_second), "{in_the_first_second}");
    }

    #[tokio::test(start_paused = true)]
    async fn writers_that_lose_their_sessions_in_one_moment_make_no_storm() {
        let gate = Arc::new(Gate::new());
        (0..100).for_each(|_| gate.works());
        let started = Instant::now();
        let attempts: Vec<_> = (0..100)
            .map(|seed| {
                let gate = Arc::clone(&gate);
                tokio::spawn(async move {
                    let mut random = SmallRng::seed_from_u64(seed);
                    gate.fails();
                    gate.turn(Duration::ZERO, &mut gate.subscribe(), &mut random).await;
                    started.elapsed()
                })
            })
            .collect();
        let mut at_once = 0;
        for attempt in attempts {
            at_once += usize::from(attempt.await.unwrap() < Duration::from_millis(100));
        }
        assert!(at_once <= 3, "{at_once}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_outage_does_not_wait_for_slots_of_the_last_one() {
        let gate = Gate::new();
        let mut random = SmallRng::seed_from_u64(1);
        for _ in 0..200 {
            gate.next_slot.take();
        }
        gate.works();
        gate.fails();
        let started = Instant::now();
        gate.turn(Duration::ZERO, &mut gate.subscribe(), &mut random).await;
        assert!(started.elapsed() < APART, "{:?}", started.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn beside_attempts_that_hang_others_go_out_while_some_write_and_never_as_a_storm() {
        let gate = Arc::new(Gate::new());
        let waiting: Vec<_> = (0..1000)
            .map(|_| {
                let gate = Arc::clone(&gate);
                tokio::spawn(async move {
                    gate.beside(Duration::from_millis(150)).await;
                    Instant::now()
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(waiting.iter().all(|writer| !writer.is_finished()), "nobody writes");
        let worked = Instant::now();
        gate.works();
        let mut times = Vec::new();
        for writer in waiting {
            times.push(writer.await.unwrap().duration_since(worked));
        }
        let in_time = |limit_ms| times.iter().filter(|at| at.as_millis() < limit_ms).count();
        assert!((1..=2).contains(&in_time(10)), "{}", in_time(10));
        assert!((99..=101).contains(&in_time(1000)), "{}", in_time(1000));
    }

    #[tokio::test(start_paused = true)]
    async fn as_soon_as_one_writes_all_the_others_get_their_turn() {
        let gate = Arc::new(Gate::new());
        let waiting: Vec<_> = (0..1000)
            .map(|seed| {
                let gate = Arc::clone(&gate);
                let mut reopened = gate.subscribe();
                tokio::spawn(async move {
                    let mut random = SmallRng::seed_from_u64(seed);
                    gate.turn(Duration::from_millis(300), &mut reopened, &mut random).await;
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(200)).await;
        gate.works();
        let worked = Instant::now();
        for writer in waiting {
            writer.await.unwrap();
        }
        assert!(worked.elapsed() <= Duration::from_millis(60), "{:?}", worked.elapsed());
    }
}
