//! Hears what the load lives through, so that steps can wait for it, and hands it on to the log.

use tokio::sync::{mpsc, watch};

use crate::model::event::{Event, What};

/// What was heard so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Heard {
    /// The cluster was reached.
    pub(super) ready: bool,
    /// Writes acknowledged.
    pub(super) acknowledged: u64,
    /// Tellings of acknowledged writes.
    pub(super) tellings: u64,
    /// An outage goes on.
    pub(super) is_out: bool,
    /// Writes were out when the last thing was done, or have been since.
    pub(super) was_out: bool,
    /// And they came back.
    pub(super) recovered: bool,
    /// Things done.
    pub(super) injections: u64,
}

impl Heard {
    fn hear(&mut self, what: &What) {
        match what {
            What::Ready(_) => self.ready = true,
            What::Interval(interval) if interval.acknowledged > 0 => {
                self.acknowledged += interval.acknowledged;
                self.tellings += 1;
            }
            What::Injected(_) => {
                self.injections += 1;
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

/// Listens until there is nothing more to hear. A log that takes no more lines loses some; what is
/// heard here is not lost by that.
pub(super) async fn listen(
    mut events: mpsc::Receiver<Event>,
    heard: watch::Sender<Heard>,
    log: mpsc::Sender<Event>,
) {
    while let Some(event) = events.recv().await {
        heard.send_modify(|heard| heard.hear(&event.what));
        let _ = log.try_send(event);
    }
}
