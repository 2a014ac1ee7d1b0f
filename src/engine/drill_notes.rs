//! What a drill does while a run goes on, told to the recorder: the time of an injection belongs
//! into the record, so that everything after it counts from it.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::engine::teller::Teller;
use crate::model::event::What;
use crate::model::outage::injection::Injected;
use crate::model::seconds;

/// Notes that wait: a drill does one thing at a time.
const NOTES_WAITING: usize = 64;

/// How long the recorder may take for those that wait when the run ends: far more than it needs.
const LAST_DEADLINE: Duration = Duration::from_secs(2);

/// One thing to note.
#[derive(Debug)]
pub enum DrillNote {
    /// Something is about to be done to the cluster.
    Began {
        /// When.
        at: Instant,
        /// What.
        injected: Injected,
        /// Answered when the recorder will hear of it before whatever follows from it.
        noted: oneshot::Sender<()>,
    },
    /// It is done, or has failed.
    Ended {
        /// The step.
        step: u32,
        /// How long it took.
        took: Duration,
    },
    /// Something to say.
    Say(String),
}

/// Where a drill leaves its notes, and where the run takes them.
#[must_use]
pub fn notes() -> (mpsc::Sender<DrillNote>, mpsc::Receiver<DrillNote>) {
    mpsc::channel(NOTES_WAITING)
}

/// The task that hands notes on.
pub(super) struct HandingOn {
    task: JoinHandle<()>,
    /// No more notes are taken than wait already.
    last: CancellationToken,
}

impl HandingOn {
    /// Hands notes on until every sender is gone.
    pub(super) fn start(notes: mpsc::Receiver<DrillNote>, teller: Teller) -> Self {
        let last = CancellationToken::new();
        let task = tokio::spawn(hand_on(notes, teller, last.clone()));
        Self { task, last }
    }

    /// Hands on what was left so far, and nothing that comes later.
    pub(super) async fn finish(mut self) {
        self.last.cancel();
        if timeout(LAST_DEADLINE, &mut self.task).await.is_err() {
            self.abort();
        }
    }

    /// Forgets what was left.
    pub(super) fn abort(self) {
        self.task.abort();
    }
}

async fn hand_on(mut notes: mpsc::Receiver<DrillNote>, teller: Teller, last: CancellationToken) {
    loop {
        let note = tokio::select! {
            () = last.cancelled(), if !notes.is_closed() => {
                notes.close();
                continue;
            }
            note = notes.recv() => note,
        };
        let Some(note) = note else { return };
        let ((at, what), noted) = match note {
            DrillNote::Began { at, injected, noted } => {
                ((teller.clock.at(at), What::Injected(injected)), Some(noted))
            }
            DrillNote::Ended { step, took } => {
                let took = seconds::whole(took);
                ((teller.clock.now(), What::InjectionEnded { step, took }), None)
            }
            DrillNote::Say(words) => ((teller.clock.now(), What::Drill { message: words }), None),
        };
        teller.fact_at(at, what).await;
        // What no recorder took is not noted.
        if teller.is_gone() {
            return;
        }
        if let Some(noted) = noted {
            // The drill may have been cut short; ignore the send error.
            let _ = noted.send(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::clock::Clock;
    use crate::engine::signal::Signal;

    #[tokio::test]
    async fn what_was_left_before_the_end_is_still_handed_on() {
        let (leave, left) = notes();
        let (recorder, mut signals) = mpsc::channel(8);
        let handing_on = HandingOn::start(left, Teller::new(Clock::start(), recorder));
        leave.try_send(DrillNote::Say("waits".to_owned())).unwrap();
        leave.try_send(DrillNote::Ended { step: 2, took: Duration::from_secs(1) }).unwrap();
        handing_on.finish().await;
        assert!(matches!(signals.recv().await, Some(Signal::Fact(_, What::Drill { .. }))));
        assert!(matches!(
            signals.recv().await,
            Some(Signal::Fact(_, What::InjectionEnded { step: 2, .. }))
        ));
        assert!(signals.recv().await.is_none());
        assert!(leave.is_closed(), "a drill that goes on does not hold the run up");
    }
}
