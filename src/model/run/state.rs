//! A run, rebuilt from its events: live, event by event, and again from its record.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::model::cluster::clock_offset::ClockOffsets;
use crate::model::cluster::decision::KnownCluster;
use crate::model::cluster::member_servers::{MemberServer, MemberServerState};
use crate::model::cluster::server::ServerProcess;
use crate::model::cluster::server::{Database, Server};
use crate::model::cluster::two_primaries::TwoPrimaries;
use crate::model::event::{
    Backwards, BackwardsWhat, Event, Failure, Header, Interval, OutageBegan, Verification, What,
};
use crate::model::fault::Class;
use crate::model::ledger::account::{Account, Closing};
use crate::model::ledger::books::Ledger;
use crate::model::ledger::progress::Progress;
use crate::model::ledger::seq_set::SeqSet;
use crate::model::load::latency::Latencies;
use crate::model::load::own_pause::OwnPauses;
use crate::model::load::passed_over::PassedOverCounts;
use crate::model::load::rejection::{Rejected, Rejections};
use crate::model::outage::injection::{Cause, Injection};
use crate::model::outage::whose::WhoseSeconds;
use crate::model::outage::whose::direct::is_direct;
use crate::model::outage::whose::split::split;
use crate::model::outage::whose::watched::WatchersView;
use crate::model::outage::{Outage, Side};
use crate::model::outcome::Outcome;
use crate::model::own_limit::OwnLimit;
use crate::model::run::expectation::Expectation;
use crate::model::run::lanes::Lanes;
use crate::model::run::replica_lag::ReplicaLags;
use crate::model::run::software::Software;
use crate::model::run::timeline::Timeline;

/// Parts add up to their outage, but for the digits that a record has.
const ADD_UP_WITHIN: Duration = Duration::from_millis(20);

/// Positions of writers at the beginnings of outages that are remembered: those of a thousand
/// outages of a thousand writers, in 24 MB.
const POSITIONS_KEPT: usize = 1 << 20;

/// Everything that is known of a run.
#[derive(Debug)]
pub struct Run {
    /// What it is.
    pub header: Header,
    /// What became of every write.
    pub ledger: Ledger,
    /// What happened when.
    pub timeline: Timeline,
    /// What each member was when.
    pub lanes: Lanes,
    /// What runs on the servers, and Patroni's settings.
    pub software: Software,
    /// From due to acknowledged.
    pub latencies: Latencies,
    /// Of these, those of writes that an own pause may have held up.
    pub latencies_disturbed: Option<Latencies>,
    /// When pgchaos itself did not run.
    pub own_pauses: OwnPauses,
    /// Connect attempts that hung, and were given up beside others.
    pub abandoned: u64,
    /// When the first write was acknowledged.
    pub first_ack: Option<Duration>,
    /// Writes that came due.
    pub due: u64,
    /// Writes that came due and were never sent.
    pub skipped: u64,
    /// Errors by class.
    pub errors: BTreeMap<Class, u64>,
    /// How far replicas were behind.
    pub replicas: ReplicaLags,
    /// How often pgchaos itself ran out of something.
    pub own_limits: BTreeMap<OwnLimit, u64>,
    /// Hosts that were tried in vain before another one served.
    pub passed_over: PassedOverCounts,
    /// Every outage that ended, or that the run's end cut off.
    pub outages: Vec<Outage>,
    /// What a drill did to the cluster.
    pub injections: Vec<Injection>,
    /// History that went backwards.
    pub history_backwards: Vec<Backwards>,
    /// Pairs of servers that acknowledged at the same time.
    pub two_primaries: BTreeMap<u32, TwoPrimaries>,
    /// How far the servers' clocks are ahead of the run's.
    pub clocks: ClockOffsets,
    /// The verification that counts: the latest one that was complete, else the latest one.
    pub verification: Option<Verification>,
    /// A later one that was not complete: it is said, and replaces nothing.
    pub verification_since: Option<Verification>,
    /// The verdict of the drill that the run is the load of, when that is over.
    pub drill_verdict: Option<Outcome>,
    /// The highest id that was seen.
    pub highest_id: Option<i64>,
    /// The cluster that the run wrote to, by system identifier.
    pub system_identifier: Option<String>,
    /// The database that the run wrote to.
    pub database: Option<Database>,
    /// The highest timeline that was seen.
    pub highest_timeline: Option<u32>,
    /// Every server that acknowledged a write, in the order of their first ones; one that was
    /// started or promoted anew is another.
    pub acknowledging: Vec<Server>,
    /// How long it wrote, or waited to write.
    pub elapsed: Duration,
    /// Whether the record was closed.
    pub ended: bool,
    /// Whether the first success was there.
    pub ready: bool,
    /// The highest timeline on which a member led by Patroni's word.
    led_on: Option<u32>,
    /// What the watchers saw: what outages are split by.
    watched: WatchersView,
    /// How far every writer was when each outage began, or when it left its session by it.
    outage_starts: VecDeque<OutageBegan>,
    /// What had been done last when each outage was noticed, by its place among the injections.
    causes: BTreeMap<u32, usize>,
    /// The server process of each writer's last session.
    current_backends: BTreeMap<i32, ServerProcess>,
    /// Server processes that were left with a write in doubt.
    doubtful_backends: BTreeSet<ServerProcess>,
    stopping: bool,
    /// Whether others wrote in an outage, when that was last said.
    others_write: Option<(u32, bool)>,
    /// How many writers were out when that was last said.
    writers_out: u64,
    /// Lost writes of the outage that was open when the run was killed.
    lost_in_open: u64,
    /// In which outage writes were through again, and how long after it began.
    resumed: Option<(u32, Duration)>,
}

impl Run {
    /// A run of which only the header is known.
    #[must_use]
    pub fn new(header: Header) -> Self {
        Self {
            header,
            ledger: Ledger::default(),
            timeline: Timeline::default(),
            lanes: Lanes::default(),
            software: Software::default(),
            watched: WatchersView::default(),
            latencies: Latencies::default(),
            latencies_disturbed: None,
            own_pauses: OwnPauses::default(),
            abandoned: 0,
            first_ack: None,
            due: 0,
            skipped: 0,
            errors: BTreeMap::new(),
            replicas: ReplicaLags::default(),
            own_limits: BTreeMap::new(),
            passed_over: PassedOverCounts::default(),
            outages: Vec::new(),
            injections: Vec::new(),
            history_backwards: Vec::new(),
            two_primaries: BTreeMap::new(),
            clocks: ClockOffsets::default(),
            verification: None,
            verification_since: None,
            drill_verdict: None,
            highest_id: None,
            system_identifier: None,
            database: None,
            highest_timeline: None,
            acknowledging: Vec::new(),
            elapsed: Duration::ZERO,
            ended: false,
            ready: false,
            led_on: None,
            outage_starts: VecDeque::new(),
            causes: BTreeMap::new(),
            current_backends: BTreeMap::new(),
            doubtful_backends: BTreeSet::new(),
            stopping: false,
            others_write: None,
            writers_out: 0,
            lost_in_open: 0,
            resumed: None,
        }
    }

    /// Takes in the next event.
    #[expect(clippy::too_many_lines, reason = "a table: one match, one arm for each event")]
    pub fn apply(&mut self, event: &Event) {
        self.timeline.apply(event);
        self.lanes.apply(event);
        self.software.apply(event);
        self.watch(event);
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
                self.abandoned = self.abandoned.saturating_add(connected.abandoned);
                self.left_old_session(connected.writer);
                self.current_backends.insert(connected.writer, connected.backend.clone());
            }
            What::Acknowledging { server } => {
                self.first_ack.get_or_insert(event.at);
                self.acknowledging.push(server.clone());
            }
            What::OwnPause(pause) => self.own_pauses.add(*pause),
            What::WritesResumed(resumed) => self.resumed = Some((resumed.outage, resumed.after)),
            What::WritersOut(out) => {
                self.others_write = Some((out.outage, out.others_write));
                self.writers_out = out.out;
            }
            What::Leader(seen) => self.led_on = self.led_on.max(seen.timeline),
            What::ServerClock { server, offset } => self.clocks.add(server, *offset),
            What::Fault(failure) => self.failed(failure),
            What::PassedOver(passed_over) => self.passed_over.add(passed_over),
            What::GivenUp(writes) => self.in_doubt(writes.writer, &writes.seqs),
            What::AcknowledgedLocally(writes) => {
                self.ledger.commit_locally(writes.writer, &writes.seqs);
            }
            What::Interval(interval) => self.interval(interval),
            What::ReplicaLag(lag) => self.replicas.read(event.at, lag),
            What::ReplicaFailed { fault } => self.replicas.failed(fault),
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
            What::WhoseSeconds { outage, whose } => {
                // A record may come from anywhere: parts that do not add up are none.
                if let Some(outage) = self.outage_mut(*outage)
                    && whose.together().abs_diff(outage.duration) <= ADD_UP_WITHIN
                {
                    outage.whose = Some(whose.clone());
                }
            }
            What::Checked(checked) => {
                for (writer, seqs) in &checked.recovered {
                    self.ledger.recover(*writer, seqs);
                }
                for (writer, seqs) in &checked.there {
                    self.ledger.see(*writer, seqs);
                }
            }
            What::Reclassified { outage, kind } => {
                if let Some(outage) = self.outage_mut(*outage) {
                    outage.kind = *kind;
                }
            }
            What::HistoryBackwards(backwards) => self.history_backwards.push(backwards.clone()),
            What::TwoPrimaries(seen) if seen.to < seen.from => {}
            What::TwoPrimaries(seen) => {
                self.two_primaries.insert(seen.n, TwoPrimaries::clone(seen));
            }
            What::Stopping { .. } => self.stopping = true,
            What::Verified(verification) => self.verified(verification),
            What::Closed => self.ended = true,
            What::Ended { complete } => self.ended |= *complete,
            What::Result(result) => self.drill_verdict = result.drill.or(self.drill_verdict),
            What::Run(_)
            | What::Refused { .. }
            | What::Stalled(_)
            | What::NoSession(_)
            | What::StallSeen(_)
            | What::Written(_)
            | What::ReadBack(_)
            | What::AckGap(_)
            | What::AckGapGoesOn { .. }
            | What::IdGap(_)
            | What::LeaderKey(_)
            | What::MemberChanged(_)
            | What::MemberSoftware(_)
            | What::PatroniSettings(_)
            | What::PatroniApi(_)
            | What::ProxyChanged(_)
            | What::ProxyPage(_)
            | What::MemberServer(_)
            | What::ReplayPosition(_)
            | What::Witness(_)
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

    /// What is known of the cluster that the run wrote to.
    #[must_use]
    pub fn known(&self) -> KnownCluster {
        // Timelines of another cluster's server do not count. A server without a system identifier
        // may belong to this cluster: its acknowledgements count.
        let of_cluster = |server: &&Server| {
            server.system_identifier.is_none() || server.system_identifier == self.system_identifier
        };
        let servers: Vec<&Server> = self.acknowledging.iter().filter(of_cluster).collect();
        let timelines = || servers.iter().map(|server| server.timeline);
        let shared = |server: &&&Server| {
            let other = |one: &&Server| {
                one.timeline == server.timeline && one.same_member(server) == Some(false)
            };
            servers.iter().any(other)
        };
        KnownCluster {
            system_identifier: self.system_identifier.clone(),
            database: self.database.clone(),
            highest_timeline: self.highest_timeline.max(self.led_on),
            acknowledged: timelines().flatten().collect(),
            acknowledged_unseen: timelines().any(|timeline| timeline.is_none()),
            shared: servers.iter().filter(shared).filter_map(|server| server.timeline).collect(),
        }
    }

    /// Whether a writer's session goes through a pooler.
    #[must_use]
    pub fn is_pooled(&self, writer: i32) -> bool {
        self.current_backends.get(&writer).is_some_and(|backend| backend.pooled)
    }

    /// Server processes that could still commit a write of this run.
    #[must_use]
    pub fn backends_to_wait_for(&self) -> BTreeSet<ServerProcess> {
        let mut backends = self.doubtful_backends.clone();
        if !self.ended {
            backends.extend(self.current_backends.values().cloned());
        }
        backends
    }

    /// The writers' numbers, from 1.
    #[must_use]
    pub fn writers(&self) -> RangeInclusive<i32> {
        1..=i32::try_from(self.header.options.writers).unwrap_or(i32::MAX)
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

    /// The outage that was open when the run was killed, as far as the record tells.
    #[must_use]
    pub fn open_outage(&self) -> Option<Outage> {
        let ended = self.outages.last().map_or(0, |outage| outage.n);
        let start = self.outage_starts.back().filter(|start| start.n > ended)?;
        let so_far = self.elapsed.saturating_sub(start.began);
        let resumed = self.resumed.filter(|(n, _)| *n == start.n).map(|(_, after)| after);
        let partial = resumed.is_none() && self.others_write == Some((start.n, true));
        let duration = match partial {
            true => Duration::ZERO,
            false => resumed.unwrap_or(so_far),
        };
        Some(Outage {
            n: start.n,
            began_at: self.header.started_at + start.began,
            began: start.began,
            duration,
            degraded: so_far,
            without_ack: duration,
            partial,
            writers_out_max: self.writers_out.max(1),
            writers_out_at_end: self.writers_out.max(1),
            first_ack: resumed.map(|after| start.began.saturating_add(after)),
            open: (!partial && resumed.is_none()).then_some(so_far),
            from: self.acknowledging.last().map(Side::from),
            lost: self.lost_in_open,
            ..Outage::default()
        })
    }

    /// What a watcher saw: what outages are split by.
    fn watch(&mut self, event: &Event) {
        // A server of another cluster takes no writes of this one's.
        if let What::MemberServer(MemberServer {
            is: MemberServerState::Answers { server }, ..
        }) = &event.what
            && let (Some(own), Some(theirs)) = (&self.system_identifier, &server.system_identifier)
            && own != theirs
        {
            return;
        }
        let (at, watched) = (event.at, &mut self.watched);
        match &event.what {
            What::Leader(seen) => watched.leader(at, seen),
            What::LeaderKey(seen) => watched.leader_key(at, *seen),
            What::PatroniSettings(_) | What::MemberSoftware(_) => {
                if let Some(patroni) = self.software.in_force(at) {
                    watched.settings(at, &patroni.settings);
                }
            }
            What::MemberChanged(seen) => watched.member(at, seen),
            What::MemberServer(seen) => watched.server(at, seen),
            What::Witness(seen) => watched.witness(at, seen),
            What::ProxyPage(seen) => watched.proxy_page(at, seen),
            What::ProxyChanged(seen) => watched.proxied(at, seen),
            _ => {}
        }
    }

    /// The parts of an outage that is over, with their owners, by what the watchers have seen so far.
    #[must_use]
    pub fn whose_seconds(&self, outage: u32) -> Option<WhoseSeconds> {
        let outage = self.outages.iter().rev().find(|ended| ended.n == outage)?;
        let sides = outage.from.iter().chain(&outage.to).map(|side| side.address.as_str());
        let servers = sides.chain(self.watched.addresses());
        let is_direct =
            is_direct(&self.header.target.endpoints, servers, self.header.haproxy.is_some());
        let mut whose = split(outage, &self.watched, is_direct)?;
        let (checks, options) = (self.header.proxy_checks.as_ref(), &self.header.options);
        Expectation::new(&self.software, checks, options).put_beside(outage, &mut whose);
        Some(whose)
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
        self.outage_starts.push_back(began.clone());
        let held = |starts: &VecDeque<OutageBegan>| -> usize {
            starts.iter().map(|start| start.writers.len()).sum()
        };
        while self.outage_starts.len() > 1 && held(&self.outage_starts) > POSITIONS_KEPT {
            // Losses that belong to the removed start are counted for the next one.
            self.outage_starts.pop_front();
        }
    }

    fn outage_mut(&mut self, n: u32) -> Option<&mut Outage> {
        self.outages.iter_mut().rev().find(|outage| outage.n == n)
    }

    /// A writer has a new session: what it sent before is what the outage that ended the old one
    /// could lose. That is more than what was known when the outage began, as writers are told of
    /// a little late and some go on for a while.
    fn left_old_session(&mut self, writer: i32) {
        let Some(book) = self.ledger.book(writer) else { return };
        let Some(start) = self.outage_starts.back_mut() else { return };
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
        if self.database.is_none() {
            self.database.clone_from(&server.database);
        }
        if server.system_identifier == self.system_identifier {
            self.highest_timeline = self.highest_timeline.max(server.timeline);
        }
    }

    fn failed(&mut self, failure: &Failure) {
        self.count_error(failure.fault.class, 1);
        if let Some(limit) = failure.fault.own_limit {
            *self.own_limits.entry(limit).or_default() += 1;
        }
        if let Some(writer) = failure.writer {
            self.blame_injection(failure.fault.class);
            self.ledger.reject(writer, &failure.rejected);
            self.in_doubt(writer, &failure.in_doubt);
        }
    }

    fn count_error(&mut self, class: Class, count: u64) {
        let errors = self.errors.entry(class).or_default();
        *errors = errors.saturating_add(count);
    }

    /// What a drill did last is what the load's errors follow.
    fn blame_injection(&mut self, class: Class) {
        if let Some(injection) = self.injections.last_mut()
            && !injection.errors.contains(&class)
        {
            injection.errors.push(class);
        }
    }

    fn in_doubt(&mut self, writer: i32, seqs: &SeqSet) {
        if !seqs.is_empty() {
            self.ledger.doubt(writer, seqs);
            self.doubtful_backends.extend(self.current_backends.get(&writer).cloned());
        }
    }

    fn refused(&mut self, rejections: &Rejections) {
        for Rejected { fault, count } in rejections {
            self.count_error(fault.class, *count);
            self.blame_injection(fault.class);
        }
    }

    fn interval(&mut self, interval: &Interval) {
        self.refused(&interval.rejections);
        // A damaged record may hold any number: do not overflow.
        self.due = self.due.saturating_add(interval.due);
        self.skipped = self.skipped.saturating_add(interval.skipped);
        for (writer, seqs) in &interval.rejected {
            self.ledger.reject(*writer, seqs);
        }
        for (writer, seqs) in &interval.in_doubt {
            self.ledger.doubt(*writer, seqs);
        }
        for (writer, seqs) in &interval.acknowledged_locally {
            self.ledger.commit_locally(*writer, seqs);
        }
        for progress in &interval.writers {
            self.ledger.progress(*progress);
        }
        for (latency_us, count) in &interval.latency_us {
            self.latencies.record_many_us(*latency_us, *count);
            if interval.own_pause {
                let disturbed = self.latencies_disturbed.get_or_insert_default();
                disturbed.record_many_us(*latency_us, *count);
            }
        }
        self.highest_id = self.highest_id.max(interval.highest_id);
    }

    fn verified(&mut self, verification: &Verification) {
        let is_complete = |one: &Verification| one.account.is_some();
        if verification.account.is_none() && self.verification.as_ref().is_some_and(is_complete) {
            self.verification_since = Some(verification.clone());
            return;
        }
        if let Some(account) = &verification.account {
            self.attribute_losses(account);
        }
        self.verification = Some(verification.clone());
        self.verification_since = None;
    }

    /// A lost write belongs to the first outage that ended its session, or began after it was sent.
    fn attribute_losses(&mut self, account: &Account) {
        for outage in &mut self.outages {
            outage.lost = 0;
        }
        self.lost_in_open = 0;
        let open = self.open_outage().map(|open| open.n);
        for (writer, lost) in &account.lost_writes {
            let mut after = 0_i64;
            for start in &self.outage_starts {
                let position = start.writers.iter().find(|progress| progress.writer == *writer);
                let Some(until) = position.map(|progress| progress.attempted) else { continue };
                let of_this = lost & &SeqSet::range(after.saturating_add(1), until);
                if let Some(outage) = self.outages.iter_mut().find(|outage| outage.n == start.n) {
                    outage.lost = outage.lost.saturating_add(of_this.len());
                } else if open == Some(start.n) {
                    self.lost_in_open = self.lost_in_open.saturating_add(of_this.len());
                }
                after = after.max(until);
            }
        }
    }
}
