//! What a drill does while a run goes on, told to the recorder: the fault's own time belongs into
//! the record, so that everything after it counts from it.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::clock::Clock;
use super::signal::Signal;
use crate::model::injection::Injected;

/// Notes that wait: a drill does one thing at a time.
const NOTES_WAITING: usize = 64;

/// One thing to note.
#[derive(Debug)]
pub enum Note {
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
pub fn notes() -> (mpsc::Sender<Note>, mpsc::Receiver<Note>) {
    mpsc::channel(NOTES_WAITING)
}

/// Hands notes on until nobody leaves any more.
pub(super) async fn hand_on(
    mut notes: mpsc::Receiver<Note>,
    clock: Clock,
    recorder: mpsc::Sender<Signal>,
) {
    while let Some(note) = notes.recv().await {
        let (signal, noted) = match note {
            Note::Began { at, injected, noted } => {
                (Signal::Injected { at: clock.at(at), injected }, Some(noted))
            }
            Note::Ended { step, took } => (Signal::InjectionEnded { step, took }, None),
            Note::Say(words) => (Signal::Drill(words), None),
        };
        if recorder.send(signal).await.is_err() {
            return;
        }
        if let Some(noted) = noted {
            // A drill that was cut short does not wait for it.
            let _ = noted.send(());
        }
    }
}
