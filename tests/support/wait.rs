//! Waiting for a condition instead of sleeping for a time.

use std::thread::sleep;
use std::time::{Duration, Instant};

const POLL_EVERY: Duration = Duration::from_millis(5);

/// A look that starts a program is repeated after twice the time that it took, and this at most: a test that waits leaves
/// the processors to those that work.
const POLL_EVERY_MAX: Duration = Duration::from_millis(200);

/// Returns as soon as `holds` does; panics, naming `what`, when it does not within `deadline`.
///
/// It blocks its thread. A test with tasks that must go on meanwhile calls it through `spawn_blocking`, or
/// runs on several threads.
#[track_caller]
pub fn wait_until(deadline: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    assert!(within(deadline, &mut holds), "not within {deadline:?}: {what}");
}

/// Whether `holds` becomes true within `deadline`: for where giving up is not the end.
pub(super) fn within(deadline: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let begin = Instant::now();
    loop {
        let look = Instant::now();
        if holds() {
            return true;
        }
        if begin.elapsed() > deadline {
            return false;
        }
        sleep((look.elapsed() * 2).clamp(POLL_EVERY, POLL_EVERY_MAX));
    }
}
