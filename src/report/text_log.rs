//! The log for people: events in, whole lines out.
//!
//! The log tells a run as one would tell it to a colleague: what goes as planned in one line each,
//! or in one line a second where that would be too many; failures folded and never dropped; alarms
//! in bold red.

mod drill_lines;
mod each_second;
mod failure_group;
mod failure_lines;
mod folding;
mod local_acknowledgements;
mod member_lines;
mod options;
mod outage_lines;
mod passed_over;
mod patroni_lines;
mod printer;
mod proxy_lines;
mod replicas;
mod run_lines;
mod stalls;
mod whose_line;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::cluster::member_servers::MemberServerState;
use crate::model::cluster::server::Server;
use crate::model::cluster::two_primaries::TwoPrimaries;
use crate::model::event::{
    Checked, Connected, Event, Failure, Interval, ReadBack, What, WritersOut, Written,
};
use crate::model::ledger::seq_set::SeqSet;
use crate::model::outage::Outage;

use super::layout::{Line, Tone};
use super::numbers::duration;
use drill_lines::OpenActions;
use each_second::EachSecond;
use failure_group::{FoldedFailures, Key};
use failure_lines::FailureContext;
use folding::Folding;
use local_acknowledgements::LocalAcknowledgements;
pub use options::{TextLogOptions, Verbosity};
use passed_over::PassedOverHosts;
use printer::{Printer, Stamp};
use replicas::ReplicaLines;
use stalls::OpenStalls;

/// The full rate is told when it comes this much later than the writes.
const NOTABLY_LATER: Duration = Duration::from_secs(1);

/// The log's state: what was told, and what is held back to be told together.
#[derive(Debug)]
pub struct TextLog {
    options: TextLogOptions,
    folding: Folding,
    stalls: OpenStalls,
    each_second: EachSecond,
    local_acknowledgements: LocalAcknowledgements,
    /// Writes that were in flight when the run was stopped at once.
    given_up: u64,
    /// Writes in doubt that the last look-up did not find.
    not_found: BTreeMap<i32, SeqSet>,
    replicas: ReplicaLines,
    passed_over: PassedOverHosts,
    actions: OpenActions,
    /// The server that was told last, until a failure makes the next session news.
    announced: Option<Server>,
    /// How long the last outage took.
    last_outage: Duration,
    /// When the outage began that is not over.
    outage_began: Option<Duration>,
    /// Writers that are out while others write.
    writers_out: Option<u64>,
    /// Whether it was told that some writes go through again in this outage.
    resumed: bool,
    /// Whether the verification was told, with any result.
    verified: bool,
    /// How many pairs of primaries were told.
    two_primaries: u32,
    /// Whether the connection names several hosts.
    several_hosts: bool,
    /// Whether the cluster was reached.
    ready: bool,
    /// Whether every write that was sent has its outcome.
    closed: bool,
    printer: Printer,
}

impl TextLog {
    /// A log in which nothing is told yet.
    #[must_use]
    pub fn new(options: TextLogOptions) -> Self {
        Self {
            folding: Folding::new(options.writers > 1),
            stalls: OpenStalls::default(),
            each_second: EachSecond::default(),
            local_acknowledgements: LocalAcknowledgements::default(),
            given_up: 0,
            not_found: BTreeMap::new(),
            replicas: ReplicaLines::default(),
            passed_over: PassedOverHosts::default(),
            actions: OpenActions::default(),
            announced: None,
            last_outage: Duration::ZERO,
            outage_began: None,
            writers_out: None,
            resumed: false,
            verified: false,
            two_primaries: 0,
            several_hosts: false,
            ready: false,
            closed: false,
            printer: Printer::new(&options),
            options,
        }
    }

    /// The rows that this event lets out, in order; often none.
    ///
    /// Every event is named, those without a line too: a new one has to be decided here.
    #[expect(clippy::too_many_lines, reason = "one table: an arm an event")]
    pub fn event(&mut self, event: &Event) -> Vec<String> {
        let at = event.at;
        let normal = self.at_least(Verbosity::Normal);
        let verbose = self.at_least(Verbosity::Verbose);
        let writers = self.options.writers;
        match &event.what {
            // Failures, which are folded.
            What::Fault(failure) => self.failure(at, failure),
            What::Stalled(stalled) => {
                self.stalls.begins(at, stalled);
                let due = self.folding.stalled(at, stalled);
                self.failures(&due)
            }
            What::NoSession(waits) => {
                let due = self.folding.no_session(at, *waits);
                self.failures(&due)
            }
            What::Interval(interval) => self.interval(at, interval),

            // Daily life.
            What::Connected(connected) => self.connected(at, connected),
            What::Written(written) => self.written(at, written),
            What::ReadBack(read) => self.read_back(read),
            What::StallSeen(seen) => {
                let line = self.stalls.seen(seen, writers);
                self.beside(at, Some(line))
            }
            What::WritersOut(out) => self.writers_out(at, *out),
            What::ReplicaFailed { fault } => {
                let line = self.replicas.failed(fault, verbose);
                self.beside(at, line.filter(|_| normal))
            }
            What::ReplicaLag(lag) => {
                let line = self.replicas.lag(lag, verbose);
                self.beside(at, line.filter(|_| normal))
            }
            What::PassedOver(passed_over) => {
                let line = self.passed_over.add(at, passed_over);
                self.beside(at, line)
            }
            What::Leader(seen) => self.beside(at, Some(patroni_lines::leader(seen))),
            What::LeaderKey(key) => {
                self.beside(at, verbose.then(|| patroni_lines::leader_key(*key)))
            }
            What::MemberChanged(seen) => {
                self.beside(at, verbose.then(|| patroni_lines::member(seen)))
            }
            What::MemberSoftware(runs) => {
                self.beside(at, verbose.then(|| patroni_lines::software(runs)))
            }
            What::PatroniSettings(settings) => {
                self.beside(at, verbose.then(|| patroni_lines::settings(settings)))
            }
            What::PatroniApi(reached) => {
                self.beside(at, normal.then(|| patroni_lines::api(reached)))
            }
            What::ProxyChanged(seen) => self.beside(at, verbose.then(|| proxy_lines::server(seen))),
            What::ProxyPage(page) => self.beside(at, normal.then(|| proxy_lines::page(page))),
            What::MemberServer(seen) => {
                // One that cannot be watched, or never answered, may be a mistake in what was asked for.
                let is_told = match (&seen.is, seen.not_before) {
                    (MemberServerState::Refused { .. }, _) => normal,
                    (MemberServerState::Gone | MemberServerState::Silent, None) => normal,
                    _ => verbose,
                };
                self.beside(at, is_told.then(|| member_lines::server(seen)))
            }
            What::ReplayPosition(_) => Vec::new(),
            What::Witness(seen) => self.beside(at, verbose.then(|| member_lines::witness(seen))),
            What::AcknowledgedLocally(writes) => {
                self.local_acknowledgements.add(writes);
                let line = self.local_acknowledgements.due(at);
                self.beside(at, line)
            }

            // An outage, and what is found after it.
            What::OutageBegan(outage) => {
                (self.outage_began, self.announced) = (Some(outage.began), None);
                self.resumed = false;
                Vec::new()
            }
            What::WritesResumed(resumed) => {
                self.resumed = true;
                self.fact(at, stamped(at, outage_lines::resumed(resumed, writers)))
            }
            What::OutageEnded(outage) => self.outage_ended(at, outage),
            What::FullRate { after, .. } => self.full_rate(at, *after),
            What::WhoseSeconds { whose, .. } => {
                self.fact(at, stamped(at, whose_line::whose(whose)))
            }
            What::Checked(checked) => self.checked(at, checked),
            What::Reclassified { outage, kind } => {
                self.fact(at, stamped(at, outage_lines::reclassified(*outage, *kind)))
            }
            What::IdGap(gap) => self.fact(at, below([outage_lines::id_gap(gap)])),
            What::HistoryBackwards(backwards) => {
                self.fact(at, stamped(at, outage_lines::backwards(backwards)))
            }
            What::TwoPrimaries(seen) => self.two_primaries(at, seen),

            // A drill.
            What::Injected(injected) => {
                let line = self.actions.begins(injected);
                self.fact(at, stamped(at, line))
            }
            What::InjectionEnded { step, took } => {
                let line = self.actions.ended(*step, *took);
                self.fact(at, line.map(|line| (Stamp::At(at), line)))
            }
            What::Drill { message } => {
                self.fact(at, normal.then(|| (Stamp::At(at), drill_lines::said(message))))
            }

            // The run, from its beginning to its verification.
            What::Run(header) => {
                self.stalls = OpenStalls::new(header.options.write_timeout);
                self.several_hosts = header.target.endpoints.contains(',');
                let line = || (Stamp::Rule, run_lines::header(header, verbose));
                self.fact(at, normal.then(line))
            }
            What::Ready(ready) => {
                self.ready = true;
                self.fact(at, run_lines::ready(ready).map(|line| (Stamp::At(at), line)))
            }
            What::Stopping { reason, writers_out } => {
                self.fact(at, stamped(at, run_lines::stopping(*reason, *writers_out, writers)))
            }
            What::GivenUp(writes) => {
                self.stalls.over(writes.writer);
                self.given_up += writes.seqs.len();
                Vec::new()
            }
            What::Verifying { step } => {
                let line = || Line::new(Tone::Plain, "").rest(format!("verifying: {step}"));
                self.fact(at, below(normal.then(line)))
            }
            What::LookedAt { writes, of } => {
                self.fact(at, below(normal.then(|| run_lines::looked_at(*writes, *of))))
            }
            What::Verified(verification) => {
                self.verified = true;
                self.fact(at, found(at, run_lines::verified(verification, self.closed)))
            }
            What::Closed => {
                self.closed = true;
                self.fact(at, None)
            }
            What::Ended { .. } => self.ended(at),
            What::OwnPause(pause) => self.fact(at, stamped(at, run_lines::own_pause(*pause))),
            What::Warning { message } => {
                let line = Line::new(Tone::Wary, "WARNING").rest(format!(": {message}"));
                self.fact(at, stamped(at, line))
            }

            // No line of their own. A session, and the problem that a command prints, say it.
            What::Acknowledging { .. } | What::Refused { .. } => self.fact(at, None),
            // For the record and for programs.
            What::Result(_)
            | What::LeaderChanged { .. }
            | What::ServerClock { .. }
            | What::AckGap(_)
            | What::AckGapGoesOn { .. } => Vec::new(),
        }
    }

    /// From now on rows are fitted to a terminal of so many columns.
    pub fn resized(&mut self, width: Option<usize>) {
        self.printer.resized(width);
    }

    /// The rows that were held back until now. To be called a few times a second.
    pub fn tick(&mut self, at: Duration) -> Vec<String> {
        let due = self.folding.due(at);
        let mut rows = self.failures(&due);
        let line = self.local_acknowledgements.due(at);
        rows.extend(self.beside(at, line));
        let line = self.stall_again(at);
        rows.extend(self.beside(at, line));
        rows
    }

    /// The rows that are still held back when no event follows.
    pub fn finish(&mut self, at: Duration) -> Vec<String> {
        let held = self.folding.end(at);
        let mut rows = self.failures(&held);
        let line = self.local_acknowledgements.rest(at);
        rows.extend(self.beside(at, line));
        rows
    }

    fn at_least(&self, verbosity: Verbosity) -> bool {
        self.options.verbosity >= verbosity
    }

    fn several_writers(&self) -> bool {
        self.options.writers > 1
    }

    /// Whether single writes are shown.
    fn shows_writes(&self) -> bool {
        self.at_least(Verbosity::Verbose)
            || (self.options.one_by_one && self.at_least(Verbosity::Normal))
    }

    /// Lines of a fact of the run: all failures that are held go first.
    fn fact(
        &mut self,
        at: Duration,
        lines: impl IntoIterator<Item = (Stamp, Line)>,
    ) -> Vec<String> {
        let held = self.folding.everything(at);
        self.after(&held, lines)
    }

    /// Lines of an end: all failures that are held go first, and later ones begin a new series.
    fn end(&mut self, at: Duration, lines: impl IntoIterator<Item = (Stamp, Line)>) -> Vec<String> {
        let held = self.folding.end(at);
        self.after(&held, lines)
    }

    fn after(
        &mut self,
        held: &[FoldedFailures],
        lines: impl IntoIterator<Item = (Stamp, Line)>,
    ) -> Vec<String> {
        let mut rows = self.failures(held);
        for (stamp, line) in lines {
            rows.extend(self.printer.rows(stamp, &line));
        }
        rows
    }

    /// A line of daily life: failures that are being gathered go first, repeated attempts keep
    /// their own pace.
    fn beside(&mut self, at: Duration, line: Option<Line>) -> Vec<String> {
        let Some(line) = line else { return Vec::new() };
        let held = self.folding.gathered(at);
        self.after(&held, stamped(at, line))
    }

    fn failure(&mut self, at: Duration, failure: &Failure) -> Vec<String> {
        self.each_second.failure();
        // The session goes on after a refusal that concerns one write alone.
        let goes_on = !failure.rejected.is_empty() && !failure.fault.means_no_write();
        if !failure.fault.phase.is_connecting() && !goes_on {
            self.announced = None;
        }
        let late = self.stalls.ended_by(at, failure);
        let due = self.folding.failure(at, failure, late);
        self.failures(&due)
    }

    fn interval(&mut self, at: Duration, interval: &Interval) -> Vec<String> {
        self.stalls.interval(interval);
        let due = self.folding.interval(at, interval);
        let mut rows = self.failures(&due);
        let in_outage = self.outage_began.is_some();
        let line = self.each_second.interval(at, interval, in_outage, self.writers_out);
        let shown = self.at_least(Verbosity::Normal) && !self.options.one_by_one;
        rows.extend(self.beside(at, line.filter(|_| shown)));
        rows
    }

    fn written(&mut self, at: Duration, written: &Written) -> Vec<String> {
        if !self.shows_writes() {
            return Vec::new();
        }
        let verbose = self.at_least(Verbosity::Verbose);
        self.beside(at, Some(run_lines::written(written, self.several_writers(), verbose)))
    }

    fn read_back(&mut self, read: &ReadBack) -> Vec<String> {
        if !self.shows_writes() || read.ids.is_empty() {
            return Vec::new();
        }
        self.printer.rows(Stamp::Below, &run_lines::read_back(read))
    }

    /// That there is still no answer, every few seconds.
    fn stall_again(&mut self, at: Duration) -> Option<Line> {
        let (group, waiting) = self.stalls.due(at)?;
        let shown = self.at_least(Verbosity::Normal);
        shown.then(|| failure_lines::stall(&group, self.context()).part_if(waiting))
    }

    /// That some writers are out while others write is told once an outage.
    fn writers_out(&mut self, at: Duration, now: WritersOut) -> Vec<String> {
        let before = self.writers_out;
        self.writers_out = now.others_write.then_some(now.out);
        let is_news = before.is_none() && now.others_write && !self.resumed;
        let line = outage_lines::writers_out(now.out, self.options.writers);
        self.beside(at, Some(line).filter(|_| is_news))
    }

    fn connected(&mut self, at: Duration, connected: &Connected) -> Vec<String> {
        self.stalls.over(connected.writer);
        let verbose = self.at_least(Verbosity::Verbose);
        let news = self.announced.as_ref() != Some(&connected.server);
        if !news && !verbose {
            return Vec::new();
        }
        self.announced = Some(connected.server.clone());
        let mut held = if news { self.folding.end(at) } else { self.folding.gathered(at) };
        if self.outage_began.is_some() {
            // The end of the outage sums the attempts up.
            held.retain(|failures| !failures.is_repeat());
        }
        let line = run_lines::connected(connected, verbose && self.several_writers());
        self.after(&held, stamped(at, line))
    }

    fn outage_ended(&mut self, at: Duration, outage: &Outage) -> Vec<String> {
        self.stalls.all_over();
        // The failures that are held belong to the outage: their words say how long it lasts.
        let mut rows = self.end(at, None);
        (self.outage_began, self.last_outage) = (None, outage.degraded);
        self.writers_out = None;
        let line = outage_lines::ended(outage, self.options.writers);
        rows.extend(self.printer.rows(Stamp::At(at), &line));
        rows
    }

    fn full_rate(&mut self, at: Duration, after: Duration) -> Vec<String> {
        let is_later = after > self.last_outage + NOTABLY_LATER;
        let text = format!("full rate again {} after the outage began", duration(after));
        self.fact(at, below(is_later.then(|| Line::new(Tone::Plain, "").rest(text))))
    }

    fn checked(&mut self, at: Duration, checked: &Checked) -> Vec<String> {
        let before = std::mem::replace(&mut self.not_found, checked.not_found.clone());
        let news = before != checked.not_found;
        self.fact(at, found(at, outage_lines::checked(checked, news, self.several_writers())))
    }

    /// Two primaries are told when they are first seen, and when their window is over.
    fn two_primaries(&mut self, at: Duration, seen: &TwoPrimaries) -> Vec<String> {
        let is_news = seen.over || self.two_primaries < seen.n;
        if is_news {
            self.two_primaries = self.two_primaries.max(seen.n);
        }
        self.fact(at, is_news.then(|| (Stamp::At(at), outage_lines::two_primaries(seen))))
    }

    fn ended(&mut self, at: Duration) -> Vec<String> {
        self.stalls.all_over();
        let stopped_now = !self.verified && self.ready;
        let line = run_lines::stopped_now(self.given_up);
        self.end(at, stopped_now.then_some((Stamp::At(at), line)))
    }

    fn failures(&mut self, due: &[FoldedFailures]) -> Vec<String> {
        let context = self.context();
        let quiet = self.options.verbosity == Verbosity::Quiet;
        let mut rows = Vec::new();
        for failures in due.iter().filter(|failures| !(quiet && failures.is_repeat())) {
            if failures.key == Key::Stall {
                self.stalls.told(failures.at);
            }
            let endpoint = failures.group.fault.as_ref().map(|fault| fault.endpoint.as_str());
            let is_unproven =
                endpoint.is_some_and(|host| self.passed_over.closes_without_a_word(host));
            let context = FailureContext { way_worked: self.ready && !is_unproven, ..context };
            let line = failure_lines::line(failures, context);
            rows.extend(self.printer.rows(Stamp::At(failures.at), &line));
        }
        rows
    }

    fn context(&self) -> FailureContext {
        FailureContext {
            writers: self.options.writers,
            verbose: self.at_least(Verbosity::Verbose),
            several_hosts: self.several_hosts,
            ready: self.ready,
            way_worked: self.ready,
            outage_began: self.outage_began,
            writers_out: self.writers_out,
        }
    }
}

fn stamped(at: Duration, line: Line) -> [(Stamp, Line); 1] {
    [(Stamp::At(at), line)]
}

fn below(lines: impl IntoIterator<Item = Line>) -> impl Iterator<Item = (Stamp, Line)> {
    lines.into_iter().map(|line| (Stamp::Below, line))
}

/// Results: alarms and the first words of a result have a time, explanations stand below.
fn found(at: Duration, lines: Vec<Line>) -> impl Iterator<Item = (Stamp, Line)> {
    lines.into_iter().map(move |line| match line.mark.is_empty() {
        true => (Stamp::Below, line),
        false => (Stamp::At(at), line),
    })
}
