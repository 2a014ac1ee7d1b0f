//! The monotonic clock of a run.

use std::time::Duration;

use tokio::time::Instant;

/// Tells the time since the run started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    started: Instant,
}

impl Clock {
    /// Starts now.
    pub(crate) fn start() -> Self {
        Self { started: Instant::now() }
    }

    /// Now, since the start.
    pub(crate) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// That instant, since the start.
    pub(crate) fn at(&self, instant: Instant) -> Duration {
        instant.saturating_duration_since(self.started)
    }

    /// The instant at this time since the start, or one that never comes.
    pub(crate) fn instant(&self, since_start: Duration) -> Instant {
        const A_YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
        self.started + since_start.min(A_YEAR)
    }
}
