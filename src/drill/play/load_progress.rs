//! The progress of the load, followed by its events: steps wait for it. The events go on to the
//! log.

use tokio::sync::{mpsc, watch};

use crate::model::event::{Event, What};

/// How far the load has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct LoadProgress {
    /// Writes acknowledged.
    pub(super) acknowledged: u64,
    /// Intervals in which a write was acknowledged.
    pub(super) intervals: u64,
    /// An outage goes on.
    pub(super) is_out: bool,
    /// An outage went on when the last action was done, or began since.
    pub(super) was_out: bool,
    /// That outage is over.
    pub(super) recovered: bool,
}

impl LoadProgress {
    fn follow(&mut self, what: &What) {
        match what {
            What::Interval(interval) if interval.acknowledged > 0 => {
                self.acknowledged += interval.acknowledged;
                self.intervals += 1;
            }
            What::Injected(_) => {
                self.was_out = self.is_out;
                self.recovered = false;
            }
            What::OutageBegan(_) => {
                self.is_out = true;
                self.was_out = true;
            }
            What::WritesResumed(_) => self.recovered |= self.was_out,
            What::OutageEnded(outage) => {
                self.is_out = false;
                self.recovered |= self.was_out && outage.first_ack.is_some();
            }
            _ => {}
        }
    }
}

/// Follows the load until its last event. A log that is full loses events; the progress does not.
pub(super) async fn follow(
    mut events: mpsc::Receiver<Event>,
    progress: watch::Sender<LoadProgress>,
    log: mpsc::Sender<Event>,
) {
    while let Some(event) = events.recv().await {
        progress.send_modify(|progress| progress.follow(&event.what));
        let _ = log.try_send(event);
    }
}
