//! An outage while it goes on: what was seen of it so far.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::model::cluster::server::Server;
use crate::model::fault::{Class, Fault};
use crate::model::outage::ack_timeline::{AckTimeline, NoAckSpan};
use crate::model::outage::clock_output::{Output, SoFar};
use crate::model::outage::kind::{Filled, Kind, Sightings};
use crate::model::outage::server_reason::ServerReason;
use crate::model::outage::{Outage, Phases, Side, WITHOUT_ACK_MIN};

/// Failed attempts that are remembered to tell the resolution.
const FAILED_ATTEMPTS_KEPT: usize = 1024;

/// Read-only servers that are remembered to tell the kind.
const READ_ONLY_KEPT: usize = 32;

/// At most this many writers that wrote during the outage are remembered: a few are enough.
const OTHERS_KEPT: usize = 64;

/// SQLSTATEs that are remembered apart.
const SQLSTATES_KEPT: usize = 8;

/// The pause before an output: from the first writer's return to "resumed" while others are out,
/// and from the first evidence to "others write".
const NEWS_AFTER: Duration = Duration::from_millis(500);

/// Other writers count as writing if they wrote at least this long before the first return.
const LEAD: Duration = Duration::from_millis(100);

/// At most this many endpoints are remembered apart; a connection string has a few.
const ENDPOINTS_KEPT: usize = 64;

/// One outage that is not summed up yet.
#[derive(Debug)]
pub(super) struct OpenOutage {
    pub(super) n: u32,
    pub(super) began: Duration,
    /// When the last writer was back; `None` while some writer cannot write.
    pub(super) over: Option<Duration>,
    pub(super) rate_before: Option<f64>,
    pub(super) in_doubt: u64,
    /// How many writers there are.
    writers: u64,
    /// Writers that are out, and since when.
    down: BTreeMap<i32, Duration>,
    /// Writers that were out at some time in the outage.
    ever_down: BTreeSet<i32>,
    out_max: u64,
    /// When the first evidence was known.
    noticed: Option<Duration>,
    /// Writers that were never out, and the first acknowledgement of each after that.
    others: BTreeMap<i32, Duration>,
    ended_by_run: bool,
    /// When it was time to stop: from then on only writers that are out go on.
    stopping: Option<Duration>,
    /// Writers that were out then, and are not out any more.
    back_after_stop: u64,
    /// Writers that were out when they had nothing left to write.
    gone: u64,
    first_back: Option<Duration>,
    last_back: Option<Duration>,
    told_resumed: bool,
    told_out: Option<(Duration, u64, bool)>,
    attempts: u64,
    abandoned: u64,
    /// Start and end of failed attempts, the latest last.
    failed: VecDeque<(Duration, Duration)>,
    errors: BTreeMap<Class, u64>,
    /// Errors of class `sql`, by SQLSTATE: the first few.
    sqlstates: BTreeMap<String, u64>,
    first_error: Option<Duration>,
    tcp_accepted: Option<Duration>,
    session: Option<Duration>,
    /// When a session's server first said that it takes writes, and when its TCP connect was accepted.
    writable: Option<(Duration, Duration)>,
    /// What was seen in the part that the trail has forgotten.
    folded: Option<Folded>,
    last_ack: Option<Duration>,
    sightings: Sightings,
    /// What was met at each endpoint.
    met: BTreeMap<String, Met>,
    /// If no server acknowledged before: the first one that acknowledged other writers during the
    /// outage, and what was met at each endpoint since then.
    beside: Option<(Arc<Server>, BTreeMap<String, Met>)>,
    /// The server of the writer that was back last: other writers may never have left theirs.
    after: Option<Arc<Server>>,
}

/// The part of an outage that the trail of acknowledgements has forgotten.
#[derive(Debug, Clone, Copy)]
struct Folded {
    longest: NoAckSpan,
    /// Time without an acknowledgement.
    quiet: Duration,
    /// Where the part ends.
    to: Duration,
}

/// What was met at one endpoint.
#[derive(Debug, Clone, Default)]
struct Met {
    errors: BTreeSet<Class>,
    reasons: BTreeSet<ServerReason>,
    /// A session ended there: it leads to the server before.
    had_session: bool,
}

impl OpenOutage {
    pub(super) fn new(
        n: u32,
        writers: u64,
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
            writers,
            down: BTreeMap::new(),
            ever_down: BTreeSet::new(),
            out_max: 0,
            noticed: None,
            others: BTreeMap::new(),
            ended_by_run: false,
            stopping: None,
            back_after_stop: 0,
            gone: 0,
            first_back: None,
            last_back: None,
            told_resumed: false,
            told_out: None,
            attempts: 0,
            abandoned: 0,
            failed: VecDeque::new(),
            errors: BTreeMap::new(),
            sqlstates: BTreeMap::new(),
            first_error: None,
            tcp_accepted: None,
            session: None,
            writable: None,
            folded: None,
            last_ack: None,
            sightings: Sightings { before, ..Sightings::default() },
            met: BTreeMap::new(),
            beside: None,
            after: None,
        }
    }

    /// A writer cannot write, since a time that may be before the outage was noticed, known at `at`.
    pub(super) fn writer_down(&mut self, writer: i32, since: Duration, at: Duration) {
        let down_since = self.down.entry(writer).or_insert(since);
        *down_since = since.min(*down_since);
        self.ever_down.insert(writer);
        self.out_max = self.out_max.max(self.down.len() as u64);
        earliest(&mut self.noticed, Some(at));
        // This writer is out: answers that it got after the first evidence were already on the way.
        self.others.remove(&writer);
        self.over = None;
        self.ended_by_run = false;
        if self.folded.is_none() {
            self.began = self.began.min(since);
        }
    }

    /// A writer had a write acknowledged. The last one told is not always the last one back.
    pub(super) fn writer_back(&mut self, writer: i32, at: Duration, server: Option<Arc<Server>>) {
        if let Some(since) = self.down.remove(&writer) {
            let was_out = self.stopping.is_some_and(|stop| (since..=at).contains(&stop));
            self.back_after_stop += u64::from(was_out);
            if self.last_back <= Some(at) {
                self.after = server;
            }
            self.first_back = Some(self.first_back.map_or(at, |first| first.min(at)));
            self.last_back = self.last_back.max(Some(at));
            if self.down.is_empty() {
                self.over = self.last_back;
            }
        }
    }

    /// A writer had writes acknowledged. If it was never out, they show that others write.
    pub(super) fn other_wrote(&mut self, writer: i32, at: &[Duration]) {
        let is_known = self.ever_down.contains(&writer) || self.others.contains_key(&writer);
        if is_known || self.others.len() == OTHERS_KEPT {
            return;
        }
        if let Some(first) = at.iter().copied().find(|at| Some(*at) > self.noticed) {
            self.others.insert(writer, first);
        }
    }

    /// A writer has nothing left to write. When no other is out, the outage was over with the last
    /// writer back; when none came back, it ends with the load.
    pub(super) fn writer_gone(&mut self, writer: i32, at: Duration) {
        if self.down.contains_key(&writer) && self.down.len() == 1 && self.last_back.is_none() {
            self.end(at);
        } else if self.down.remove(&writer).is_some() {
            self.gone += 1;
            if self.down.is_empty() {
                self.over = self.last_back;
            }
        }
    }

    /// It was time to stop at this time: from then on only writers that are out go on.
    pub(super) fn stopping(&mut self, at: Duration) {
        self.stopping.get_or_insert(at);
    }

    /// Whether all writers were out at the stop, as far as they have told: then the silence after
    /// it belongs to the outage. Before the stop this is always true.
    fn all_out(&self) -> bool {
        let Some(stop) = self.stopping else { return true };
        let still = self.down.values().filter(|since| **since <= stop).count() as u64;
        still + self.back_after_stop >= self.writers
    }

    /// Whether this writer cannot write.
    pub(super) fn is_down(&self, writer: i32) -> bool {
        self.down.contains_key(&writer)
    }

    /// `count` errors, also of attempts: `of_session` when a session was up. The last of them is of
    /// what was started at `started`.
    pub(super) fn error(
        &mut self,
        started: Duration,
        at: Duration,
        fault: &Fault,
        of_session: bool,
        count: u64,
    ) {
        *self.errors.entry(fault.class).or_default() += count;
        if let (Class::Sql, Some(sqlstate)) = (fault.class, &fault.sqlstate)
            && (self.sqlstates.len() < SQLSTATES_KEPT || self.sqlstates.contains_key(sqlstate))
        {
            *self.sqlstates.entry(sqlstate.clone()).or_default() += count;
        }
        earliest(&mut self.first_error, Some(at));
        self.meet(fault, of_session);
        if self.failed.len() == FAILED_ATTEMPTS_KEPT {
            self.failed.pop_front();
        }
        self.failed.push_back((started, at));
    }

    fn meet(&mut self, fault: &Fault, of_session: bool) {
        let beside = self.beside.as_mut().map(|(_, met)| met);
        for met in [Some(&mut self.met), beside].into_iter().flatten() {
            if met.len() >= ENDPOINTS_KEPT && !met.contains_key(&fault.endpoint) {
                continue;
            }
            let met = met.entry(fault.endpoint.clone()).or_default();
            met.errors.insert(fault.class);
            met.reasons.extend(ServerReason::of(fault));
            met.had_session |= of_session;
        }
    }

    /// This server acknowledged a write of a writer. If the writers that are out never could write,
    /// it is the server that they cannot write to.
    pub(super) fn acknowledged_beside(&mut self, writer: i32, server: &Arc<Server>) {
        let is_first = self.sightings.before.is_none() && self.beside.is_none();
        if is_first && !self.down.contains_key(&writer) && self.over.is_none() {
            self.beside = Some((Arc::clone(server), BTreeMap::new()));
        }
    }

    /// A session was refused for want of room while the writers had `own` on this server.
    pub(super) fn no_room(&mut self, server: &Server, own: u32) {
        let filled = server.session_limit.as_ref().and_then(|limit| Filled::of(limit, own));
        if filled.as_ref().map(|filled| filled.own)
            > self.sightings.filled.as_ref().map(|filled| filled.own)
        {
            self.sightings.filled = filled;
        }
    }

    /// Writers that cannot write now.
    pub(super) fn down(&self) -> impl Iterator<Item = i32> {
        self.down.keys().copied()
    }

    /// The errors and reasons of the server before: those met where a session ended. Where none did,
    /// reasons count only if there is one endpoint.
    fn seen_of_server_before(&self) -> Sightings {
        let mut sightings = self.sightings.clone();
        let mut everything = &self.met;
        if let Some((server, met)) = self.beside.as_ref().filter(|(_, met)| !met.is_empty()) {
            sightings.before = Some(Server::clone(server));
            everything = met;
        }
        let had_session = everything.values().any(|met| met.had_session);
        let is_one = everything.len() == 1;
        for met in everything.values() {
            if met.had_session || !had_session {
                sightings.errors.extend(&met.errors);
            }
            if met.had_session || is_one {
                sightings.reasons.extend(&met.reasons);
            }
        }
        sightings
    }

    /// A connect attempt failed, perhaps after TCP was accepted or a server had answered.
    pub(super) fn attempt(&mut self, accepted: Option<Duration>, server: Option<&Server>) {
        self.attempts += 1;
        earliest(&mut self.tcp_accepted, accepted);
        if let Some(server) = server {
            earliest(&mut self.session, accepted);
            let read_only = &mut self.sightings.read_only;
            if !read_only.contains(server) && read_only.len() < READ_ONLY_KEPT {
                read_only.push(server.clone());
            }
        }
    }

    pub(super) fn connected(&mut self, accepted: Duration, authenticated: Duration, at: Duration) {
        self.attempts += 1;
        earliest(&mut self.tcp_accepted, Some(accepted));
        earliest(&mut self.session, Some(authenticated));
        self.writable = [self.writable, Some((at, accepted))].into_iter().flatten().min();
    }

    /// Attempts that hung were given up beside the one that served.
    pub(super) fn abandoned(&mut self, attempts: u64) {
        self.attempts += attempts;
        self.abandoned += attempts;
    }

    /// Tells once that writes succeed again while other writers are still out.
    pub(super) fn resumed(&mut self, now: Duration) -> Option<Output> {
        let first_back = self.first_back?;
        let writers_down = self.down.len() as u64;
        if self.told_resumed
            || self.over.is_some()
            || writers_down >= self.writers
            || self.others_wrote()
            || now < first_back + NEWS_AFTER
        {
            return None;
        }
        self.told_resumed = true;
        Some(Output::Resumed {
            n: self.n,
            after: first_back.saturating_sub(self.began),
            writers_down,
        })
    }

    /// How many writers are out, and whether others write, when that has changed.
    pub(super) fn writers_out(&mut self, now: Duration) -> Option<Output> {
        let (at, out, others) = self.told_out.unwrap_or((self.began, 0, false));
        let others_write = self.others_wrote()
            || (self.first_back.is_some() && (self.down.len() as u64) < self.writers);
        let news = (self.down.len() as u64, others_write);
        // While the last writers come back, the number still out is not worth a line.
        let coming_back = self.first_back.is_some_and(|back| now < back + NEWS_AFTER);
        if coming_back || self.over.is_some() || news == (out, others) || now < at + NEWS_AFTER {
            return None;
        }
        self.told_out = Some((now, news.0, news.1));
        Some(Output::WritersOut { n: self.n, out: news.0, others_write })
    }

    /// What is known of it at `now`, while it is not over.
    pub(super) fn so_far(&self, acks: &AckTimeline, now: Duration) -> SoFar {
        let out = self.down.len() as u64;
        let last = acks.last_before(now).map_or(self.began, |last| last.max(self.began));
        // Writers that were not out stop writing at the stop: their silence is no evidence.
        let others_write = match self.stopping {
            Some(_) => !self.all_out(),
            None => out < self.writers && self.others_wrote(),
        };
        SoFar {
            out,
            without_ack: (!others_write).then(|| now.saturating_sub(last)),
            degraded: now.saturating_sub(self.began),
        }
    }

    /// Whether writers that were never out wrote clearly before the first return. When a stall ends
    /// for all, one of them is answered first: that is no partial outage.
    fn others_wrote(&self) -> bool {
        let first = self.others.values().min();
        first.is_some_and(|first| self.first_back.is_none_or(|back| *first + LEAD < back))
    }

    /// Keeps what was measured before `before`, as the timeline of acknowledgements will forget it.
    pub(super) fn fold(&mut self, acks: &AckTimeline, before: Duration) {
        if before <= self.began {
            return;
        }
        self.last_ack = self.last_ack.or_else(|| acks.last_before(self.began));
        // Fold only up to an acknowledgement: a stretch without one must not be cut in two.
        let Some(to) = acks.last_before(before).filter(|last| *last > self.began) else { return };
        let folded = self.folded();
        if to > folded.to {
            self.folded = Some(Folded { to, ..self.measured(acks, to) });
        }
    }

    fn folded(&self) -> Folded {
        let nothing = NoAckSpan { from: self.began, to: self.began };
        self.folded.unwrap_or(Folded { longest: nothing, quiet: Duration::ZERO, to: self.began })
    }

    /// What was seen until `to`.
    fn measured(&self, acks: &AckTimeline, to: Duration) -> Folded {
        let Folded { longest, quiet, to: from } = self.folded();
        Folded {
            longest: longest.longer(acks.longest_stretch(from, to)),
            quiet: quiet + acks.quiet(from, to, WITHOUT_ACK_MIN),
            to,
        }
    }

    /// The run is over before the outage is.
    pub(super) fn end(&mut self, now: Duration) {
        if self.over.is_none() {
            self.over = Some(now);
            self.ended_by_run = true;
        }
    }

    #[expect(
        clippy::too_many_lines,
        reason = "one literal of an outage, each field with its source"
    )]
    pub(super) fn summed_up(
        &self,
        started_at: DateTime<Utc>,
        acks: &AckTimeline,
        after: Option<&Server>,
    ) -> (Outage, Sightings) {
        let over = self.over.unwrap_or(self.began);
        let partial = self.is_partial(acks, over);
        let until = self.measured_until(over, partial);
        let Folded { longest, quiet, .. } = self.measured(acks, until);
        // The longest stretch is cut if it reaches `until` and no acknowledgement ends it there: a
        // writer that tried on ended it, or none did.
        let is_cut = longest.to == until && acks.last_before(until) != Some(until);
        let first_ack = match (partial, is_cut) {
            (true, _) => self.first_back,
            (false, false) => Some(longest.to),
            (false, true) => self.last_back.filter(|back| *back >= until),
        };
        let open = self.ended_by_run
            && !partial
            && self.tried_on_until().is_none()
            && (self.all_out() || first_ack.is_none());
        let last_ack = acks.last_before(until).map_or(self.began, |last| last.max(self.began));
        // The first acknowledgement names the server after the outage. In a partial outage the
        // other writers' acknowledgements do: it is the server that keeps these writers out.
        let is_proven = |_: &&Server| first_ack.is_some() || partial;
        let sightings = Sightings {
            after: self.after.as_deref().or(after).filter(is_proven).cloned(),
            ..self.seen_of_server_before()
        };
        let resolution = self.resolution(first_ack);
        let kind = sightings.kind();
        let outage = Outage {
            n: self.n,
            kind,
            detail: sightings.detail(kind),
            began_at: started_at + self.began,
            began: self.began,
            duration: longest.length(),
            resolution,
            writable_after: first_ack.map(|first_ack| {
                let latest = first_ack.saturating_sub(self.began);
                (latest.saturating_sub(resolution), latest)
            }),
            degraded: over.saturating_sub(self.began),
            without_ack: quiet,
            writers_out_max: self.out_max,
            partial,
            writers_out_at_end: if self.ended_by_run {
                self.down.len() as u64 + self.gone
            } else {
                0
            },
            open: open.then(|| until.saturating_sub(last_ack)),
            last_ack: self.last_ack_before(if partial { self.began } else { longest.from }, acks),
            first_ack,
            attempts: self.attempts,
            abandoned: self.abandoned,
            errors: self.errors.clone(),
            sqlstates: match kind {
                Kind::Unknown => self.sqlstates.clone(),
                _ => BTreeMap::new(),
            },
            phases: self.phases(first_ack, over),
            whose: None,
            from: sightings.before.as_ref().map(Side::from),
            to: sightings.after.as_ref().filter(|_| first_ack.is_some()).map(Side::from),
            in_doubt: self.in_doubt,
            skipped: 0,
            lost: 0,
            fault: None,
            stall_cause: None,
            blocked_by: None,
        };
        (outage, sightings)
    }

    /// Whether some writers were out while others wrote. If all are out in turns, continuous writes
    /// show it.
    fn is_partial(&self, acks: &AckTimeline, over: Duration) -> bool {
        if self.out_max >= self.writers {
            return false;
        }
        let until = self.stopping.map_or(over, |stop| over.min(stop)).max(self.began);
        let always_wrote = || self.measured(acks, until).longest.length() < LEAD;
        let is_long = until.saturating_sub(self.began) >= 2 * LEAD;
        self.others_wrote() || (is_long && always_wrote())
    }

    /// When the last writer that went on after the stop was back.
    fn tried_on_until(&self) -> Option<Duration> {
        self.last_back.filter(|back| self.stopping.is_some_and(|stop| *back >= stop))
    }

    /// Until when a time without acknowledgements is evidence. After the stop, writers that are not
    /// out, or are back, do not write.
    fn measured_until(&self, over: Duration, partial: bool) -> Duration {
        let Some(stop) = self.stopping else { return over };
        let until = match self.tried_on_until() {
            _ if partial || !self.all_out() => stop,
            Some(back) if self.ended_by_run => back,
            _ => over,
        };
        until.min(over).max(self.began)
    }

    fn last_ack_before(&self, from: Duration, acks: &AckTimeline) -> Option<Duration> {
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

    /// When the last error came before the first acknowledged write.
    fn last_error(&self, first_ack: Option<Duration>) -> Option<Duration> {
        let before = |(_, ended): &&(Duration, Duration)| first_ack.is_none_or(|ack| *ended <= ack);
        self.failed.iter().filter(before).map(|(_, ended)| *ended).max()
    }

    fn phases(&self, first_ack: Option<Duration>, over: Duration) -> Phases {
        let since = |at: Option<Duration>| at.map(|at| at.saturating_sub(self.began));
        Phases {
            first_error: since(self.first_error),
            last_error: since(self.last_error(first_ack)),
            tcp_accepted: since(self.tcp_accepted),
            session: since(self.session),
            writable: since(self.writable.map(|(at, _)| at)),
            writable_accepted: since(self.writable.map(|(_, accepted)| accepted)),
            first_ack: since(first_ack),
            all_writers: since((!self.ended_by_run).then_some(over)),
            full_rate: None,
            leader_changed: None,
        }
    }
}

/// The earlier of two times: writers tell late, and not in order.
fn earliest(known: &mut Option<Duration>, told: Option<Duration>) {
    *known = [*known, told].into_iter().flatten().min();
}
