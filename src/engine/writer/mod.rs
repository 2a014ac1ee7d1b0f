//! One writer: a connection that writes on its schedule, loses it, and comes back.
//!
//! - `connecting`: without a session, attempts until there is one that takes writes.
//! - `using`: with a session, what is due goes out and what is answered is counted.
//! - `ending`: when it is time to stop, and for how long a writer that is out goes on.
//! - `failing`: what a broken session or a refused write leaves behind.
//! - `sessions`: how many sessions it may have on one server, those included that hang there.

mod connecting;
mod ending;
mod failing;
mod sessions;
mod using;

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use rand::rngs::SmallRng;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::clock::Clock;
use super::dialer::Dialer;
use super::exact_timer::ExactTimer;
use super::gate::Gate;
use super::outbox::Outbox;
use super::protocol::{ProtocolInUse, SHARED_SESSIONS};
use super::signal::Signal;
use super::start_line::StartLine;
use crate::engine::watch::stalls::Stalls;
use crate::model::event::What;
use crate::model::fault::Fault;
use crate::model::load::backoff::Backoff;
use crate::model::load::open_sessions::OpenSessions;
use crate::model::load::options::{LoadOptions, Protocol};
use crate::model::load::rejection::Streak;
use crate::model::load::schedule::Schedule;
use crate::pg::sessions::application_name::Purpose;

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
    /// Not even that: it is in doubt.
    pub(crate) stop_now: CancellationToken,
    /// No limit depends on what writers that are out still find.
    pub(crate) decided: CancellationToken,
    /// When the first writer saw that it is time to stop.
    pub(crate) stopped: OnceLock<Duration>,
    /// Writers that have not ended.
    pub(crate) writing: watch::Sender<u32>,
    /// The recorder wants to know how far every writer has told everything.
    pub(crate) marks: watch::Receiver<()>,
    /// How writes are put to the server.
    pub(crate) protocol: ProtocolInUse,
    /// Whose events are written.
    pub(crate) users: Vec<(i32, String)>,
    /// Single writes are told one by one.
    pub(crate) one_by_one: bool,
    /// The writers whose writes have no answer.
    pub(crate) stalls: Stalls,
    /// Whether any write was acknowledged.
    pub(crate) proven: AtomicBool,
    /// What answers the first write as nothing that waiting could mend.
    pub(crate) hopeless: mpsc::Sender<Fault>,
}

/// One writer.
pub(crate) struct Writer {
    number: i32,
    shared: Arc<Shared>,
    /// Its sessions are called by its number.
    dialer: Dialer,
    outbox: Outbox,
    schedule: Schedule,
    backoff: Backoff,
    random: SmallRng,
    fastest_connect: Option<Duration>,
    /// Its sessions that are not known to have ended. Attempts beside each other share it.
    open_sessions: Mutex<OpenSessions>,
    /// The highest seq that was sent, and the highest with an outcome.
    attempted: i64,
    resolved: i64,
    /// When the oldest write without an outcome was due.
    oldest_due: Option<Duration>,
    /// While answers are taken that came together: when they came.
    taking: Option<Duration>,
    /// When it was time to stop: from then on nothing comes due.
    stopped_at: Option<Duration>,
    /// The refusals since the last acknowledgement.
    streak: Streak,
    /// The last write was acknowledged, and nothing failed since.
    working: bool,
    /// There is evidence that it cannot write, and no acknowledgement since.
    out: bool,
    /// It was counted as ended.
    has_ended: bool,
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
            dialer: shared.dialer.for_purpose(shared.run_id, Purpose::Writer(number)),
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
            open_sessions: Mutex::default(),
            attempted: 0,
            resolved: 0,
            oldest_due: None,
            taking: None,
            stopped_at: None,
            streak: Streak::default(),
            working: false,
            out: false,
            has_ended: false,
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
        self.shared.stalls.answered(self.number);
        self.ended();
        if self.schedule.next_due(self.shared.clock.now()).is_none() {
            self.outbox.send(Signal::WriterFinished { writer: self.number }).await;
        }
    }

    /// How a session of this writer puts its writes: that a pooler makes it so is said once.
    async fn writes_by(&self, protocol: Protocol) {
        if self.shared.protocol.found(protocol) {
            let message = SHARED_SESSIONS.to_owned();
            let warning = What::Warning { message };
            self.outbox.send(Signal::Fact(self.shared.clock.now(), warning)).await;
        }
    }

    async fn flush(&mut self) {
        let now = self.shared.clock.now();
        let told_until = self.taking.unwrap_or(now);
        let now = self.end_of_schedule(now);
        // In a closed loop a write is due at any time: from when the batch ends.
        let next_due = self.schedule.next_due(told_until.min(now));
        let next_due = next_due.filter(|_| self.stopped_at.is_none());
        let waits = (self.oldest_due.or(next_due), told_until);
        self.outbox.flush(self.attempted, self.resolved, &self.schedule, now, waits).await;
    }
}
