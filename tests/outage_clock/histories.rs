//! Histories as data, and playing them to a clock.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use chrono::{DateTime, Utc};
use pgchaos::model::cluster::server::Server;
use pgchaos::model::fault::{Class, Fault, Phase};
use pgchaos::model::outage::clock::{Input, OutageClock, Output};
use pgchaos::model::outage::kind::Sightings;
use pgchaos::model::outage::{Outage, Phases};

const TICK_MS: u64 = 25;

pub(crate) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub(crate) fn started_at() -> DateTime<Utc> {
    DateTime::from_timestamp(1_000_000, 0).unwrap()
}

/// A server of cluster 7 on this timeline, with a postmaster that started at this time.
pub(crate) fn server(member: &str, timeline: u32, start: i64) -> Server {
    Server {
        member: Some(member.to_owned()),
        address: Some("10.0.0.1".to_owned()),
        port: Some(5432),
        timeline: Some(timeline),
        system_identifier: Some("7".to_owned()),
        postmaster_start: DateTime::from_timestamp(start, 0),
        ..Server::default()
    }
}

/// The server that every history begins with.
pub(crate) fn first() -> Server {
    server("one", 1, 0)
}

pub(crate) fn fault(class: Class) -> Fault {
    Fault {
        class,
        phase: Phase::Write,
        sqlstate: None,
        postmaster_died: false,
        connect_cause: None,
        tls_cause: None,
        endpoint: "10.0.0.1:5432".to_owned(),
        message: class.name().to_owned(),
        own_limit: None,
    }
}

/// One thing that is told to the clock.
#[derive(Debug, Clone)]
enum Told {
    Acks {
        writer: i32,
        at: Vec<u64>,
    },
    Trouble {
        writer: i32,
        since: u64,
        fault: Option<Fault>,
        in_doubt: u64,
    },
    Attempt {
        writer: i32,
        started: u64,
        accepted: Option<u64>,
        fault: Fault,
        server: Option<Server>,
    },
    Connected {
        writer: i32,
        accepted: u64,
        authenticated: u64,
        server: Server,
    },
    Stopping,
    End,
}

/// What is told, and when.
#[derive(Debug, Clone)]
struct Item {
    /// When it is told.
    told: u64,
    /// When it was known to the writer.
    at: u64,
    what: Told,
}

/// What is told, with the time of the telling.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    items: Vec<Item>,
    /// How much later than it could everything of a writer is told.
    delays: BTreeMap<i32, u64>,
    /// Every writer says with each tick how far it has told everything, wanted or not.
    heartbeats: bool,
}

impl History {
    /// Writers 1 to `writers`, with sessions on [`first`].
    pub(crate) fn of(writers: i32) -> Self {
        (1..=writers)
            .fold(Self::default(), |history, writer| history.connected(writer, (0, 0, 0), &first()))
    }

    fn tell(mut self, at: u64, what: Told) -> Self {
        self.items.push(Item { told: at, at, what });
        self
    }

    /// Everything of each writer is told so much later, in its order, but for the sessions of the beginning: of a writer
    /// that never had one nothing is awaited.
    pub(crate) fn delayed(mut self, delays: &[(i32, u64)]) -> Self {
        self.delays = delays.iter().copied().collect();
        let mut last = 0;
        for item in self.items.iter_mut().filter(|item| item.at > 0) {
            if let Some(delay) = item.what.writer().and_then(|writer| self.delays.get(&writer)) {
                item.told += delay;
            }
            last = last.max(item.told);
        }
        for item in self.items.iter_mut().filter(|item| item.what.writer().is_none()) {
            item.told = last;
        }
        self
    }

    /// Every writer says with each tick how far it has told everything, not only when that is wanted.
    pub(crate) fn with_heartbeats(mut self) -> Self {
        self.heartbeats = true;
        self
    }

    fn delay(&self, writer: i32) -> u64 {
        self.delays.get(&writer).copied().unwrap_or(0)
    }

    /// Before what time everything of this writer is told, when all before the `index`th item is.
    fn mark(&self, index: usize, writer: i32, now: u64) -> u64 {
        let untold = self.items[index..].iter().find_map(|item| match &item.what {
            Told::Acks { writer: other, at } if *other == writer => at.first().copied(),
            _ => None,
        });
        now.saturating_sub(self.delay(writer)).min(untold.unwrap_or(u64::MAX))
    }

    /// Acknowledged and told at the same time.
    pub(crate) fn ack(self, writer: i32, at: u64) -> Self {
        self.late_acks(writer, &[at], at)
    }

    /// Acknowledged every `every` ms.
    pub(crate) fn acks(self, writer: i32, every: u64, between: RangeInclusive<u64>) -> Self {
        let every = usize::try_from(every).unwrap();
        between.step_by(every).fold(self, |history, at| history.ack(writer, at))
    }

    /// A batch that is told later.
    pub(crate) fn late_acks(self, writer: i32, at: &[u64], told: u64) -> Self {
        self.tell(told, Told::Acks { writer, at: at.to_vec() })
    }

    /// A session with a write in flight since `since` ended; known at `at`.
    pub(crate) fn cut(self, writer: i32, since: u64, at: u64) -> Self {
        let fault = Some(fault(Class::ConnectionLost));
        self.tell(at, Told::Trouble { writer, since, fault, in_doubt: 1 })
    }

    /// A session with nothing in flight ended.
    pub(crate) fn idle_cut(self, writer: i32, at: u64) -> Self {
        let fault = Some(fault(Class::ConnectionLost));
        self.tell(at, Told::Trouble { writer, since: at, fault, in_doubt: 0 })
    }

    /// A write failed in some other way.
    pub(crate) fn failed(
        self,
        writer: i32,
        since: u64,
        at: u64,
        fault: Fault,
        in_doubt: u64,
    ) -> Self {
        self.tell(at, Told::Trouble { writer, since, fault: Some(fault), in_doubt })
    }

    /// No answer for a while: no error.
    pub(crate) fn stalled(self, writer: i32, since: u64, at: u64) -> Self {
        self.tell(at, Told::Trouble { writer, since, fault: None, in_doubt: 0 })
    }

    pub(crate) fn attempt(self, writer: i32, started: u64, at: u64, class: Class) -> Self {
        let fault = fault(class);
        self.tell(at, Told::Attempt { writer, started, accepted: None, fault, server: None })
    }

    /// An attempt that failed with this.
    pub(crate) fn attempt_failed(self, writer: i32, started: u64, at: u64, fault: Fault) -> Self {
        self.tell(at, Told::Attempt { writer, started, accepted: None, fault, server: None })
    }

    /// An attempt that got further before it failed.
    pub(crate) fn attempt_accepted(
        self,
        writer: i32,
        (started, accepted, at): (u64, u64, u64),
        class: Class,
        server: Option<&Server>,
    ) -> Self {
        let (accepted, fault, server) = (Some(accepted), fault(class), server.cloned());
        self.tell(at, Told::Attempt { writer, started, accepted, fault, server })
    }

    /// A session, with when it was accepted, authenticated and known to take writes.
    pub(crate) fn connected(
        self,
        writer: i32,
        (accepted, authenticated, at): (u64, u64, u64),
        server: &Server,
    ) -> Self {
        let server = server.clone();
        self.tell(at, Told::Connected { writer, accepted, authenticated, server })
    }

    /// A session of the same server, and its first write.
    pub(crate) fn back(self, writer: i32, at: u64) -> Self {
        self.connected(writer, (at - 8, at - 4, at - 2), &first()).ack(writer, at)
    }

    /// It is time to stop: only writers that are out go on.
    pub(crate) fn stopping(self, at: u64) -> Self {
        self.tell(at, Told::Stopping)
    }

    pub(crate) fn end(self, at: u64) -> Self {
        self.tell(at, Told::End)
    }

    /// What a clock says to it, for writes with a deadline of `write_timeout`.
    pub(crate) fn play(mut self, write_timeout: u64) -> Played {
        self.items.sort_by_key(|item| item.told);
        // Those that have told something.
        let mut writers = BTreeSet::new();
        let all = self.items.iter().filter_map(|item| item.what.writer()).max().unwrap_or(0);
        let all = u32::try_from(all).unwrap();
        let mut clock = OutageClock::new(started_at(), all, ms(write_timeout));
        let mut outputs = Vec::new();
        let mut tick = 0;
        for (index, item) in self.items.iter().enumerate() {
            while tick < item.told {
                outputs.extend(clock.step(Input::Tick { now: ms(tick) }));
                if self.heartbeats || clock.wants_marks(ms(tick)) {
                    for writer in writers.iter().copied() {
                        let at = ms(self.mark(index, writer, tick));
                        outputs.extend(clock.step(Input::ToldUntil { writer, at }));
                    }
                }
                tick += TICK_MS;
            }
            outputs.extend(tell(&mut clock, item.at, &item.what));
            if !matches!(item.what, Told::Attempt { .. }) {
                writers.extend(item.what.writer());
            }
            if let Told::Acks { writer, .. } | Told::Trouble { writer, .. } = item.what {
                let at = ms(self.mark(index + 1, writer, item.told));
                outputs.extend(clock.step(Input::ToldUntil { writer, at }));
            }
        }
        Played { outputs }
    }
}

impl Told {
    fn writer(&self) -> Option<i32> {
        match self {
            Self::Acks { writer, .. }
            | Self::Trouble { writer, .. }
            | Self::Attempt { writer, .. }
            | Self::Connected { writer, .. } => Some(*writer),
            Self::Stopping | Self::End => None,
        }
    }
}

fn tell(clock: &mut OutageClock, at: u64, told: &Told) -> Vec<Output> {
    let now = ms(at);
    match told {
        Told::Acks { writer, at } => {
            let at: Vec<Duration> = at.iter().copied().map(ms).collect();
            clock.step(Input::Acknowledged { writer: *writer, at: &at })
        }
        Told::Trouble { writer, since, fault, in_doubt } => clock.step(Input::Trouble {
            writer: *writer,
            since: ms(*since),
            at: now,
            fault: fault.as_ref(),
            in_doubt: *in_doubt,
        }),
        Told::Attempt { writer, started, accepted, fault, server } => {
            clock.step(Input::AttemptFailed {
                writer: *writer,
                started: ms(*started),
                at: now,
                accepted: accepted.map(ms),
                fault,
                server: server.as_ref(),
            })
        }
        Told::Connected { writer, accepted, authenticated, server } => {
            clock.step(Input::Connected {
                writer: *writer,
                accepted: ms(*accepted),
                authenticated: ms(*authenticated),
                at: now,
                server,
                abandoned: 0,
            })
        }
        Told::Stopping => clock.step(Input::Stopping { at: now }),
        Told::End => clock.step(Input::End { now }),
    }
}

/// What the clock said.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) outputs: Vec<Output>,
}

impl Played {
    /// Every outage that ended, by the clock's own numbers, each of which must have begun.
    pub(crate) fn outages(&self) -> Vec<Outage> {
        let mut begun = Vec::new();
        let mut outages = Vec::new();
        for output in &self.outputs {
            match output {
                Output::Began { n, .. } => begun.push(*n),
                Output::Ended { outage, .. } => {
                    assert!(begun.contains(&outage.n), "outage {} never began", outage.n);
                    outages.push(Outage::clone(outage));
                }
                _ => {}
            }
        }
        assert_eq!(begun.len(), outages.len(), "every outage ends: {:?}", self.outputs);
        outages
    }

    /// The only one.
    #[track_caller]
    pub(crate) fn outage(&self) -> Outage {
        let mut outages = self.outages();
        assert_eq!(outages.len(), 1, "{outages:#?}");
        outages.remove(0)
    }

    pub(crate) fn sightings(&self) -> Vec<&Sightings> {
        self.outputs
            .iter()
            .filter_map(|output| match output {
                Output::Ended { sightings, .. } => Some(&**sightings),
                _ => None,
            })
            .collect()
    }

    /// Number and time of each return to the full rate.
    pub(crate) fn full_rates(&self) -> Vec<(u32, Duration)> {
        self.outputs
            .iter()
            .filter_map(|output| match output {
                Output::FullRate { n, after } => Some((*n, *after)),
                _ => None,
            })
            .collect()
    }

    /// Number, time and writers still down of each news that writes are through again.
    pub(crate) fn resumed(&self) -> Vec<(u32, Duration, u64)> {
        self.outputs
            .iter()
            .filter_map(|output| match output {
                Output::Resumed { n, after, writers_down } => Some((*n, *after, *writers_down)),
                _ => None,
            })
            .collect()
    }
}

/// What does not matter to a test is taken from what the clock said; what is left out here must be right.
pub(crate) fn errors(counts: &[(Class, u64)]) -> BTreeMap<Class, u64> {
    counts.iter().copied().collect()
}

/// Phases in milliseconds since the beginning: first error, last error, accepted, session, writable, first write, all writers.
pub(crate) fn phases(
    [first_error, last_error, tcp_accepted, session, writable, first_ack, all_writers]: [Option<u64>;
        7],
) -> Phases {
    Phases {
        first_error: first_error.map(ms),
        last_error: last_error.map(ms),
        tcp_accepted: tcp_accepted.map(ms),
        session: session.map(ms),
        writable: writable.map(ms),
        writable_accepted: None,
        first_ack: first_ack.map(ms),
        all_writers: all_writers.map(ms),
        full_rate: None,
        leader_changed: None,
    }
}
