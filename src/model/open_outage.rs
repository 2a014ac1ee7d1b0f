//! An outage while it goes on: what was seen of it so far.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::ack_trail::{AckTrail, Stretch};
use super::fault::{Class, Fault};
use super::kind::Sightings;
use super::outage::{Outage, Phases, Side};
use super::outage_clock::Output;
use super::server::Server;

/// Failed attempts that are remembered to tell the resolution.
const FAILED_ATTEMPTS_KEPT: usize = 1024;

/// Read-only servers that are remembered to tell the kind.
const READ_ONLY_KEPT: usize = 32;

/// How long after the first writer is back the others are waited for before that is news.
const RESUMED_AFTER: Duration = Duration::from_millis(500);

/// One outage that is not summed up yet.
#[derive(Debug)]
pub(super) struct OpenOutage {
    pub(super) n: u32,
    pub(super) began: Duration,
    /// When the last writer was back; `None` while some writer cannot write.
    pub(super) over: Option<Duration>,
    pub(super) rate_before: Option<f64>,
    pub(super) in_doubt: u64,
    down: BTreeSet<i32>,
    ended_by_run: bool,
    first_back: Option<Duration>,
    last_back: Option<Duration>,
    told_resumed: bool,
    attempts: u64,
    /// Start and end of failed attempts, the latest last.
    failed: VecDeque<(Duration, Duration)>,
    errors: BTreeMap<Class, u64>,
    first_error: Option<Duration>,
    tcp_accepted: Option<Duration>,
    session: Option<Duration>,
    writable: Option<Duration>,
    /// The longest stretch in the part that the trail has forgotten, and where that part ends.
    folded: Option<(Stretch, Duration)>,
    last_ack: Option<Duration>,
    sightings: Sightings,
}

impl OpenOutage {
    pub(super) fn new(
        n: u32,
        began: Duration,
        rate_before: Option<f64>,
        before: Option<Server>,
    ) -> Self {
        Self {
            n,
            began,
            over: None,
            rate_before,
            in_doubt: 0,
            down: BTreeSet::new(),
            ended_by_run: false,
            first_back: None,
            last_back: None,
            told_resumed: false,
            attempts: 0,
            failed: VecDeque::new(),
            errors: BTreeMap::new(),
            first_error: None,
            tcp_accepted: None,
            session: None,
            writable: None,
            folded: None,
            last_ack: None,
            sightings: Sightings { before, ..Sightings::default() },
        }
    }

    /// A writer cannot write, since a time that may be before the outage was noticed.
    pub(super) fn writer_down(&mut self, writer: i32, since: Duration) {
        self.down.insert(writer);
        self.over = None;
        self.ended_by_run = false;
        if self.folded.is_none() {
            self.began = self.began.min(since);
        }
    }

    /// A writer had a write acknowledged. The last one told is not always the last one back.
    pub(super) fn writer_back(&mut self, writer: i32, at: Duration) {
        if self.down.remove(&writer) {
            self.first_back = Some(self.first_back.map_or(at, |first| first.min(at)));
            self.last_back = self.last_back.max(Some(at));
            if self.down.is_empty() {
                self.over = self.last_back;
            }
        }
    }

    /// A writer will not write any more. When nobody else is down, the outage was over with the
    /// last writer back; when none came back, it ends with the load.
    pub(super) fn writer_gone(&mut self, writer: i32, at: Duration) {
        if self.down.remove(&writer) && self.down.is_empty() {
            match self.last_back {
                Some(back) => self.over = Some(back),
                None => self.end(at),
            }
        }
    }

    pub(super) fn error(&mut self, started: Duration, at: Duration, fault: &Fault) {
        *self.errors.entry(fault.class).or_default() += 1;
        self.first_error.get_or_insert(at);
        self.sightings.errors.insert(fault.class);
        self.sightings.goodbye |= fault.is_goodbye();
        if self.failed.len() == FAILED_ATTEMPTS_KEPT {
            self.failed.pop_front();
        }
        self.failed.push_back((started, at));
    }

    /// A connect attempt failed, perhaps after TCP was accepted or a server had answered.
    pub(super) fn attempt(&mut self, accepted: Option<Duration>, server: Option<&Server>) {
        self.attempts += 1;
        self.tcp_accepted = self.tcp_accepted.or(accepted);
        if let Some(server) = server {
            self.session = self.session.or(accepted);
            let read_only = &mut self.sightings.read_only;
            if !read_only.contains(server) && read_only.len() < READ_ONLY_KEPT {
                read_only.push(server.clone());
            }
        }
    }

    pub(super) fn connected(&mut self, accepted: Duration, authenticated: Duration, at: Duration) {
        self.attempts += 1;
        self.tcp_accepted = self.tcp_accepted.or(Some(accepted));
        self.session = self.session.or(Some(authenticated));
        self.writable = self.writable.or(Some(at));
    }

    /// That writes are through again while others are not, when that is news by now.
    pub(super) fn resumed(&mut self, now: Duration) -> Option<Output> {
        let first_back = self.first_back?;
        if self.told_resumed || self.over.is_some() || now < first_back + RESUMED_AFTER {
            return None;
        }
        self.told_resumed = true;
        Some(Output::Resumed {
            n: self.n,
            after: first_back.saturating_sub(self.began),
            writers_down: self.down.len() as u64,
        })
    }

    /// Remembers the longest stretch before `before`, as the trail will forget it.
    pub(super) fn fold(&mut self, acks: &AckTrail, before: Duration) {
        if before <= self.began {
            return;
        }
        self.last_ack = self.last_ack.or_else(|| acks.last_before(self.began));
        // Only up to an acknowledgement, as a stretch must not be cut in two.
        let Some(to) = acks.last_before(before).filter(|last| *last > self.began) else { return };
        let (longest, from) =
            self.folded.unwrap_or((Stretch { from: self.began, to: self.began }, self.began));
        if to > from {
            self.folded = Some((longest.longer(acks.longest_stretch(from, to)), to));
        }
    }

    /// The run is over before the outage is.
    pub(super) fn end(&mut self, now: Duration) {
        if self.over.is_none() {
            self.over = Some(now);
            self.ended_by_run = true;
        }
    }

    pub(super) fn summed_up(
        &self,
        started_at: DateTime<Utc>,
        acks: &AckTrail,
        after: Option<&Server>,
    ) -> (Outage, Sightings) {
        let over = self.over.unwrap_or(self.began);
        let (folded, from) =
            self.folded.unwrap_or((Stretch { from: self.began, to: self.began }, self.began));
        let longest = folded.longer(acks.longest_stretch(from, over));
        // A stretch that reaches the end of the run was ended by no write.
        let first_ack = (!(self.ended_by_run && longest.to == over)).then_some(longest.to);
        let sightings = Sightings {
            after: after.filter(|_| first_ack.is_some()).cloned(),
            ..self.sightings.clone()
        };
        let outage = Outage {
            n: self.n,
            kind: sightings.kind(),
            began_at: started_at + self.began,
            began: self.began,
            duration: longest.length(),
            resolution: self.resolution(first_ack),
            degraded: over.saturating_sub(self.began),
            last_ack: self.last_ack_before(longest.from, acks),
            first_ack,
            attempts: self.attempts,
            errors: self.errors.clone(),
            phases: self.phases(first_ack, over),
            from: self.sightings.before.as_ref().map(Side::from),
            to: sightings.after.as_ref().map(Side::from),
            in_doubt: self.in_doubt,
            skipped: 0,
            lost: 0,
            fault: None,
        };
        (outage, sightings)
    }

    fn last_ack_before(&self, from: Duration, acks: &AckTrail) -> Option<Duration> {
        if from > self.began {
            return Some(from);
        }
        self.last_ack.or_else(|| acks.last_before(self.began))
    }

    /// How long before the first acknowledged write the cluster may have been back. When the
    /// silent write itself was answered, without any attempt, that answer is the end.
    fn resolution(&self, first_ack: Option<Duration>) -> Duration {
        let Some(first_ack) = first_ack else { return Duration::ZERO };
        if self.failed.is_empty() && self.attempts == 0 {
            return Duration::ZERO;
        }
        let last_failed = self
            .failed
            .iter()
            .filter(|(_, ended)| *ended <= first_ack)
            .map(|(started, _)| *started)
            .max();
        first_ack.saturating_sub(last_failed.unwrap_or(self.began).max(self.began))
    }

    fn phases(&self, first_ack: Option<Duration>, over: Duration) -> Phases {
        let since = |at: Option<Duration>| at.map(|at| at.saturating_sub(self.began));
        Phases {
            first_error: since(self.first_error),
            tcp_accepted: since(self.tcp_accepted),
            session: since(self.session),
            writable: since(self.writable),
            first_ack: since(first_ack),
            all_writers: since((!self.ended_by_run).then_some(over)),
            full_rate: None,
            leader_changed: None,
        }
    }
}
