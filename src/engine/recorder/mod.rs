//! The recorder: the one task that owns a run's books, its outage clock and its record.
//!
//! Writers and their helpers send it [`Signal`]s. It turns them into events, which go to the run,
//! the record and the subscribers.
//!
//! - `batch`: what it makes of a writer's batch.
//! - `outages`: what it makes of the outage clock's words.
//! - `passed_over`: what it makes of hosts that were tried in vain.
//! - `writing`: how events leave it.

mod batch;
mod connecting;
mod outages;
mod passed_over;
mod writing;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::engine::clock::Clock;
use crate::engine::record::queue::RecordQueue;
use crate::engine::signal::{CheckRequest, Signal};
use crate::engine::subscribers::Subscribers;
use crate::engine::verification::Subject;
use crate::engine::watch::patroni::PatroniWatch;
use crate::engine::watch::replicas::AcknowledgedUpTo;
use crate::model::cluster::member_names::MemberNames;
use crate::model::cluster::server::Server;
use crate::model::cluster::two_primaries;
use crate::model::event::{Interval, NoSession, What};
use crate::model::fault::{Class, Fault};
use crate::model::ledger::account::Closing;
use crate::model::load::latency::Latencies;
use crate::model::load::rejection::KindsSeen;
use crate::model::outage::ack_gaps::AckGaps;
use crate::model::outage::clock::{Input, OutageClock};
use crate::model::outage::leader_changes::LeaderChanges;
use crate::model::outage::stall_cause::StallsSeen;
use crate::model::run::Run;

/// How often progress goes into the record. A killed run loses at most this, and the age of a
/// batch.
const FLUSH_EVERY: Duration = Duration::from_millis(500);

/// Intervals that an own pause disturbs: that in which it is noticed, and the next, as what waited
/// meanwhile is answered then.
const DISTURBED: u32 = 2;

/// How often the outage clock is told that time passes.
const TICK: Duration = Duration::from_millis(25);

/// How often writers are asked at most how far they have told everything.
const MARKS_EVERY: Duration = Duration::from_millis(50);

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
    ack_gaps: AckGaps,
    two_primaries: two_primaries::TwoPrimariesWatch,
    record: Option<RecordQueue>,
    subscribers: Subscribers,
    /// Gone once writing has ended.
    checker: Option<mpsc::Sender<CheckRequest>>,
    /// How far every writer is acknowledged, for the watch of the replicas.
    acknowledged: watch::Sender<AcknowledgedUpTo>,
    /// Asks every writer how far it has told everything.
    marks: watch::Sender<()>,
    marks_wanted: Instant,
    /// Told when no limit depends any more on writers that go on.
    decided: CancellationToken,
    /// When writers were told to stop.
    stopping: Option<Duration>,
    /// How far every writer is, ahead of the ledger by less than an interval.
    writers: BTreeMap<i32, Position>,
    interval: Interval,
    /// The kinds of refusals that were told of late.
    seen: KindsSeen,
    latencies: Latencies,
    highest_id: Option<i64>,
    last_flush: Instant,
    /// So many intervals from now on have latencies that an own pause is part of.
    disturbed_intervals: u32,
    /// The ids around the last outage.
    gap: Option<Gap>,
    /// Writes skipped before the outage that goes on.
    skipped_before: u64,
    /// When the last outage began.
    outage_began: Option<Duration>,
    /// What writes without an answer wait for.
    stalls_seen: StallsSeen,
    /// Patroni's API, where it is watched.
    patroni: Option<PatroniWatch>,
    leader_changes: LeaderChanges,
    /// Outages that are not split into parts yet, and when they will be.
    unsplit: VecDeque<(u32, Duration)>,
    /// What servers are called that do not tell it themselves.
    names: MemberNames,
    /// What the user calls servers that nothing else names, of those that witnesses write to.
    named_members: BTreeMap<String, Server>,
}

/// Whether pgchaos itself ran out of something: no evidence of an outage of the cluster.
fn is_own(fault: &Fault) -> bool {
    fault.class == Class::Local
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
    /// Writes that had been rejected before.
    rejected: u64,
}

impl Gap {
    /// The ids, where values lie between them.
    fn jump(&self) -> Option<(i64, i64)> {
        Option::zip(self.before, self.after).filter(|(before, after)| after - before > 1)
    }
}

impl Recorder {
    pub(crate) fn new(
        clock: Clock,
        run: Run,
        record: Option<RecordQueue>,
        subscribers: Subscribers,
        checker: mpsc::Sender<CheckRequest>,
        patroni: Option<PatroniWatch>,
    ) -> Self {
        let outages = OutageClock::new(
            run.header.started_at,
            run.header.options.writers,
            run.header.longest_wait(),
        );
        let mut recorder = Self {
            clock,
            outages,
            ack_gaps: AckGaps::default(),
            two_primaries: two_primaries::TwoPrimariesWatch::default(),
            record,
            subscribers,
            checker: Some(checker),
            acknowledged: watch::Sender::default(),
            marks: watch::Sender::default(),
            marks_wanted: Instant::now(),
            decided: CancellationToken::new(),
            stopping: None,
            writers: BTreeMap::new(),
            interval: Interval::default(),
            seen: KindsSeen::default(),
            latencies: Latencies::default(),
            highest_id: None,
            last_flush: Instant::now(),
            disturbed_intervals: 0,
            gap: None,
            skipped_before: 0,
            outage_began: None,
            stalls_seen: StallsSeen::default(),
            patroni,
            leader_changes: LeaderChanges::default(),
            unsplit: VecDeque::new(),
            names: MemberNames::default(),
            named_members: BTreeMap::new(),
            run,
        };
        let header = Box::new(recorder.run.header.clone());
        recorder.emit(Duration::ZERO, What::Run(header));
        recorder.flush_record();
        recorder
    }

    /// How far every writer is acknowledged, from now on.
    pub(crate) fn acknowledged(&self) -> watch::Receiver<AcknowledgedUpTo> {
        self.acknowledged.subscribe()
    }

    /// To hear when it wants to know how far a writer has told everything.
    pub(crate) fn marks(&self) -> watch::Receiver<()> {
        self.marks.subscribe()
    }

    /// To hear when no limit depends any more on writers that go on after the end of the load.
    pub(crate) fn decided(&self) -> CancellationToken {
        self.decided.clone()
    }

    /// Records until it is told to finish, or until every sender is gone.
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
        if self.stopping.is_some_and(|stop| self.limits_are_decided(stop, now)) {
            self.decided.cancel();
        }
        self.split_outages(now, now);
        let said = self.ack_gaps.said(now);
        self.ack_gaps_said(now, said);
        let seen = self.two_primaries.news(now);
        self.two_primaries_seen(now, seen);
        if self.outages.wants_marks(now) && self.marks_wanted.elapsed() >= MARKS_EVERY {
            self.marks_wanted = Instant::now();
            self.marks.send_replace(());
        }
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
            Signal::Fact(at, what) => self.fact(at, what),
            Signal::Batch(batch) => self.batch(*batch),
            Signal::Connected(opened) => self.connected(*opened),
            Signal::AttemptFailed(failed) => self.attempt_failed(*failed),
            Signal::NoSession { writer, since, counts_since, at } => {
                self.ack_gaps.not_acknowledged(writer, at);
                self.emit(at, What::NoSession(NoSession { writer, since }));
                let since = counts_since;
                self.step(Input::Trouble { writer, since, at, fault: None, in_doubt: 0 });
            }
            Signal::PassedOver { writer, at, failures, served_by } => {
                self.passed_over(writer, at, failures, &served_by);
            }
            Signal::StallSeen { at, seen } => {
                if self.stalls_seen.add(at, &seen) {
                    self.emit(now, What::StallSeen(seen));
                }
            }
            Signal::Checked { checked, witness_rows } => {
                let (outage, other_rows) = (checked.outage, checked.other_rows);
                let fine = checked.missing.is_empty() && checked.error.is_none();
                self.emit(now, What::Checked(*checked));
                self.explain_gap(outage, fine, (other_rows, witness_rows));
            }
            Signal::Leader { at, seen } => self.leader_seen(at, seen),
            Signal::ProxyChanged { at, mut change, address } => {
                change.member = self.names.of_proxy_server(&change.server, address.as_deref());
                self.emit(at, What::ProxyChanged(change));
            }
            Signal::MemberNames(names) => self.names = names,
            Signal::Stopping { at, reason } => self.stopping(at, reason),
            Signal::WriterFinished { writer } => {
                self.step(Input::Finished { writer, at: now });
            }
            Signal::WritersDone { at, all_told } => self.writers_done(at, all_told),
            Signal::WitnessAcks { member, server, acks } => {
                self.witness_acknowledged(member, *server, acks);
            }
            Signal::OwnPause(pause) => {
                self.disturbed_intervals = DISTURBED;
                self.emit(now, What::OwnPause(pause));
            }
            Signal::Inspect(reply) => {
                self.flush();
                // The receiver may be gone; ignore the send error.
                let _ = reply.send(Subject::of(&self.run, Closing::Closed));
            }
            Signal::Finish { .. } => {}
        }
    }

    /// The load has ended: nothing of it, or of what was watched beside it, comes any more.
    fn writers_done(&mut self, at: Duration, all_told: bool) {
        self.step(Input::End { now: at });
        self.split_outages(at, Duration::MAX);
        let said = self.ack_gaps.end(at);
        self.ack_gaps_said(at, said);
        let seen = self.two_primaries.end(at);
        self.two_primaries_seen(at, seen);
        self.flush_interval();
        if all_told {
            self.emit(self.clock.now(), What::Closed);
        }
        self.flush();
        self.checker = None;
    }
}

#[cfg(test)]
mod tests;
