//! The recorder: the one task that owns a run's books, its outage clock and its record.
//!
//! Writers and their helpers send it [`Signal`]s; it turns them into events, which go into the
//! run, the record and out to whoever watches.
//!
//! - `outages`: what it makes of the outage clock's words.
//! - `writing`: how events leave it.

mod outages;
mod writing;

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::clock::Clock;
use super::outbox::Batch;
use super::patroni_watch::PatroniWatch;
use super::record_file::RecordWriter;
use super::replica_reader::Acknowledged;
use super::signal::{CheckRequest, Signal};
use super::verification::Subject;
use crate::model::account::Closing;
use crate::model::event::{Connected, Event, Failure, Interval, ReadBack, Ready, Stalled, What};
use crate::model::latency::Latencies;
use crate::model::leader_changes::LeaderChanges;
use crate::model::member_names::MemberNames;
use crate::model::outage_clock::{Input, OutageClock, SETTLE};
use crate::model::run::Run;
use crate::model::seq_set::SeqSet;

/// How often progress goes into the record. A killed run loses at most this, and the age of a
/// batch.
const FLUSH_EVERY: Duration = Duration::from_millis(500);

/// How often the outage clock is told that time passes.
const TICK: Duration = Duration::from_millis(25);

/// How many signals are taken before it looks at the time again.
const SIGNALS_AT_ONCE: usize = 256;

/// How long it leaves signals to gather once it has taken those that were there: a wake for each
/// batch of each writer would take the processors from the load. Times are the writers' own, so
/// that nothing is measured by this.
const GATHER: Duration = Duration::from_millis(10);

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
    /// Patroni's API, where it is watched.
    patroni: Option<PatroniWatch>,
    leader_changes: LeaderChanges,
    /// What servers are called that do not tell it themselves.
    names: MemberNames,
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
        patroni: Option<PatroniWatch>,
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
            patroni,
            leader_changes: LeaderChanges::default(),
            names: MemberNames::default(),
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
        let mut taken = Vec::new();
        loop {
            tokio::select! {
                count = signals.recv_many(&mut taken, SIGNALS_AT_ONCE) => {
                    if count == 0 {
                        return;
                    }
                    for signal in taken.drain(..) {
                        if let Signal::Finish { complete, run } = signal {
                            return self.finish(complete, run);
                        }
                        self.take(signal);
                    }
                    if count < SIGNALS_AT_ONCE {
                        tokio::time::sleep(GATHER).await;
                    }
                }
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
            Signal::Connected { writer, at, accepted, authenticated, mut server, backend } => {
                self.names.name_server(&mut server);
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
            Signal::AttemptFailed { writer, started, at, accepted, fault, mut server } => {
                if let Some(server) = &mut server {
                    self.names.name_server(server);
                }
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
            Signal::Ready { mut server, created } => {
                self.names.name_server(&mut server);
                self.emit(now, What::Ready(Ready { server, created }));
            }
            Signal::Reclassified { outage, kind } => {
                self.emit(now, What::Reclassified { outage, kind });
            }
            Signal::Leader { at, seen } => self.leader_seen(at, seen),
            Signal::PatroniApi { at, reached } => self.emit(at, What::PatroniApi(reached)),
            Signal::MemberNames(names) => self.names = names,
            Signal::ReplicaFailed(fault) => {
                self.emit(now, What::ReplicaFailed { fault: *fault });
            }
            Signal::ReplicaLag(mut lag) => {
                self.names.name_server(&mut lag.server);
                self.emit(now, What::ReplicaLag(*lag));
            }
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
            Signal::Injected { at, injected } => self.emit(at, What::Injected(injected)),
            Signal::InjectionEnded { step, took } => {
                self.emit(now, What::InjectionEnded { step, took });
                self.flush();
            }
            Signal::Drill(message) => self.emit(now, What::Drill { message }),
            Signal::Warning(message) => self.emit(now, What::Warning { message }),
            Signal::Verifying(step) => self.emit(now, step.into()),
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
}
