//! Waiting for a condition instead of sleeping for a time.

use std::thread::sleep;
use std::time::{Duration, Instant};

const POLL_EVERY: Duration = Duration::from_millis(5);

/// Returns as soon as `holds` does; panics, naming `what`, when it does not within `deadline`.
///
/// It blocks its thread. A test whose own tasks must go on meanwhile calls it through `spawn_blocking`, or
/// runs on several threads.
#[track_caller]
pub fn wait_until(deadline: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    assert!(within(deadline, &mut holds), "not within {deadline:?}: {what}");
}

/// Whether `holds` becomes true within `deadline`: for where giving up is not the end.
pub(super) fn within(deadline: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let begin = Instant::now();
    loop {
        if holds() {
            return true;
        }
        if begin.elapsed() > deadline {
            return false;
        }
        sleep(POLL_EVERY);
    }
}
