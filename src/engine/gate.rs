//! The gate before every connect: so that a thousand writers make no storm while nothing works,
//! and are all back soon after one of them writes.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rand::{Rng, RngExt};
use tokio::sync::watch;
use tokio::time::Instant;

/// While nothing works, all writers together try this far apart: twenty times a second.
const APART: Duration = Duration::from_millis(50);

/// When one writes again, the others come back spread over this time.
const SPREAD: Duration = Duration::from_millis(50);

/// All sessions end at the same moment, but writers notice one after another. An acknowledgement
/// this soon after a failure was already on its way.
const NOTICE: Duration = Duration::from_millis(5);

/// While some write, attempts beside others that hang go out this far apart, over all writers: a
/// server that is slow because a thousand connect at once must not get thousands more.
const BESIDE_APART: Duration = Duration::from_millis(10);

/// One gate for all writers of a run. An acknowledged write opens it, a failure closes it. The
/// latest event decides: what an idle writer heard some time ago is no evidence.
#[derive(Debug)]
pub(crate) struct Gate {
    open: AtomicBool,
    /// The last failure, in microseconds of the run.
    failed_us: AtomicU64,
    /// Counts the times that writing began to work again.
    reopened: watch::Sender<u64>,
    /// When the next attempt may go out while nothing works.
    next_slot: Slots,
    /// When the next attempt may go out beside one that hangs.
    next_beside: Slots,
}

/// Times for attempts, at least `apart` from each other: each caller takes the next one.
#[derive(Debug)]
struct Slots {
    apart: Duration,
    next: Mutex<Option<Instant>>,
}

impl Gate {
    /// Open: the cluster has just been reached.
    pub(crate) fn new() -> Self {
        Self {
            open: AtomicBool::new(true),
            failed_us: AtomicU64::new(0),
            reopened: watch::Sender::new(0),
            next_slot: Slots::new(APART),
            next_beside: Slots::new(BESIDE_APART),
        }
    }

    /// To notice that writing works again, from now on.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.reopened.subscribe()
    }

    /// A write was acknowledged. Asked with every one: while the gate is open it costs nothing.
    pub(crate) fn works(&self, now: Duration) {
        if self.open.load(Ordering::Relaxed) {
            return;
        }
        let failed = Duration::from_micros(self.failed_us.load(Ordering::Acquire));
        // Right after a failure, answers to other writers may be older than it: they prove nothing.
        if now > failed + NOTICE && !self.open.swap(true, Ordering::AcqRel) {
            // Slots taken during the outage are void once it is over.
            self.next_slot.void();
            self.reopened.send_modify(|times| *times += 1);
        }
    }

    /// A session, or an attempt to have one, failed.
    pub(crate) fn fails(&self, now: Duration) {
        let now_us = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
        self.failed_us.fetch_max(now_us, Ordering::AcqRel);
        self.open.store(false, Ordering::Release);
    }

    fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
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
            // A slot is taken when it can be used: one taken before the backoff would hold up
            // writers that have no backoff left.
            if !self.is_open() {
                tokio::time::sleep_until(self.next_slot.take()).await;
            }
        };
        tokio::select! {
            () = turn => {}
            Ok(()) = reopened.changed() => tokio::time::sleep(spread(random)).await,
        }
    }

    /// Waits for a turn to try once more beside an attempt that has hung for `patience` from now:
    /// it comes only while other writers write, so that the way to them works. Few attempts hang
    /// when it begins to work, as they had to take turns: these get theirs at once.
    pub(crate) async fn beside(&self, patience: Duration) {
        let mut reopened = self.subscribe();
        tokio::time::sleep(patience).await;
        loop {
            if self.is_open() && !reopened.has_changed().unwrap_or(false) {
                tokio::time::sleep_until(self.next_beside.take()).await;
                if self.is_open() {
                    return;
                }
            } else if reopened.changed().await.is_err() {
                std::future::pending::<()>().await;
            } else {
                let moment = spread(&mut rand::rng());
                return tokio::time::sleep(moment).await;
            }
        }
    }
}

/// A random wait, so that writers come back spread over time.
fn spread<R: Rng>(random: &mut R) -> Duration {
    random.random_range(Duration::ZERO..SPREAD)
}

impl Slots {
    fn new(apart: Duration) -> Self {
        Self { apart, next: Mutex::new(None) }
    }

    /// Takes the first free slot from now on.
    fn take(&self) -> Instant {
        let now = Instant::now();
        let mut next = self.lock();
        let slot = next.map_or(now, |next| next.max(now));
        *next = Some(slot + self.apart);
        slot
    }

    /// Frees all slots that were taken.
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
        gate.fails(Duration::ZERO);
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
        let started = Instant::now();
        let attempts: Vec<_> = (0..100)
            .map(|seed| {
                let gate = Arc::clone(&gate);
                tokio::spawn(async move {
                    let mut random = SmallRng::seed_from_u64(seed);
                    gate.fails(Duration::from_secs(1));
                    // Others had not noticed yet.
                    gate.works(Duration::from_millis(1001));
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
        gate.fails(Duration::from_secs(1));
        gate.works(Duration::from_secs(2));
        gate.fails(Duration::from_secs(3));
        let started = Instant::now();
        gate.turn(Duration::ZERO, &mut gate.subscribe(), &mut random).await;
        assert!(started.elapsed() < APART, "{:?}", started.elapsed());
    }

    /// How long after `gate` works each of `writers` that hang gets a turn beside its attempt.
    async fn beside(gate: &Arc<Gate>, writers: u32) -> Vec<Duration> {
        let waiting: Vec<_> = (0..writers)
            .map(|_| {
                let gate = Arc::clone(gate);
                tokio::spawn(async move {
                    gate.beside(Duration::from_millis(150)).await;
                    Instant::now()
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_secs(5)).await;
        let is_open = gate.is_open();
        assert!(is_open || waiting.iter().all(|writer| !writer.is_finished()), "nobody writes");
        let worked = Instant::now();
        gate.works(Duration::from_secs(10));
        let mut times = Vec::new();
        for writer in waiting {
            times.push(writer.await.unwrap().saturating_duration_since(worked));
        }
        times
    }

    #[tokio::test(start_paused = true)]
    async fn whose_attempts_hang_when_one_writes_again_try_beside_them_at_once() {
        let gate = Arc::new(Gate::new());
        gate.fails(Duration::ZERO);
        let times = beside(&gate, 60).await;
        assert!(times.iter().all(|at| *at <= Duration::from_millis(60)), "{times:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn beside_attempts_that_hang_while_some_write_others_go_out_never_as_a_storm() {
        let gate = Arc::new(Gate::new());
        let started = Instant::now();
        let waiting: Vec<_> = (0..1000)
            .map(|_| {
                let gate = Arc::clone(&gate);
                tokio::spawn(async move {
                    gate.beside(Duration::from_millis(150)).await;
                    started.elapsed()
                })
            })
            .collect();
        let mut in_the_first_second = 0;
        for writer in waiting {
            let at = writer.await.unwrap();
            assert!(at >= Duration::from_millis(150), "{at:?}");
            in_the_first_second += usize::from(at < Duration::from_millis(1150));
        }
        assert!((99..=102).contains(&in_the_first_second), "{in_the_first_second}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_idle_writers_heard_before_a_failure_opens_nothing() {
        let gate = Gate::new();
        gate.works(Duration::from_secs(1));
        gate.fails(Duration::from_secs(2));
        assert!(!gate.is_open());
        gate.works(Duration::from_secs(2) + NOTICE / 2);
        assert!(!gate.is_open(), "that was on its way before");
        gate.works(Duration::from_secs(3));
        assert!(gate.is_open());
    }

    #[tokio::test(start_paused = true)]
    async fn as_soon_as_one_writes_all_the_others_get_their_turn() {
        let gate = Arc::new(Gate::new());
        gate.fails(Duration::ZERO);
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
        gate.works(Duration::from_millis(200));
        let worked = Instant::now();
        for writer in waiting {
            writer.await.unwrap();
        }
        assert!(worked.elapsed() <= Duration::from_millis(60), "{:?}", worked.elapsed());
    }
}
