//! When it is time to stop, and for how long a writer that is out goes on.
//!
//! What was not seen proves nothing: an outage that is open when the load ends would be told as
//! short as it was. So a writer that is out goes on alone until one of its writes is acknowledged,
//! for [`GOES_ON`] at most, or until it is over every limit that it can still break.

use std::time::Duration;

use super::{Shared, Writer};

/// How long a writer that is out goes on, once it is time to stop.
const GOES_ON: Duration = Duration::from_secs(10);

impl Writer {
    /// Until when slots come due: `now`, or when it was time to stop. What is in flight then may
    /// take a while.
    pub(super) fn end_of_schedule(&mut self, now: Duration) -> Duration {
        if self.stopped_at.is_none() && self.shared.stop.is_cancelled() {
            self.stopped_at = Some(self.shared.options.duration.map_or(now, |end| end.min(now)));
        }
        self.stopped_at.map_or(now, |stopped_at| stopped_at.min(now))
    }

    /// Counts this writer as ended.
    pub(super) fn ended(&mut self) {
        if !std::mem::replace(&mut self.has_ended, true) {
            self.shared.writing.send_modify(|writing| *writing = writing.saturating_sub(1));
        }
    }

    /// Keeps the session of a writer that is done until those that are out are done as well: the
    /// room that it leaves on a server that is full would be what lets them in.
    pub(super) async fn waits_for_others(&mut self) {
        self.ended();
        let shared = &self.shared;
        let mut writing = shared.writing.subscribe();
        tokio::select! {
            _ = writing.wait_for(|writing| *writing == 0) => {}
            () = shared.has_gone_on() => {}
        }
    }

    /// Whether it goes on though it is time to stop.
    pub(super) fn goes_on(&self, now: Duration) -> bool {
        self.out && !self.shared.is_over() && now < self.shared.goes_on_until()
    }
}

impl Shared {
    /// When a writer ends without a session: when it is time to stop, and later if it is out. The
    /// last of its writes was due at `last_due`, if it has a last one.
    pub(super) async fn ends(&self, out: bool, last_due: Option<Duration>) {
        self.load_ends(last_due).await;
        // Else all of its writes came due, and it is out: that is the end of its load.
        if out && self.stop.is_cancelled() {
            self.has_gone_on().await;
        }
    }

    /// When the load of a writer without a session ends: it is time to stop, or all of its writes
    /// have come due long ago.
    pub(super) async fn load_ends(&self, last_due: Option<Duration>) {
        let all_due = last_due.unwrap_or_default().saturating_add(GOES_ON);
        tokio::select! {
            () = self.stop.cancelled() => {
                self.stopped();
            }
            () = tokio::time::sleep_until(self.clock.instant(all_due)), if last_due.is_some() => {}
        }
    }

    /// Waits until writers that are out go on no longer.
    async fn has_gone_on(&self) {
        tokio::select! {
            () = tokio::time::sleep_until(self.clock.instant(self.goes_on_until())) => {}
            () = self.decided.cancelled() => {}
            () = self.stop_now.cancelled() => {}
        }
    }

    fn is_over(&self) -> bool {
        self.decided.is_cancelled() || self.stop_now.is_cancelled()
    }

    /// When it was time to stop, to be asked as soon as it is.
    pub(super) fn stopped(&self) -> Duration {
        *self.stopped.get_or_init(|| self.clock.now())
    }

    /// Until when writers that are out go on.
    pub(super) fn goes_on_until(&self) -> Duration {
        self.stopped().saturating_add(GOES_ON)
    }
}
