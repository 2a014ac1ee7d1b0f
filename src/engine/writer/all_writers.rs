//! What all writers of a run share.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::engine::clock::Clock;
use crate::engine::dialer::Dialer;
use crate::engine::exact_timer::ExactTimer;
use crate::engine::gate::Gate;
use crate::engine::protocol::ProtocolInUse;
use crate::engine::start_line::StartLine;
use crate::engine::watch::stalls::Stalls;
use crate::model::fault::Fault;
use crate::model::load::writer::rules::{Rules, TRIES_AFTER_STOP_MAX};

/// What all writers of a run share.
#[derive(Debug)]
pub(crate) struct AllWriters {
    pub(crate) run_id: Uuid,
    pub(crate) rules: Arc<Rules>,
    pub(crate) dialer: Dialer,
    pub(crate) clock: Clock,
    /// When the schedule begins.
    pub(crate) start_line: StartLine,
    pub(crate) gate: Gate,
    /// Wakes writers when a write is due.
    pub(crate) timer: Arc<ExactTimer>,
    /// No new writes: what is in flight is waited for.
    pub(crate) stop: CancellationToken,
    /// Writes in flight are not waited for either: they are in doubt.
    pub(crate) stop_now: CancellationToken,
    /// No limit depends any more on writers that are out.
    pub(crate) decided: CancellationToken,
    /// When the first writer saw that it is time to stop.
    pub(crate) stopped: OnceLock<Duration>,
    /// Writers that have not ended.
    pub(crate) writing: watch::Sender<u32>,
    /// The recorder wants to know how far every writer has told everything.
    pub(crate) marks: watch::Receiver<()>,
    /// How writes are put to the server.
    pub(crate) protocol: ProtocolInUse,
    /// The writers with writes that have no answer.
    pub(crate) stalls: Stalls,
    /// Whether any write was acknowledged.
    pub(crate) proven: AtomicBool,
    /// Takes a fault of the first write that waiting cannot mend.
    pub(crate) hopeless: mpsc::Sender<Fault>,
}

impl AllWriters {
    /// When a writer ends without a session: when it is time to stop, and later if it is out. The
    /// last of its writes was due at `last_due`, if it has a last one.
    pub(super) async fn ends(&self, out: bool, last_due: Option<Duration>) {
        self.load_ends(last_due).await;
        // Without a stop all of its writes have come due: its load ends here.
        if out && self.stop.is_cancelled() {
            self.has_gone_on().await;
        }
    }

    /// When the load of a writer without a session ends: it is time to stop, or all of its writes
    /// have come due long ago.
    pub(super) async fn load_ends(&self, last_due: Option<Duration>) {
        let all_due = last_due.unwrap_or_default().saturating_add(TRIES_AFTER_STOP_MAX);
        tokio::select! {
            () = self.stop.cancelled() => {
                self.stopped();
            }
            () = tokio::time::sleep_until(self.clock.instant(all_due)), if last_due.is_some() => {}
        }
    }

    /// Waits until all writers have ended, or those that are out go on no longer.
    pub(super) async fn all_done(&self) {
        let mut writing = self.writing.subscribe();
        tokio::select! {
            _ = writing.wait_for(|writing| *writing == 0) => {}
            () = self.has_gone_on() => {}
        }
    }

    /// Waits until writers that are out go on no longer.
    async fn has_gone_on(&self) {
        let until = self.stopped().saturating_add(TRIES_AFTER_STOP_MAX);
        tokio::select! {
            () = tokio::time::sleep_until(self.clock.instant(until)) => {}
            () = self.decided.cancelled() => {}
            () = self.stop_now.cancelled() => {}
        }
    }

    /// Whether nothing depends on what writers that are out still find.
    pub(super) fn is_over(&self) -> bool {
        self.decided.is_cancelled() || self.stop_now.is_cancelled()
    }

    /// When it was time to stop, to be asked as soon as it is.
    pub(super) fn stopped(&self) -> Duration {
        *self.stopped.get_or_init(|| self.clock.now())
    }

    /// A writer has ended.
    pub(super) fn one_ended(&self) {
        self.writing.send_modify(|writing| *writing = writing.saturating_sub(1));
    }
}
