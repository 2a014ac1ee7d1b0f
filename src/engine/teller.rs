//! How the parts of a run tell the recorder what happens.

use std::time::Duration;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use crate::engine::clock::Clock;
use crate::engine::signal::Signal;
use crate::model::event::What;
use crate::model::load::passed_over::PassedOver;
use crate::model::seconds;
use crate::pg::sessions::connect::NotOpened;

/// A way to the recorder, with the run's clock.
///
/// The recorder outlives everything that tells it something. Only when it failed is it gone: that
/// is an error when its task is joined, so that a signal which does not arrive is none.
#[derive(Debug, Clone)]
pub(crate) struct Teller {
    pub(crate) clock: Clock,
    recorder: mpsc::Sender<Signal>,
}

impl Teller {
    /// Tells this recorder, at the times of this clock.
    pub(crate) fn new(clock: Clock, recorder: mpsc::Sender<Signal>) -> Self {
        Self { clock, recorder }
    }

    /// The channel itself.
    pub(crate) fn sender(&self) -> mpsc::Sender<Signal> {
        self.recorder.clone()
    }

    /// Tells a fact that is known now.
    pub(crate) async fn fact(&self, what: What) {
        self.tell(Signal::Fact(self.clock.now(), what)).await;
    }

    /// Tells a fact of this time.
    pub(crate) async fn fact_at(&self, at: Duration, what: What) {
        self.tell(Signal::Fact(at, what)).await;
    }

    /// Tells something to know that changes no count.
    pub(crate) async fn warn(&self, message: impl Into<String>) {
        self.fact(What::Warning { message: message.into() }).await;
    }

    /// Tells something that the recorder judges.
    pub(crate) async fn tell(&self, signal: Signal) {
        let _ = self.recorder.send(signal).await;
    }

    /// Asks the recorder; `None` when it is gone.
    pub(crate) async fn ask<T>(
        &self,
        question: impl FnOnce(oneshot::Sender<T>) -> Signal,
    ) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.tell(question(reply)).await;
        answer.await.ok()
    }

    /// Tells of sessions beside the load that go without TLS, as a [`Dialer`](crate::engine::Dialer) has them. It does not
    /// keep the recorder waiting for what may yet be told.
    pub(crate) fn of_plaintext(&self) -> impl Fn(&NotOpened) + Send + Sync + 'static {
        let (clock, recorder) = (self.clock, self.recorder.downgrade());
        move |failed| {
            let Some(recorder) = recorder.upgrade() else { return };
            let passed_over = PassedOver {
                writer: None,
                fault: failed.fault.clone(),
                took: seconds::whole(failed.took),
                served_by: failed.fault.endpoint.clone(),
                served_without_tls: true,
            };
            let signal = Signal::Fact(clock.now(), What::PassedOver(Box::new(passed_over)));
            if let Err(TrySendError::Full(signal)) = recorder.try_send(signal) {
                tokio::spawn(async move { recorder.send(signal).await });
            }
        }
    }

    /// Whether the recorder is gone.
    pub(crate) fn is_gone(&self) -> bool {
        self.recorder.is_closed()
    }

    /// Waits until the recorder is gone.
    pub(crate) async fn closed(&self) {
        self.recorder.closed().await;
    }
}
