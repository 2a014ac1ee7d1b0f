//! A run, rebuilt from its events: live, event by event, and again from its record.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use super::account::{Account, Closing};
use super::event::{
    Backend, Backwards, BackwardsWhat, Event, Failure, Header, Interval, OutageBegan, Progress,
    Verification, What,
};
use super::fault::Class;
use super::injection::{Cause, Injection};
use super::latency::Latencies;
use super::ledger::Ledger;
use super::outage::Outage;
use super::server::Server;

/// Everything that is known of a run.
#[derive(Debug)]
pub struct Run {
    /// What it is.
    pub header: Header,
    /// What became of every write.
    pub ledger: Ledger,
    /// From due to acknowledged.
    pub latencies: Latencies,
    /// Writes that came due.
    pub due: u64,
    /// Writes that came due and were never sent.
    pub skipped: u64,
    /// Writes acknowledged without the synchronous standby.
    pub acknowledged_locally: u64,
    /// Errors by class.
    pub errors: BTreeMap<Class, u64>,
    /// Every outage that ended, or that the run's end cut off.
    pub outages: Vec<Outage>,
    /// What a drill did to the cluster.
    pub injections: Vec<Injection>,
    /// History that went backwards.
    pub history_backwards: Vec<Backwards>,
    /// The final verification, the latest one.
    pub verification: Option<Verification>,
    /// The highest id that was seen.
    pub highest_id: Option<i64>,
    /// The cluster that the run wrote to, by system identifier.
    pub system_identifier: Option<String>,
    /// The highest timeline that was seen.
    pub highest_timeline: Option<u32>,
    /// How long it wrote, or waited to write.
    pub elapsed: Duration,
    /// Whether the record was closed.
    pub ended: bool,
    /// Whether the first success was there.
    pub ready: bool,
    /// How far every writer was when each outage began, or when it left its session by it.
    outage_starts: Vec<OutageBegan>,
    /// What had been done last when each outage was noticed, by its place among the injections.
    causes: BTreeMap<u32, usize>,
    /// The server process of each writer's last session.
    current_backends: BTreeMap<i32, Backend>,
    /// Server processes that were left with a write in doubt.
    doubtful_backends: BTreeSet<Backend>,
    stopping: bool,
}

impl Run {
    /// A run of which only the header is known.
    #[must_use]
    pub fn new(header: Header) -> Self {
        Self {
            header,
            ledger: Ledger::default(),
            latencies: Latencies::default(),
            due: 0,
            skipped: 0,
            acknowledged_locally: 0,
            errors: BTreeMap::new(),
            outages: Vec::new(),
            injections: Vec::new(),
            history_backwards: Vec::new(),
            verification: None,
            highest_id: None,
            system_identifier: None,
            highest_timeline: None,
            elapsed: Duration::ZERO,
            ended: false,
            ready: false,
            outage_starts: Vec::new(),
            causes: BTreeMap::new(),
            current_backends: BTreeMap::new(),
            doubtful_backends: BTreeSet::new(),
            stopping: false,
        }
    }

    /// Takes in the next event.
    pub fn apply(&mut self, event: &Event) {
        if !self.stopping {
            self.elapsed = self.elapsed.max(event.at);
        }
        match &event.what {
            What::Ready(ready) => {
                self.ready = true;
                self.met(&ready.server);
            }
            What::Connected(connected) => {
                self.met(&connected.server);
                self.left_old_session(connected.writer);
                self.current_backends.insert(connected.writer, connected.backend.clone());
            }
            What::Fault(failure) => self.failed(failure),
            What::Interval(interval) => self.interval(interval),
            What::OutageBegan(began) => self.outage_began(began),
            What::Injected(injected) => self.injections.push(Injection {
                what: injected.clone(),
                at: event.at,
                took: None,
                errors: Vec::new(),
            }),
            What::InjectionEnded { step, took } => {
                let mut latest_first = self.injections.iter_mut().rev();
                if let Some(injection) = latest_first.find(|one| one.what.step == *step) {
                    injection.took = Some(*took);
                }
            }
            What::OutageEnded(outage) => self.outages.push(Outage::clone(outage)),
            What::FullRate { outage, after } => {
                if let Some(outage) = self.outage_mut(*outage) {
                    outage.phases.full_rate = Some(*after);
                }
            }
            What::LeaderChanged { outage, after } => {
                if let Some(outage) = self.outage_mut(*outage) {
                    outage.phases.leader_changed = Some(*after);
                }
            }
            What::Checked(checked) => {
                for (writer, seqs) in &checked.recovered {
                    self.ledger.recover(*writer, seqs);
                }
            }
            What::Reclassified { outage, kind } => {
                if let Some(outage) = self.outage_mut(*outage) {
                    outage.kind = *kind;
                }
            }
            What::HistoryBackwards(backwards) => self.history_backwards.push(backwards.clone()),
            What::Stopping { .. } => self.stopping = true,
            What::Verified(verification) => self.verified(verification),
            What::Closed => self.ended = true,
            What::Ended { complete } => self.ended |= *complete,
            What::Run(_)
            | What::Refused { .. }
            | What::Stalled(_)
            | What::Written(_)
            | What::ReadBack(_)
            | What::WritesResumed(_)
            | What::IdGap(_)
            | What::ReplicaLag(_)
            | What::ReplicaFailed { .. }
            | What::Leader(_)
            | What::PatroniApi(_)
            | What::Verifying { .. }
            | What::LookedAt { .. }
            | What::Drill { .. }
            | What::Warning { .. } => {}
        }
    }

    /// History that goes backwards with this server, if it does.
    #[must_use]
    pub fn backwards_at(&self, server: &Server, seen: Duration) -> Option<Backwards> {
        let backwards = |what, from: String, to: String| Backwards {
            what,
            from,
            to,
            server: server.name(),
            seen,
        };
        match (&self.system_identifier, &server.system_identifier) {
            (Some(from), Some(to)) if from != to => {
                return Some(backwards(BackwardsWhat::SystemIdentifier, from.clone(), to.clone()));
            }
            _ => {}
        }
        match (self.highest_timeline, server.timeline) {
            (Some(from), Some(to)) if to < from => {
                Some(backwards(BackwardsWhat::Timeline, from.to_string(), to.to_string()))
            }
            _ => None,
        }
    }

    /// Server processes that could still commit a write of this run.
    #[must_use]
    pub fn backends_to_wait_for(&self) -> BTreeSet<Backend> {
        let mut backends = self.doubtful_backends.clone();
        if !self.ended {
            backends.extend(self.current_backends.values().cloned());
        }
        backends
    }

    /// The writers' numbers.
    #[must_use]
    pub fn writers(&self) -> RangeInclusive<i32> {
        let writers = i32::try_from(self.header.options.writers).unwrap_or(i32::MAX);
        let first = self.header.first_writer;
        first..=first.saturating_add(writers - 1)
    }

    /// Whether every write sent is in the ledger.
    #[must_use]
    pub fn closing(&self) -> Closing {
        if self.ended { Closing::Closed } else { Closing::Torn(self.writers()) }
    }

    /// How far every writer was when the outage began.
    #[must_use]
    pub fn outage_start(&self, outage: u32) -> Option<&[Progress]> {
        self.outage_starts
            .iter()
            .find(|start| start.n == outage)
            .map(|start| start.writers.as_slice())
    }

    /// The outage that was open when the run was killed.
    #[must_use]
    pub fn open_outage(&self) -> Option<&OutageBegan> {
        let ended = self.outages.last().map_or(0, |outage| outage.n);
        self.outage_starts.last().filter(|start| start.n > ended)
    }

    /// What a drill had done last when the outage was noticed that began then.
    #[must_use]
    pub fn cause_of(&self, outage: u32, began: Duration) -> Option<Box<Cause>> {
        let injection = self.injections.get(*self.causes.get(&outage)?)?;
        Some(Box::new(Cause {
            what: injection.what.clone(),
            at: injection.at,
            evidence_after: began.saturating_sub(injection.at),
        }))
    }

    fn outage_began(&mut self, began: &OutageBegan) {
        if let Some(last) = self.injections.len().checked_sub(1) {
            self.causes.insert(began.n, last);
        }
        self.outage_starts.push(began.clone());
    }

    fn outage_mut(&mut self, n: u32) -> Option<&mut Outage> {
        self.outages.iter_mut().rev().find(|outage| outage.n == n)
    }

    /// A writer has a new session: what it sent before is what the outage that ended the old one
    /// could lose. That is more than what was known when the outage began, as writers are told of
    /// a little late and some go on for a while.
    fn left_old_session(&mut self, writer: i32) {
        let Some(book) = self.ledger.book(writer) else { return };
        let Some(start) = self.outage_starts.last_mut() else { return };
        let (attempted, resolved) = (book.attempted, book.resolved);
        match start.writers.iter_mut().find(|progress| progress.writer == writer) {
            Some(progress) => progress.attempted = progress.attempted.max(attempted),
            None => start.writers.push(Progress { writer, attempted, resolved }),
        }
    }

    fn met(&mut self, server: &Server) {
        if self.system_identifier.is_none() {
            self.system_identifier.clone_from(&server.system_identifier);
        }
        self.highest_timeline = self.highest_timeline.max(server.timeline);
    }

    fn failed(&mut self, failure: &Failure) {
        *self.errors.entry(failure.fault.class).or_default() += 1;
        if let Some(writer) = failure.writer {
            if let Some(injection) = self.injections.last_mut()
                && !injection.errors.contains(&failure.fault.class)
            {
                injection.errors.push(failure.fault.class);
            }
            self.ledger.reject(writer, &failure.rejected);
            if !failure.in_doubt.is_empty() {
                self.ledger.doubt(writer, &failure.in_doubt);
                self.doubtful_backends.extend(self.current_backends.get(&writer).cloned());
            }
        }
    }

    fn interval(&mut self, interval: &Interval) {
        self.due += interval.due;
        self.skipped += interval.skipped;
        self.acknowledged_locally += interval.acknowledged_locally;
        for progress in &interval.writers {
            self.ledger.progress(*progress);
        }
        for (latency_us, count) in &interval.latency_us {
            self.latencies.record_many_us(*latency_us, *count);
        }
        self.highest_id = self.highest_id.max(interval.highest_id);
    }

    fn verified(&mut self, verification: &Verification) {
        if let Some(account) = &verification.account {
            self.attribute_losses(account);
        }
        self.verification = Some(verification.clone());
    }

    /// A lost write belongs to the first outage that ended its session, or began after it was sent.
    fn attribute_losses(&mut self, account: &Account) {
        for outage in &mut self.outages {
            outage.lost = 0;
        }
        for (writer, lost) in &account.lost_writes {
            let mut after = 0;
            for start in &self.outage_starts {
                let position = start.writers.iter().find(|progress| progress.writer == *writer);
                let Some(until) = position.map(|progress| progress.attempted) else { continue };
                let of_this = lost & &super::seq_set::SeqSet::range(after + 1, until);
                if let Some(outage) = self.outages.iter_mut().find(|outage| outage.n == start.n) {
                    outage.lost += of_this.len();
                }
                after = after.max(until);
            }
        }
    }
}
