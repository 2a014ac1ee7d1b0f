//! The clock that measures outages.
//!
//! Its input is what happens to every writer, in about the order in which it happened. Its output
//! is when an outage begins, when the first write succeeds again, and when all writers write again.
//! All times are those of the events, not of their arrival here. Batches of acknowledgements may
//! come late, so every writer marks up to when it has told everything: an outage is summed up once
//! the lowest of these marks has reached its end.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::model::cluster::server::Server;
use crate::model::fault::Fault;
use crate::model::outage::ack_timeline::AckTimeline;
use crate::model::outage::open::OpenOutage;
use crate::model::outage::rate_timeline::RateTimeline;

pub use crate::model::outage::clock_output::{Output, SoFar};

/// At most this many outages wait for late batches; beyond it the oldest is summed up as it is.
const SETTLING_MAX: usize = 64;

/// While the return to the full rate is looked for, marks may be so old.
const MARKS_AGE: Duration = Duration::from_secs(1);

/// How far back the return to the full rate is looked for.
const FULL_RATE_REACH: Duration = Duration::from_secs(5);

/// What a writer lives through.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// Writes were acknowledged at these times, ascending.
    Acknowledged {
        /// Which writer.
        writer: i32,
        /// When, since the start of the run.
        at: &'a [Duration],
    },
    /// A writer has told everything that it lived through before this time.
    ToldUntil {
        /// Which writer.
        writer: i32,
        /// Until when.
        at: Duration,
    },
    /// A write or a session failed, or a write has no answer for too long (no fault).
    Trouble {
        /// Which writer.
        writer: i32,
        /// When the oldest unanswered write was sent, or when the end of the session was noticed.
        since: Duration,
        /// When it was known.
        at: Duration,
        /// The error, when there is one.
        fault: Option<&'a Fault>,
        /// Writes that it leaves in doubt.
        in_doubt: u64,
    },
    /// Writes of a writer were refused, and that is not told as trouble. They count in an outage
    /// in which the writer is down.
    Rejected {
        /// Which writer.
        writer: i32,
        /// When the last of them was sent.
        sent: Duration,
        /// When it was refused.
        at: Duration,
        /// One of them.
        fault: &'a Fault,
        /// How many.
        count: u64,
    },
    /// A connect attempt failed.
    AttemptFailed {
        /// Which writer.
        writer: i32,
        /// When the attempt started.
        started: Duration,
        /// When it failed.
        at: Duration,
        /// When TCP was accepted, if it was.
        accepted: Option<Duration>,
        /// The error.
        fault: &'a Fault,
        /// The server that answered, when it takes no writes.
        server: Option<&'a Server>,
    },
    /// A writer has a session that takes writes.
    Connected {
        /// Which writer.
        writer: i32,
        /// When TCP was accepted.
        accepted: Duration,
        /// When the session was authenticated.
        authenticated: Duration,
        /// When it was known to take writes.
        at: Duration,
        /// The server that answered.
        server: &'a Server,
        /// Attempts of this writer that hung, and were given up beside this one.
        abandoned: u64,
    },
    /// It is time to stop: from now on only writers that are out go on.
    Stopping {
        /// When.
        at: Duration,
    },
    /// A writer has nothing left to write: its silence is no evidence from now on.
    Finished {
        /// Which writer.
        writer: i32,
        /// When.
        at: Duration,
    },
    /// Time passed.
    Tick {
        /// Now.
        now: Duration,
    },
    /// Writing ended.
    End {
        /// Now.
        now: Duration,
    },
}

/// The clock of one run.
#[derive(Debug)]
pub struct OutageClock {
    started_at: DateTime<Utc>,
    writers: u64,
    /// Until when each writer that had a session has told everything.
    marks: BTreeMap<i32, Duration>,
    /// How far back evidence may reach.
    reach: Duration,
    acks: AckTimeline,
    rate: RateTimeline,
    /// The server of each writer's session.
    servers: BTreeMap<i32, Arc<Server>>,
    /// The server that acknowledged last.
    acknowledging: Option<Arc<Server>>,
    /// The server that acknowledged each writer's last write.
    acknowledged_by: BTreeMap<i32, Arc<Server>>,
    /// The outage that is not over, or not told to its end.
    open: Option<OpenOutage>,
    /// Earlier outages that are over and still wait for late batches, the oldest first.
    settling: VecDeque<Settling>,
    /// Outputs in their order. Those after an end that is not known yet are held back.
    said: VecDeque<LastSaid>,
    /// The number of the last outage that began.
    last_n: u32,
    /// When the last outage was over, as the next one cannot have begun before.
    last_over: Duration,
    awaiting_full_rate: Option<AwaitingFullRate>,
    /// When it was time to stop.
    stopping: Option<Duration>,
}

/// An outage that is over, and is told to its end later than the next one began.
#[derive(Debug)]
struct Settling {
    outage: OpenOutage,
    over: Duration,
    /// The server that had acknowledged last when the next outage began.
    acknowledging: Option<Arc<Server>>,
}

#[derive(Debug)]
enum LastSaid {
    Output(Output),
    /// The place of the end of a settling outage.
    End(u32),
}

#[derive(Debug)]
struct AwaitingFullRate {
    n: u32,
    began: Duration,
    from: Duration,
    rate: f64,
}

impl OutageClock {
    /// A clock for a run of `writers` that started at `started_at`, in which evidence is at most
    /// `longest_wait` old when it is told.
    #[must_use]
    pub fn new(started_at: DateTime<Utc>, writers: u32, longest_wait: Duration) -> Self {
        Self {
            started_at,
            writers: u64::from(writers),
            marks: BTreeMap::new(),
            reach: longest_wait.saturating_add(Duration::from_secs(2)),
            acks: AckTimeline::default(),
            rate: RateTimeline::default(),
            servers: BTreeMap::new(),
            acknowledging: None,
            acknowledged_by: BTreeMap::new(),
            open: None,
            settling: VecDeque::new(),
            said: VecDeque::new(),
            last_n: 0,
            last_over: Duration::ZERO,
            awaiting_full_rate: None,
            stopping: None,
        }
    }

    /// Takes one input, and returns the outputs that follow from it.
    pub fn step(&mut self, input: Input<'_>) -> Vec<Output> {
        match input {
            Input::Acknowledged { writer, at } => self.acknowledged(writer, at),
            Input::ToldUntil { writer, at } => {
                self.mark(writer, at);
                self.close_what_is_told();
            }
            Input::Trouble { writer, since, at, fault, in_doubt } => {
                let (open, began) = self.open(writer, since);
                open.writer_down(writer, began, at);
                open.in_doubt += in_doubt;
                if let Some(fault) = fault {
                    open.error(since, at, fault, true, 1);
                }
            }
            Input::AttemptFailed { writer, started, at, accepted, fault, server } => {
                let (open, began) = self.open(writer, started);
                open.writer_down(writer, began, at);
                open.error(started, at, fault, false, 1);
                open.attempt(accepted, server);
                if fault.sqlstate.as_deref() == Some("53300") {
                    self.no_room();
                }
            }
            Input::Connected { writer, accepted, authenticated, at, server, abandoned } => {
                self.servers.insert(writer, Arc::new(server.clone()));
                // Until now the writer had no session, so it has told everything up to here.
                self.mark(writer, at);
                if let Some(open) = &mut self.open {
                    open.connected(accepted, authenticated, at);
                    open.abandoned(abandoned);
                }
            }
            Input::Stopping { at } => {
                self.stopping = Some(at);
                if let Some(open) = &mut self.open {
                    open.stopping(at);
                }
            }
            Input::Rejected { writer, sent, at, fault, count } => {
                if let Some(open) = self.open.as_mut().filter(|open| open.is_down(writer)) {
                    open.error(sent, at, fault, true, count);
                }
            }
            Input::Finished { writer, at } => {
                self.marks.remove(&writer);
                // It has no session any more.
                self.servers.remove(&writer);
                if let Some(open) = &mut self.open {
                    open.writer_gone(writer, at);
                }
                self.close_what_is_told();
            }
            Input::Tick { now } => self.tick(now),
            Input::End { now } => self.end(now),
        }
        let is_known = |said: &LastSaid| matches!(said, LastSaid::Output(_));
        let known = self.said.iter().take_while(|said| is_known(said)).count();
        let outputs = self.said.drain(..known).filter_map(|said| match said {
            LastSaid::Output(output) => Some(output),
            LastSaid::End(_) => None,
        });
        outputs.collect()
    }

    /// Whether it waits for writers to say how far they have told everything.
    #[must_use]
    pub fn wants_marks(&self, now: Duration) -> bool {
        let settling = self.settling.front().map(|settling| settling.over);
        let over = settling.or(self.open.as_ref().and_then(|open| open.over));
        let told = self.told_until();
        match over {
            Some(over) => told < over,
            None => {
                self.awaiting_full_rate.is_some()
                    && self.open.is_none()
                    && told.saturating_add(MARKS_AGE) <= now
            }
        }
    }

    /// The outage that is not over, as far as it is known at `now`.
    #[must_use]
    pub fn so_far(&self, now: Duration) -> Option<SoFar> {
        let open = self.open.as_ref().filter(|open| open.over.is_none())?;
        Some(open.so_far(&self.acks, now))
    }

    /// The server of this writer's last session.
    #[must_use]
    pub fn server_of(&self, writer: i32) -> Option<&Server> {
        self.servers.get(&writer).map(AsRef::as_ref)
    }

    fn mark(&mut self, writer: i32, at: Duration) {
        let mark = self.marks.entry(writer).or_default();
        *mark = at.max(*mark);
    }

    /// Every acknowledgement before this time is known.
    fn told_until(&self) -> Duration {
        self.marks.values().copied().min().unwrap_or(Duration::MAX)
    }

    fn acknowledged(&mut self, writer: i32, at: &[Duration]) {
        // A batch with skipped writes only has no acknowledgement to name a server.
        if at.is_empty() {
            return;
        }
        for &at in at {
            self.acks.add(at);
            self.rate.add(at);
        }
        if let Some(server) = self.servers.get(&writer) {
            let is_it =
                |last: Option<&Arc<Server>>| last.is_some_and(|last| Arc::ptr_eq(last, server));
            if !is_it(self.acknowledging.as_ref()) {
                self.acknowledging = Some(Arc::clone(server));
            }
            if !is_it(self.acknowledged_by.get(&writer)) {
                self.acknowledged_by.insert(writer, Arc::clone(server));
            }
        }
        for settling in &mut self.settling {
            settling.outage.other_wrote(writer, at);
        }
        if let (Some(open), Some(server)) = (&mut self.open, self.servers.get(&writer)) {
            open.acknowledged_beside(writer, server);
        }
        if let Some(open) = &mut self.open
            && let Some(back) = at.iter().copied().find(|at| *at >= open.began)
        {
            open.other_wrote(writer, at);
            open.writer_back(writer, back, self.servers.get(&writer).cloned());
        }
    }

    /// The outage that evidence from `since` belongs to, the open one or a new one, and since when
    /// the evidence counts in it: not before the end of the last outage.
    fn open(&mut self, writer: i32, since: Duration) -> (&mut OpenOutage, Duration) {
        // An outage that is over goes on when the evidence is older than its end: it was not over
        // for this writer.
        if let Some(over) = self.open.as_ref().and_then(|open| open.over)
            && since >= over
            && let Some(outage) = self.open.take()
        {
            self.settle(outage, over);
        }
        let began = since.max(self.last_over);
        // The server that this writer wrote to comes first: other writers may use another one.
        let before = self.acknowledged_by.get(&writer).or(self.acknowledging.as_ref());
        let (last_n, rate, writers) = (&mut self.last_n, &self.rate, self.writers);
        let (said, stopping) = (&mut self.said, self.stopping);
        let open = self.open.get_or_insert_with(|| {
            *last_n += 1;
            said.push_back(LastSaid::Output(Output::Began { n: *last_n, began }));
            let rate_before = rate.rate_before(began);
            let before = before.map(|server| Server::clone(server));
            let mut open = OpenOutage::new(*last_n, writers, began, rate_before, before);
            stopping.into_iter().for_each(|at| open.stopping(at));
            open
        });
        (open, began)
    }

    /// A session was refused for want of room: how many the writers themselves have.
    fn no_room(&mut self) {
        let (Some(open), Some(server)) = (&mut self.open, &self.acknowledging) else { return };
        let down: BTreeSet<i32> = open.down().collect();
        let has_session = |(writer, its): &(&i32, &Arc<Server>)| {
            !down.contains(writer) && its.is_same_start(server)
        };
        let own = self.servers.iter().filter(has_session).count();
        open.no_room(server, u32::try_from(own).unwrap_or(u32::MAX));
    }

    /// The next outage begins: this one is summed up when it is told to its end.
    fn settle(&mut self, outage: OpenOutage, over: Duration) {
        self.last_over = over;
        self.said.push_back(LastSaid::End(outage.n));
        let acknowledging = self.acknowledging.clone();
        self.settling.push_back(Settling { outage, over, acknowledging });
        if self.settling.len() > SETTLING_MAX {
            self.close_settling();
        }
    }

    fn tick(&mut self, now: Duration) {
        self.close_what_is_told();
        let before = now.saturating_sub(self.reach);
        // Acknowledgements after the stop may count later or not. They are few: keep them.
        let before = self.stopping.map_or(before, |stop| before.min(stop));
        // Fold acknowledgements into their longest stretch before they are forgotten.
        for settling in &mut self.settling {
            settling.outage.fold(&self.acks, before);
        }
        if let Some(open) = &mut self.open {
            open.fold(&self.acks, before);
            self.said.extend(open.resumed(now).map(LastSaid::Output));
            self.said.extend(open.writers_out(now).map(LastSaid::Output));
        }
        self.acks.forget(before);
        self.full_rate(now.min(self.told_until()));
    }

    fn close_what_is_told(&mut self) {
        let told = self.told_until();
        while self.settling.front().is_some_and(|settling| settling.over <= told) {
            self.close_settling();
        }
        let over = |open: &mut OpenOutage| open.over.is_some_and(|over| over <= told);
        if let Some(open) = self.open.take_if(over) {
            self.close_open(&open);
        }
    }

    fn end(&mut self, now: Duration) {
        while !self.settling.is_empty() {
            self.close_settling();
        }
        self.full_rate(now);
        if let Some(mut open) = self.open.take() {
            open.end(now);
            self.close_open(&open);
        }
    }

    fn close_settling(&mut self) {
        if let Some(Settling { outage, acknowledging, .. }) = self.settling.pop_front() {
            let ended = self.sum_up(&outage, acknowledging.as_deref());
            let is_its_end =
                |said: &&mut LastSaid| matches!(said, LastSaid::End(n) if *n == outage.n);
            if let Some(end) = self.said.iter_mut().find(is_its_end) {
                *end = LastSaid::Output(ended);
            }
        }
    }

    fn close_open(&mut self, open: &OpenOutage) {
        self.last_over = open.over.unwrap_or(self.last_over);
        let ended = self.sum_up(open, self.acknowledging.clone().as_deref());
        self.said.push_back(LastSaid::Output(ended));
    }

    fn sum_up(&mut self, open: &OpenOutage, after: Option<&Server>) -> Output {
        let (outage, sightings) = open.summed_up(self.started_at, &self.acks, after);
        self.awaiting_full_rate = match (open.rate_before, outage.first_ack) {
            (Some(rate), Some(from)) => {
                Some(AwaitingFullRate { n: open.n, began: outage.began, from, rate })
            }
            _ => None,
        };
        Output::Ended { outage: Box::new(outage), sightings: Box::new(sightings) }
    }

    fn full_rate(&mut self, known: Duration) {
        let not_over = |open: &OpenOutage| open.over.is_none();
        if !self.settling.is_empty() || self.open.as_ref().is_some_and(not_over) {
            return;
        }
        if let Some(awaiting) = &mut self.awaiting_full_rate {
            match self.rate.full_rate_since(awaiting.from, known, awaiting.rate) {
                Some(full) => {
                    let after = full.saturating_sub(awaiting.began);
                    let output = Output::FullRate { n: awaiting.n, after };
                    self.said.push_back(LastSaid::Output(output));
                    self.awaiting_full_rate = None;
                }
                // The counts of before are forgotten after a while.
                None => awaiting.from = awaiting.from.max(known.saturating_sub(FULL_RATE_REACH)),
            }
        }
    }
}
