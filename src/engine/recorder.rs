//! The recorder: the one task that owns a run's books, its outage clock and its record.
//!
//! Writers and their helpers send it [`Signal`]s; it turns them into events, which go into the
//! run, the record and out to whoever watches.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::clock::Clock;
use super::outbox::Batch;
use super::record_file::RecordWriter;
use super::replica_reader::Acknowledged;
use super::signal::{CheckRequest, Signal};
use super::verification::Subject;
use crate::model::account::Closing;
use crate::model::event::{
    Backwards, BackwardsWhat, Connected, Event, Failure, IdGap, Interval, OutageBegan, Progress,
    ReadBack, Ready, Stalled, What, WritesResumed,
};
use crate::model::kind::Sightings;
use crate::model::latency::Latencies;
use crate::model::outage::Outage;
use crate::model::outage_clock::{Input, OutageClock, Output, SETTLE};
use crate::model::run::Run;
use crate::model::seq_set::SeqSet;
use crate::model::server::Server;

/// How often progress goes into the record. A killed run loses at most this, and the age of a
/// batch.
const FLUSH_EVERY: Duration = Duration::from_millis(500);

/// How often the outage clock is told that time passes.
const TICK: Duration = Duration::from_millis(25);

/// How many recent acknowledged writes are looked up after an outage, over all writers.
const RECENT_WRITES: i64 = 50_000;

/// The recorder of one run.
pub(crate) struct Recorder {
    clock: Clock,
    run: Run,
    outages: OutageClock,
    record: Option<RecordWriter>,
    watcher: mpsc::Sender<Event>,
    /// Gone once writing has ended.
    checker: Option<mpsc::Sender<CheckRequest>>,
    /// How far every writer is acknowledged, for who reads from replicas.
    acknowledged: watch::Sender<Acknowledged>,
    /// How far every writer is, ahead of the ledger by less than an interval.
    writers: BTreeMap<i32, Position>,
    interval: Interval,
    latencies: Latencies,
    highest_id: Option<i64>,
    last_flush: Instant,
    /// The ids around the last outage.
    gap: Option<Gap>,
    unwatched: u64,
    /// Writes skipped before the outage that goes on.
    skipped_before: u64,
    /// When the last outage began.
    outage_began: Option<Duration>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Position {
    attempted: i64,
    resolved: i64,
    /// The highest seq acknowledged; what is in doubt or rejected is not.
    acknowledged: i64,
    due: u64,
    skipped: u64,
    backlog: u64,
    /// Moved since the last interval.
    moved: bool,
    /// The highest id when this writer's session began: its own ids must be above.
    id_floor: Option<i64>,
}

#[derive(Debug, Clone, Copy)]
struct Gap {
    outage: u32,
    before: Option<i64>,
    after: Option<i64>,
}

impl Recorder {
    pub(crate) fn new(
        clock: Clock,
        run: Run,
        record: Option<RecordWriter>,
        watcher: mpsc::Sender<Event>,
        checker: mpsc::Sender<CheckRequest>,
    ) -> Self {
        let outages = OutageClock::new(
            run.header.started_at,
            run.header.longest_wait(),
            if run.header.options.writers == 1 { Duration::ZERO } else { SETTLE },
        );
        let mut recorder = Self {
            clock,
            outages,
            record,
            watcher,
            checker: Some(checker),
            acknowledged: watch::Sender::default(),
            writers: BTreeMap::new(),
            interval: Interval::default(),
            latencies: Latencies::default(),
            highest_id: None,
            last_flush: Instant::now(),
            gap: None,
            unwatched: 0,
            skipped_before: 0,
            outage_began: None,
            run,
        };
        let header = Box::new(recorder.run.header.clone());
        recorder.emit(Duration::ZERO, What::Run(header));
        recorder.flush_record();
        recorder
    }

    /// How far every writer is acknowledged, from now on.
    pub(crate) fn acknowledged(&self) -> watch::Receiver<Acknowledged> {
        self.acknowledged.subscribe()
    }

    /// Records until it is told to finish, or until nobody is left to tell it anything.
    pub(crate) async fn run(mut self, mut signals: mpsc::Receiver<Signal>) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                signal = signals.recv() => match signal {
                    Some(Signal::Finish { complete, run }) => return self.finish(complete, run),
                    Some(signal) => self.take(signal),
                    None => return,
                },
                _ = ticks.tick() => self.tick(),
            }
        }
    }

    fn tick(&mut self) {
        let now = self.clock.now();
        self.step(Input::Tick { now });
        if self.acknowledged.receiver_count() > 0 {
            let highest = |(writer, position): (&i32, &Position)| (*writer, position.acknowledged);
            self.acknowledged.send_replace(self.writers.iter().map(highest).collect());
        }
        if self.last_flush.elapsed() >= FLUSH_EVERY {
            self.flush();
        }
    }

    fn take(&mut self, signal: Signal) {
        let now = self.clock.now();
        match signal {
            Signal::Batch(batch) => self.batch(batch),
            Signal::Connected { writer, at, accepted, authenticated, server, backend } => {
                self.step(Input::Connected {
                    writer,
                    accepted,
                    authenticated,
                    at,
                    server: &server,
                });
                // Every writer meets it; it is one fact.
                if let Some(backwards) = self.run.backwards_at(&server, at)
                    && !self.run.history_backwards.iter().any(|told| told.is_same_as(&backwards))
                {
                    self.emit(at, What::HistoryBackwards(backwards));
                }
                self.writers.entry(writer).or_default().id_floor = self.highest_id;
                // How far the writer was on its old session is told before the new one.
                self.flush_interval();
                let connected = Connected { writer, server: *server, backend };
                self.emit(at, What::Connected(connected));
            }
            Signal::AttemptFailed { writer, started, at, accepted, fault, server } => {
                let failure = Failure {
                    writer,
                    fault: *fault,
                    in_doubt: SeqSet::new(),
                    rejected: SeqSet::new(),
                };
                self.emit(at, What::Fault(failure.clone()));
                if let Some(writer) = writer {
                    let (fault, server) = (&failure.fault, server.as_deref());
                    self.step(Input::AttemptFailed {
                        writer,
                        started,
                        at,
                        accepted,
                        fault,
                        server,
                    });
                }
            }
            Signal::Failed { writer, since, at, fault, in_doubt, rejected, down } => {
                let doubts = in_doubt.len();
                let failure = Failure { writer: Some(writer), fault: *fault, in_doubt, rejected };
                self.emit(at, What::Fault(failure.clone()));
                if down {
                    let fault = Some(&failure.fault);
                    self.step(Input::Trouble { writer, since, at, fault, in_doubt: doubts });
                }
            }
            Signal::Stalled { writer, seq, since, at } => {
                self.emit(at, What::Stalled(Stalled { writer, seq, since }));
                self.step(Input::Trouble { writer, since, at, fault: None, in_doubt: 0 });
            }
            Signal::Checked(checked) => {
                let outage = checked.outage;
                let fine = checked.missing.is_empty() && checked.error.is_none();
                self.emit(now, What::Checked(*checked));
                self.explain_gap(outage, fine);
            }
            Signal::Refused(fault) => self.emit(now, What::Refused { fault: *fault }),
            Signal::ReadBack { writer, ids } => {
                self.emit(now, What::ReadBack(ReadBack { writer, ids }));
            }
            Signal::Ready { server, created } => {
                self.emit(now, What::Ready(Ready { server, created }));
            }
            Signal::Reclassified { outage, kind } => {
                self.emit(now, What::Reclassified { outage, kind });
            }
            Signal::ReplicaFailed(fault) => {
                self.emit(now, What::ReplicaFailed { fault: *fault });
            }
            Signal::ReplicaLag(lag) => self.emit(now, What::ReplicaLag(*lag)),
            Signal::Stopping(reason) => self.emit(now, What::Stopping { reason }),
            Signal::WriterFinished { writer } => {
                self.step(Input::Finished { writer, at: now });
            }
            Signal::WritersDone { at, all_told } => {
                self.step(Input::End { now: at });
                self.flush_interval();
                if all_told {
                    self.emit(now, What::Closed);
                }
                self.flush();
                self.checker = None;
            }
            Signal::Warning(message) => self.emit(now, What::Warning { message }),
            Signal::Verifying(step) => self.emit(now, What::Verifying { step }),
            Signal::Verified(verification) => {
                self.emit(now, What::Verified(verification));
                self.flush();
            }
            Signal::Inspect(reply) => {
                self.flush();
                // Whoever asked and went away does not need the answer.
                let _ = reply.send(Subject::of(&self.run, Closing::Closed));
            }
            Signal::Finish { .. } => {}
        }
    }

    fn batch(&mut self, batch: Batch) {
        let position = self.writers.entry(batch.writer).or_default();
        let floor = position.id_floor.take_if(|_| batch.first_id.is_some());
        position.moved |=
            (position.attempted, position.resolved) != (batch.attempted, batch.resolved);
        self.interval.due += batch.due.saturating_sub(position.due);
        self.interval.skipped += batch.skipped.saturating_sub(position.skipped);
        position.attempted = batch.attempted;
        position.resolved = batch.resolved;
        position.acknowledged = batch.acknowledged.unwrap_or(position.acknowledged);
        position.due = batch.due;
        position.skipped = batch.skipped;
        position.backlog = batch.backlog;
        self.interval.acknowledged += batch.acknowledged_at.len() as u64;
        self.interval.acknowledged_locally += batch.acknowledged_locally;
        for latency_us in &batch.latency_us {
            self.latencies.record_us(*latency_us);
        }
        if let (Some(first_id), Some(floor)) = (batch.first_id, floor) {
            self.first_id(batch.writer, first_id, floor);
        }
        self.highest_id = self.highest_id.max(batch.highest_id);
        // The end of an outage is told before the write that ended it.
        let (writer, at) = (batch.writer, batch.acknowledged_at.as_slice());
        self.step(Input::Acknowledged { writer, at });
        for (written, at) in batch.written.into_iter().zip(&batch.acknowledged_at) {
            self.emit(*at, What::Written(written));
        }
    }

    /// The first id of a session against the highest one before it. An identity never goes back
    /// but with the history that gave it.
    fn first_id(&mut self, writer: i32, first_id: i64, floor: i64) {
        // Only the very first id after the outage tells a gap: later ones are other writers'.
        if let Some(gap) = &mut self.gap
            && gap.before == self.highest_id
        {
            gap.after.get_or_insert(first_id);
        }
        let told = self.run.history_backwards.iter().any(|backwards| {
            backwards.what == BackwardsWhat::Id && Some(backwards.seen) >= self.outage_began
        });
        if first_id <= floor && !told {
            let now = self.clock.now();
            let server = self.outages.server_of(writer).map(Server::name);
            let backwards = Backwards {
                what: BackwardsWhat::Id,
                from: floor.to_string(),
                to: first_id.to_string(),
                server: server.unwrap_or_else(|| "an unknown server".to_owned()),
                seen: now,
            };
            self.emit(now, What::HistoryBackwards(backwards));
        }
    }

    fn step(&mut self, input: Input<'_>) {
        let now = self.clock.now();
        for output in self.outages.step(input) {
            match output {
                Output::Began { n, began } => {
                    self.flush_interval();
                    self.gap = Some(Gap { outage: n, before: self.highest_id, after: None });
                    self.skipped_before = self.skipped();
                    self.outage_began = Some(began);
                    let writers = self.positions();
                    self.emit(now, What::OutageBegan(OutageBegan { n, began, writers }));
                }
                Output::Resumed { n, after, writers_down } => {
                    let resumed = WritesResumed { outage: n, after, writers_down };
                    self.emit(now, What::WritesResumed(resumed));
                }
                Output::Ended { outage, sightings } => self.outage_ended(*outage, *sightings),
                Output::FullRate { n, after } => {
                    self.emit(now, What::FullRate { outage: n, after });
                }
            }
        }
    }

    fn outage_ended(&mut self, mut outage: Outage, sightings: Sightings) {
        self.flush_interval();
        outage.skipped = self.skipped().saturating_sub(self.skipped_before);
        let over = outage.began + outage.degraded;
        let request = self.check_request(&outage, sightings);
        let ended = outage.first_ack.is_some();
        self.emit(over, What::OutageEnded(Box::new(outage)));
        // A checker that is behind leaves this outage to the final verification.
        if let Some(checker) = self.checker.as_ref().filter(|_| ended)
            && checker.try_send(request).is_err()
        {
            tracing::debug!("the checker is behind: an outage is left to the verification");
        }
    }

    fn check_request(&self, outage: &Outage, sightings: Sightings) -> CheckRequest {
        let mut request = CheckRequest {
            outage: outage.n,
            sightings,
            kind: outage.kind,
            windows: Vec::new(),
            acknowledged: BTreeMap::new(),
            in_doubt: BTreeMap::new(),
        };
        let each = (RECENT_WRITES / i64::try_from(self.writers.len().max(1)).unwrap_or(1)).max(10);
        let starts = self.run.outage_start(outage.n).unwrap_or_default();
        for (writer, book) in self.run.ledger.books() {
            // What was written before the outage can be gone, what came after it cannot.
            let start = starts.iter().find(|start| start.writer == writer);
            let doubt = book.in_doubt.last().unwrap_or(0);
            let last = start.map_or(book.attempted, |start| start.attempted).max(doubt);
            let window = (writer, (last - each).max(1), last);
            let in_window = SeqSet::range(window.1, window.2);
            request.windows.push(window);
            request.acknowledged.insert(writer, &book.acknowledged() & &in_window);
            let doubts = &(&book.in_doubt - &book.recovered) & &in_window;
            request.in_doubt.insert(writer, doubts);
        }
        request
    }

    /// Everybody asks about the ids that a new primary skips; one line says that nothing is
    /// missing, when that was looked up.
    fn explain_gap(&mut self, outage: u32, nothing_missing: bool) {
        let Some(gap) = self.gap.take_if(|gap| gap.outage == outage) else { return };
        let (Some(before), Some(after)) = (gap.before, gap.after) else { return };
        let Some(ended) = self.run.outages.iter().rev().find(|ended| ended.n == outage) else {
            return;
        };
        // Writes in doubt may have used ids, and so may other writers' first ones.
        let used = ended.in_doubt + self.run.header.options.writers as u64;
        let jump = u64::try_from(after - before).unwrap_or(0);
        if nothing_missing && jump > used {
            let kind = ended.kind;
            self.emit(self.clock.now(), What::IdGap(IdGap { outage, before, after, kind }));
        }
    }

    fn skipped(&self) -> u64 {
        self.writers.values().map(|position| position.skipped).sum()
    }

    fn positions(&self) -> Vec<Progress> {
        self.writers
            .iter()
            .map(|(writer, position)| Progress {
                writer: *writer,
                attempted: position.attempted,
                resolved: position.resolved,
            })
            .collect()
    }

    fn flush_interval(&mut self) {
        let mut interval = std::mem::take(&mut self.interval);
        for (writer, position) in &mut self.writers {
            if std::mem::take(&mut position.moved) {
                interval.writers.push(Progress {
                    writer: *writer,
                    attempted: position.attempted,
                    resolved: position.resolved,
                });
            }
            interval.backlog += position.backlog;
        }
        if interval.writers.is_empty() && interval.due == 0 && interval.skipped == 0 {
            return;
        }
        interval.latency_us = self.latencies.drain();
        interval.highest_id = self.highest_id;
        self.emit(self.clock.now(), What::Interval(Box::new(interval)));
    }

    fn flush(&mut self) {
        self.flush_interval();
        self.flush_record();
        self.last_flush = Instant::now();
    }

    fn flush_record(&mut self) {
        let flushed = self.record.as_mut().map_or(Ok(()), RecordWriter::flush);
        if let Err(words) = flushed {
            let message = format!("{words}; from here on this run cannot be accounted for again");
            self.emit(self.clock.now(), What::Warning { message });
        }
    }

    fn emit(&mut self, at: Duration, what: What) {
        let event = Event { at, what };
        self.run.apply(&event);
        let for_the_log_alone =
            matches!(event.what, What::Written(_) | What::ReadBack(_) | What::Verifying { .. });
        if let Some(record) = &mut self.record
            && !for_the_log_alone
        {
            record.add(&event);
        }
        // A terminal that takes no more lines must not hold the load up.
        if self.watcher.try_send(event).is_err() {
            self.unwatched += 1;
        } else if self.unwatched > 0 {
            let lines = std::mem::take(&mut self.unwatched);
            let message = format!("{lines} log lines are left out: they came faster than taken");
            let _ = self.watcher.try_send(Event { at, what: What::Warning { message } });
        }
    }

    fn finish(mut self, complete: bool, reply: oneshot::Sender<Run>) {
        self.flush_interval();
        self.emit(self.clock.now(), What::Ended { complete });
        self.flush_record();
        // Whoever asked and went away does not need the answer.
        let _ = reply.send(self.run);
    }
}
