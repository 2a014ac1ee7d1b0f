//! A writer's task: from its first session to its end.

use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::SmallRng;
use tokio::sync::mpsc;

use super::all_writers::AllWriters;
use super::connecting::Connector;
use crate::engine::signal::Signal;
use crate::model::load::writer::action::WriterAction;
use crate::model::load::writer::input::WriterInput;
use crate::model::load::writer::step::Writer;

/// One writer: a connection that writes on its schedule, loses it, and comes back.
///
/// [`Writer`] says what it does; here that is waited for and done.
pub(crate) struct WriterTask {
    pub(super) writer: Writer,
    pub(super) connector: Connector,
    pub(super) shared: Arc<AllWriters>,
    /// For its turns to connect.
    random: SmallRng,
    /// What the last step said, to be done.
    pub(super) actions: Vec<WriterAction>,
    /// Room for what is being done.
    pub(super) doing: Vec<WriterAction>,
    /// It was counted as ended.
    has_ended: bool,
}

/// Why a session is not used any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// There is nothing more to write.
    Done,
    /// It ended, or cannot be used any more.
    Broken,
}

impl WriterTask {
    pub(crate) fn new(
        number: i32,
        index: u32,
        shared: Arc<AllWriters>,
        recorder: mpsc::Sender<Signal>,
        mut random: SmallRng,
    ) -> Self {
        let rules = Arc::clone(&shared.rules);
        let begin = shared.start_line.started();
        let of_writer = SmallRng::from_rng(&mut random);
        Self {
            writer: Writer::new(number, index, rules, begin, of_writer),
            connector: Connector::new(number, Arc::clone(&shared), recorder),
            shared,
            random,
            actions: Vec::new(),
            doing: Vec::new(),
            has_ended: false,
        }
    }

    /// Writes until it is told to stop or everything is written.
    pub(crate) async fn run(mut self) {
        let mut at_start = true;
        // Without anything to write there is no connect.
        while self.writer.has_more(self.shared.clock.now()) {
            let Some(session) = self.connector.connect(&mut self.writer, &mut self.random).await
            else {
                if let (true, Some(begin)) = (at_start, self.shared.start_line.begun()) {
                    self.takes(begin, WriterInput::Begins(begin));
                }
                self.ends_without_session().await;
                break;
            };
            // A writer at the start line has its session in time, however late it is woken.
            let since = self.shared.clock.now();
            if std::mem::take(&mut at_start) {
                let begin = self.shared.start_line.arrive(self.writer.number()).await;
                self.takes(begin, WriterInput::Begins(begin));
            }
            match self.write_on(session, since).await {
                Left::Done => break,
                Left::Broken => self.shared.gate.fails(self.shared.clock.now()),
            }
        }
        self.connector.places.wait_no_more();
        self.ended();
        if !self.writer.has_more(self.shared.clock.now()) {
            let writer = self.writer.number();
            self.connector.recorder.tell(Signal::WriterFinished { writer }).await;
        }
    }

    async fn ends_without_session(&mut self) {
        let now = self.shared.clock.now();
        self.notices_stop(now);
        self.takes(now, WriterInput::EndsWithoutSession);
        let actions = std::mem::take(&mut self.actions);
        self.connector.tell(now, actions).await;
    }

    /// Something comes to the writer. What it does then is in `actions`.
    pub(super) fn takes(&mut self, now: Duration, input: WriterInput<'_>) {
        self.writer.step(now, input, &mut self.actions);
    }

    /// Lets the writer know that it is time to stop, once it is.
    pub(super) fn notices_stop(&mut self, now: Duration) {
        if !self.writer.is_stopping() && self.shared.stop.is_cancelled() {
            let since = self.shared.stopped();
            self.takes(now, WriterInput::Stop { since });
        }
    }

    /// Counts this writer as ended.
    pub(super) fn ended(&mut self) {
        if !std::mem::replace(&mut self.has_ended, true) {
            self.shared.one_ended();
        }
    }
}
