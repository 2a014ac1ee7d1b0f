//! What the proxy's tasks and the test look at together; every lock is held for a moment.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::net::TcpStream;

use super::mode::Trap;
use super::wire::{Twist, Wire};

pub(super) struct Shared {
    upstream: AtomicU16,
    open: AtomicUsize,
    accepted: Mutex<Vec<Instant>>,
    traps: Mutex<VecDeque<Trap>>,
    twists: Mutex<VecDeque<Twist>>,
    twist_of_all: Mutex<Option<Twist>>,
    wire: Mutex<Wire>,
    /// The servers' sides of connections that were abandoned.
    abandoned: Mutex<Vec<TcpStream>>,
}

impl Shared {
    pub(super) fn new(upstream: u16) -> Self {
        Self {
            upstream: AtomicU16::new(upstream),
            open: AtomicUsize::new(0),
            accepted: Mutex::default(),
            traps: Mutex::default(),
            twists: Mutex::default(),
            twist_of_all: Mutex::default(),
            wire: Mutex::default(),
            abandoned: Mutex::default(),
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

    pub(super) fn add_twists(&self, writes: usize, twist: &Twist) {
        lock(&self.twists).extend(std::iter::repeat_n(twist, writes).cloned());
    }

    /// The oldest, for the write that has come.
    pub(super) fn take_twist(&self) -> Option<Twist> {
        lock(&self.twists).pop_front().or_else(|| lock(&self.twist_of_all).clone())
    }

    pub(super) fn twist_all(&self, twist: Option<Twist>) {
        *lock(&self.twist_of_all) = twist;
    }

    pub(super) fn wire(&self) -> MutexGuard<'_, Wire> {
        lock(&self.wire)
    }

    pub(super) fn abandon(&self, server: TcpStream) {
        lock(&self.abandoned).push(server);
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
