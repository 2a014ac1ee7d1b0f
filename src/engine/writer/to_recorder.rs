//! The way from a writer to the recorder.

use std::sync::atomic::Ordering;

use tokio::sync::mpsc;

use super::shared::Shared;
use crate::engine::protocol::SHARED_SESSIONS;
use crate::engine::signal::Signal;
use crate::model::event::What;
use crate::model::fault::Class;
use crate::model::load::options::Protocol;
use crate::model::load::writer::batch::{Batch, Trouble};

/// The way from a writer to the recorder.
#[derive(Debug)]
pub(super) struct ToRecorder(mpsc::Sender<Signal>);

impl ToRecorder {
    pub(super) fn new(recorder: mpsc::Sender<Signal>) -> Self {
        Self(recorder)
    }

    pub(super) async fn tell(&self, signal: Signal) {
        // The recorder outlives the writers; when it is gone the program is ending.
        let _ = self.0.send(signal).await;
    }

    /// How far a writer is. What answers the first write of all as nothing that waiting could mend
    /// ends the run.
    pub(super) async fn batch(&self, batch: Box<Batch>, shared: &Shared) {
        if batch.acknowledged.is_some() && !shared.proven.load(Ordering::Relaxed) {
            shared.proven.store(true, Ordering::Relaxed);
        }
        if let Some(Trouble::Failed { fault, .. }) = batch.trouble.as_deref()
            && fault.class == Class::Protocol
            && !shared.proven.load(Ordering::Relaxed)
        {
            // The first of all writers that says so ends the run.
            let _ = shared.hopeless.try_send(fault.clone());
        }
        self.tell(Signal::Batch(batch)).await;
    }

    /// How a session puts its writes: that a pooler makes it so is said once.
    pub(super) async fn protocol(&self, protocol: Protocol, shared: &Shared) {
        if shared.protocol.found(protocol) {
            let warning = What::Warning { message: SHARED_SESSIONS.to_owned() };
            self.tell(Signal::Fact(shared.clock.now(), warning)).await;
        }
    }
}
