//! The clock that measures outages.
//!
//! It is told what every writer lives through, in about the order in which it happened, and says
//! when an outage begins, when the first write is through again and when it is over for everyone.
//! Times are those of the events, not of their telling: batches of acknowledgements may come a
//! little late, so an outage is summed up only after [`SETTLE`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::ack_trail::AckTrail;
use super::fault::Fault;
use super::kind::Sightings;
use super::open_outage::OpenOutage;
use super::outage::Outage;
use super::rate_trail::RateTrail;
use super::server::Server;

/// How long late acknowledgements are waited for: writers report at least this often.
pub const SETTLE: Duration = Duration::from_millis(100);

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
        /// Who answered, when it was a server that takes no writes.
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
        /// Who answered.
        server: &'a Server,
    },
    /// A writer has nothing left to write, and is not missed any more.
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

/// What the clock has to say.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// The first evidence that a writer cannot write.
    Began {
        /// The outage's number, from 1.
        n: u32,
        /// The first evidence.
        began: Duration,
    },
    /// A write is through again while other writers are still down.
    Resumed {
        /// The outage's number.
        n: u32,
        /// Since it began.
        after: Duration,
        /// Writers that are still down.
        writers_down: u64,
    },
    /// The outage is over for everyone, or the run is.
    Ended {
        /// Its measure.
        outage: Box<Outage>,
        /// What its kind was told from.
        sightings: Box<Sightings>,
    },
    /// The rate from before the outage is reached again.
    FullRate {
        /// The outage's number.
        n: u32,
        /// Since it began.
        after: Duration,
    },
}

/// The clock of one run.
#[derive(Debug)]
pub struct OutageClock {
    started_at: DateTime<Utc>,
    settle: Duration,
    /// How far back evidence may reach.
    reach: Duration,
    acks: AckTrail,
    rate: RateTrail,
    /// Who each writer's session is with.
    servers: BTreeMap<i32, Arc<Server>>,
    /// Who acknowledged last.
    acknowledging: Option<Arc<Server>>,
    /// The outage that is not summed up yet.
    open: Option<OpenOutage>,
    /// The number of the last outage that began.
    last_n: u32,
    /// When the last outage was over, as the next one cannot have begun before.
    last_over: Duration,
    awaiting_full_rate: Option<AwaitingFullRate>,
}

#[derive(Debug)]
struct AwaitingFullRate {
    n: u32,
    began: Duration,
    from: Duration,
    rate: f64,
}

impl OutageClock {
    /// A clock for a run that started at `started_at`, in which evidence is at most
    /// `longest_wait` old when it is told. Late acknowledgements are waited for as long as
    /// `settle`; with a single writer there are none.
    #[must_use]
    pub fn new(started_at: DateTime<Utc>, longest_wait: Duration, settle: Duration) -> Self {
        Self {
            started_at,
            settle,
            reach: longest_wait.saturating_add(Duration::from_secs(2)),
            acks: AckTrail::default(),
            rate: RateTrail::default(),
            servers: BTreeMap::new(),
            acknowledging: None,
            open: None,
            last_n: 0,
            last_over: Duration::ZERO,
            awaiting_full_rate: None,
        }
    }

    /// Takes one thing in, and says what follows from it.
    pub fn step(&mut self, input: Input<'_>) -> Vec<Output> {
        let mut outputs = Vec::new();
        match input {
            Input::Acknowledged { writer, at } => {
                self.acknowledged(writer, at);
                if self.settle.is_zero() {
                    self.close_if_over(Duration::MAX, &mut outputs);
                }
            }
            Input::Trouble { writer, since, at, fault, in_doubt } => {
                let (open, began) = self.open(since, &mut outputs);
                open.writer_down(writer, began);
                open.in_doubt += in_doubt;
                if let Some(fault) = fault {
                    open.error(since, at, fault);
                }
            }
            Input::AttemptFailed { writer, started, at, accepted, fault, server } => {
                let (open, began) = self.open(started, &mut outputs);
                open.writer_down(writer, began);
                open.error(started, at, fault);
                open.attempt(accepted, server);
            }
            Input::Connected { writer, accepted, authenticated, at, server } => {
                self.servers.insert(writer, Arc::new(server.clone()));
                if let Some(open) = &mut self.open {
                    open.connected(accepted, authenticated, at);
                }
            }
            Input::Finished { writer, at } => {
                if let Some(open) = &mut self.open {
                    open.writer_gone(writer, at);
                }
            }
            Input::Tick { now } => self.tick(now, &mut outputs),
            Input::End { now } => self.end(now, &mut outputs),
        }
        outputs
    }

    /// Who this writer's last session was with.
    #[must_use]
    pub fn server_of(&self, writer: i32) -> Option<&Server> {
        self.servers.get(&writer).map(AsRef::as_ref)
    }

    fn acknowledged(&mut self, writer: i32, at: &[Duration]) {
        // A batch may tell of skipped writes alone: that proves no server.
        if at.is_empty() {
            return;
        }
        for &at in at {
            self.acks.add(at);
            self.rate.add(at);
        }
        if let Some(server) = self.servers.get(&writer)
            && !self.acknowledging.as_ref().is_some_and(|last| Arc::ptr_eq(last, server))
        {
            self.acknowledging = Some(Arc::clone(server));
        }
        if let Some(open) = &mut self.open
            && let Some(back) = at.iter().copied().find(|at| *at >= open.began)
        {
            open.writer_back(writer, back);
        }
    }

    /// The outage that evidence from `since` belongs to, the open one or a new one, and since when
    /// the evidence counts in it: not before the end of the last outage.
    fn open(&mut self, since: Duration, outputs: &mut Vec<Output>) -> (&mut OpenOutage, Duration) {
        // An outage that is over goes on when the evidence is older than its end: it was not over
        // for this writer.
        if self.open.as_ref().and_then(|open| open.over).is_some_and(|over| since >= over)
            && let Some(open) = self.open.take()
        {
            self.close(&open, outputs);
        }
        let began = since.max(self.last_over);
        let (last_n, rate, before) = (&mut self.last_n, &self.rate, &self.acknowledging);
        let open = self.open.get_or_insert_with(|| {
            *last_n += 1;
            outputs.push(Output::Began { n: *last_n, began });
            OpenOutage::new(*last_n, began, rate.rate_before(began), before.as_deref().cloned())
        });
        (open, began)
    }

    fn tick(&mut self, now: Duration, outputs: &mut Vec<Output>) {
        self.close_if_over(now, outputs);
        match &mut self.open {
            Some(open) => {
                let before = now.saturating_sub(self.reach);
                // What is about to be forgotten is remembered by its longest stretch.
                open.fold(&self.acks, before);
                self.acks.forget(before);
                outputs.extend(open.resumed(now));
            }
            None => self.acks.forget(now.saturating_sub(self.reach)),
        }
        self.full_rate(now, outputs);
    }

    fn close_if_over(&mut self, now: Duration, outputs: &mut Vec<Output>) {
        let settle = self.settle;
        let over = |open: &mut OpenOutage| open.over.is_some_and(|over| now >= over + settle);
        if let Some(open) = self.open.take_if(over) {
            self.close(&open, outputs);
        }
    }

    fn end(&mut self, now: Duration, outputs: &mut Vec<Output>) {
        self.full_rate(now, outputs);
        if let Some(mut open) = self.open.take() {
            open.end(now);
            self.close(&open, outputs);
        }
    }

    fn close(&mut self, open: &OpenOutage, outputs: &mut Vec<Output>) {
        let (outage, sightings) =
            open.summed_up(self.started_at, &self.acks, self.acknowledging.as_deref());
        self.last_over = open.over.unwrap_or(self.last_over);
        self.awaiting_full_rate = match (open.rate_before, outage.first_ack) {
            (Some(rate), Some(from)) => {
                Some(AwaitingFullRate { n: open.n, began: outage.began, from, rate })
            }
            _ => None,
        };
        outputs.push(Output::Ended { outage: Box::new(outage), sightings: Box::new(sightings) });
    }

    fn full_rate(&mut self, now: Duration, outputs: &mut Vec<Output>) {
        if self.open.as_ref().is_some_and(|open| open.over.is_none()) {
            return;
        }
        if let Some(awaiting) = &mut self.awaiting_full_rate {
            let known = now.saturating_sub(SETTLE);
            match self.rate.full_rate_since(awaiting.from, known, awaiting.rate) {
                Some(full) => {
                    let after = full.saturating_sub(awaiting.began);
                    outputs.push(Output::FullRate { n: awaiting.n, after });
                    self.awaiting_full_rate = None;
                }
                // The counts of before are forgotten after a while.
                None => awaiting.from = awaiting.from.max(known.saturating_sub(FULL_RATE_REACH)),
            }
        }
    }
}
