//! What the proxy's tasks and the test look at together; every lock is held for a moment.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::mode::Trap;

pub(super) struct Shared {
    upstream: AtomicU16,
    open: AtomicUsize,
    accepted: Mutex<Vec<Instant>>,
    traps: Mutex<VecDeque<Trap>>,
}

impl Shared {
    pub(super) fn new(upstream: u16) -> Self {
        Self {
            upstream: AtomicU16::new(upstream),
            open: AtomicUsize::new(0),
            accepted: Mutex::default(),
            traps: Mutex::default(),
        }
    }

    pub(super) fn upstream(&self) -> u16 {
        self.upstream.load(Ordering::SeqCst)
    }

    pub(super) fn set_upstream(&self, port: u16) {
        self.upstream.store(port, Ordering::SeqCst);
    }

    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// Counts a connection for as long as the result lives.
    pub(super) fn count_open(&self) -> impl Drop + '_ {
        self.open.fetch_add(1, Ordering::SeqCst);
        Counted(&self.open)
    }

    pub(super) fn accepted(&self) -> MutexGuard<'_, Vec<Instant>> {
        lock(&self.accepted)
    }

    pub(super) fn set_trap(&self, trap: Trap) {
        lock(&self.traps).push_back(trap);
    }

    /// The oldest, for the connection that has found a write.
    pub(super) fn take_trap(&self) -> Option<Trap> {
        lock(&self.traps).pop_front()
    }
}

struct Counted<'a>(&'a AtomicUsize);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A test that panicked elsewhere has left nothing half done here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
