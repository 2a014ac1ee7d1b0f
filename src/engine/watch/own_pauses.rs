//! Notices when pgchaos itself does not run: stopped by a signal, or without a processor. While the
//! machine sleeps the monotonic clock stands still: that is no pause here.
//!
//! A thread that only sleeps is woken late by as long as that lasted. It costs fifty wake-ups a
//! second and is the same to every writer, whatever its runtime is busy with.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::engine::clock::Clock;
use crate::engine::signal::Signal;
use crate::model::load::own_pause::{OWN_PAUSE_MIN, OwnPause};

const SLEEP: Duration = Duration::from_millis(20);

/// Looks for pauses until it is dropped.
#[derive(Debug)]
pub(crate) struct OwnPauseWatch {
    ended: Arc<AtomicBool>,
}

impl OwnPauseWatch {
    /// Starts its thread.
    ///
    /// # Errors
    /// The system gives no more threads.
    pub(crate) fn look_out(clock: Clock, recorder: mpsc::Sender<Signal>) -> io::Result<Self> {
        let ended = Arc::new(AtomicBool::new(false));
        let is_ended = Arc::clone(&ended);
        std::thread::Builder::new().name("pauses".to_owned()).spawn(move || {
            let mut last = clock.now();
            while !is_ended.load(Ordering::Relaxed) {
                std::thread::sleep(SLEEP);
                let now = clock.now();
                let length = now.saturating_sub(last);
                // Without a recorder the run is over.
                if length >= SLEEP + OWN_PAUSE_MIN
                    && recorder
                        .blocking_send(Signal::OwnPause(OwnPause { from: last, length }))
                        .is_err()
                {
                    return;
                }
                // The send may have waited for the recorder: that is no pause.
                last = clock.now();
            }
        })?;
        Ok(Self { ended })
    }
}

impl Drop for OwnPauseWatch {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}
