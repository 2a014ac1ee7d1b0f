//! One writer: a connection that writes on its schedule, loses it, and comes back.
//!
//! - `connecting`: without a session, attempts until there is one that takes writes.
//! - `using`: with a session, what is due goes out and what is answered is counted.
//! - `failing`: what a broken session or a refused write leaves behind.

mod connecting;
mod failing;
mod using;

use std::sync::Arc;
use std::time::Duration;

use rand::rngs::SmallRng;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::clock::Clock;
use super::dialer::Dialer;
use super::exact_timer::ExactTimer;
use super::gate::Gate;
use super::outbox::Outbox;
use super::signal::Signal;
use super::start_line::StartLine;
use crate::model::backoff::Backoff;
use crate::model::options::LoadOptions;
use crate::model::schedule::Schedule;

/// What all writers of a run share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) run_id: Uuid,
    pub(crate) options: LoadOptions,
    pub(crate) dialer: Dialer,
    pub(crate) clock: Clock,
    /// When the schedule begins.
    pub(crate) start_line: StartLine,
    pub(crate) gate: Gate,
    /// Wakes writers when a write is due.
    pub(crate) timer: Arc<ExactTimer>,
    /// No new writes: what is in flight is waited for.
    pub(crate) stop: CancellationToken,
    /// Whose events are written.
    pub(crate) users: Vec<(i32, String)>,
    /// Single writes are told one by one.
    pub(crate) one_by_one: bool,
}

/// One writer.
pub(crate) struct Writer {
    number: i32,
    shared: Arc<Shared>,
    outbox: Outbox,
    schedule: Schedule,
    backoff: Backoff,
    random: SmallRng,
    fastest_connect: Option<Duration>,
    /// The highest seq that was sent, and the highest with an outcome.
    attempted: i64,
    resolved: i64,
    /// When it was time to stop: from then on nothing comes due.
    stopped_at: Option<Duration>,
    /// The last write was acknowledged, and nothing failed since.
    working: bool,
    /// It could not write: the first write on its next session goes out before its time.
    owes_probe: bool,
}

/// Why a session is not used any more.
enum Left {
    /// There is nothing more to write.
    Done,
    /// It ended, or cannot be used any more.
    Broken,
}

impl Writer {
    pub(crate) fn new(
        number: i32,
        index: u32,
        shared: Arc<Shared>,
        recorder: mpsc::Sender<Signal>,
        random: SmallRng,
    ) -> Self {
        let options = &shared.options;
        Self {
            number,
            outbox: Outbox::new(number, recorder),
            schedule: Schedule::new(
                options.rate,
                options.backlog,
                index,
                options.writers,
                options.writes,
                shared.start_line.started(),
            ),
            backoff: Backoff::new(options.backoff_min, options.backoff_max),
            random,
            fastest_connect: None,
            attempted: 0,
            resolved: 0,
            stopped_at: None,
            working: false,
            owes_probe: false,
            shared,
        }
    }

    /// Writes until it is told to stop or everything is written.
    pub(crate) async fn run(mut self) {
        // Nobody connects only to see that there is nothing left to write.
        let mut at_start = true;
        while self.schedule.next_due(self.shared.clock.now()).is_some() {
            let Some(session) = self.connect().await else {
                if let (true, Some(begin)) = (at_start, self.shared.start_line.begun()) {
                    self.schedule.begins(begin);
                }
                let end = self.end_of_schedule(self.shared.clock.now());
                self.schedule.end_without_session(end);
                self.flush().await;
                break;
            };
            // Who waits at the start line has its session in time, however late it is woken.
            let opened = self.shared.clock.now();
            if std::mem::take(&mut at_start) {
                self.schedule.begins(self.shared.start_line.arrive().await);
            }
            let left = self.write_on(session, opened).await;
            self.working = false;
            self.owes_probe = true;
            match left {
                Left::Done => break,
                Left::Broken => self.shared.gate.fails(self.shared.clock.now()),
            }
        }
        if self.schedule.next_due(self.shared.clock.now()).is_none() {
            self.outbox.send(Signal::WriterFinished { writer: self.number }).await;
        }
    }

    async fn flush(&mut self) {
        let now = self.end_of_schedule(self.shared.clock.now());
        self.outbox.flush(self.attempted, self.resolved, &self.schedule, now).await;
    }

    /// Until when slots come due: `now`, or when it was time to stop. What is in flight then may
    /// take a while.
    fn end_of_schedule(&mut self, now: Duration) -> Duration {
        if self.stopped_at.is_none() && self.shared.stop.is_cancelled() {
            self.stopped_at = Some(self.shared.options.duration.map_or(now, |end| end.min(now)));
        }
        self.stopped_at.map_or(now, |stopped_at| stopped_at.min(now))
    }
}
