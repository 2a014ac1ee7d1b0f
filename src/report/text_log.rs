//! The log for people: events in, whole lines out.
//!
//! The log tells a run as one would tell it to a colleague: what is as planned in one line each,
//! or in one line a second where that would be too many; failures folded and never dropped; what
//! nobody may miss in bold red.

mod batch;
mod drill_lines;
mod each_second;
mod failure_lines;
mod folding;
mod locally;
mod outage_lines;
mod passed_over;
mod patroni_lines;
mod printer;
mod replicas;
mod run_lines;
mod silences;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, FixedOffset, Utc};

use crate::model::cluster::server::Server;
use crate::model::event::{Connected, Event, What, WritersOut};
use crate::model::ledger::seq_set::SeqSet;

use super::layout::{Line, Tone};
use super::numbers::duration;
use batch::{Key, Told};
use each_second::EachSecond;
use failure_lines::Setting;
use folding::Folding;
use locally::Locally;
use passed_over::PassedOverHosts;
use printer::{Printer, Stamp};
use replicas::Replicas;
use silences::Silences;

/// How much the log tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Failures, outages and results: no single writes, seconds, attempts or steps.
    Quiet,
    /// What one wants to watch.
    Normal,
    /// Every session and every replica's lag, messages in full.
    Verbose,
}

/// What the log needs to know before the first event.
#[derive(Debug, Clone)]
pub struct TextLogOptions {
    /// When the run began: events are told by the wall clock.
    pub started_at: DateTime<Utc>,
    /// The reader's offset from UTC.
    pub offset: FixedOffset,
    /// Whether to colour.
    pub colour: bool,
    /// How much to tell.
    pub verbosity: Verbosity,
    /// Single writes, as suits up to about ten a second; else one line a second.
    pub one_by_one: bool,
    /// How many writers there are.
    pub writers: u32,
    /// The terminal's width in columns; `None` where lines may be of any length, as in a file.
    pub width: Option<usize>,
}

/// The full rate is news when it comes this much later than the writes.
const NOTABLY_LATER: Duration = Duration::from_secs(1);

/// The log's state: what was told, and what is held back to be told together.
#[derive(Debug)]
pub struct TextLog {
    options: TextLogOptions,
    folding: Folding,
    silences: Silences,
    each_second: EachSecond,
    locally: Locally,
    /// Writes that were in flight when the run was stopped at once.
    given_up: u64,
    /// Writes in doubt that the last look-up did not find.
    not_found: BTreeMap<i32, SeqSet>,
    replicas: Replicas,
    passed_over: PassedOverHosts,
    /// The server that was told last, until a failure makes the next session news.
    announced: Option<Server>,
    /// How long the last outage took.
    last_outage: Duration,
    /// When the outage began that is not over.
    outage_began: Option<Duration>,
    /// Writers that are out while others write.
    writers_out: Option<u64>,
    /// That writes are through again in it was told.
    resumed: bool,
    /// The verification was told, whatever it came to.
    verified: bool,
    /// So many pairs of primaries were told.
    two_primaries: u32,
    /// The cluster was reached.
    ready: bool,
    /// Every write that was sent has its outcome.
    closed: bool,
    printer: Printer,
}

impl TextLog {
    /// A log in which nothing is told yet.
    #[must_use]
    pub fn new(options: TextLogOptions) -> Self {
        Self {
            folding: Folding::new(options.writers > 1),
            silences: Silences::default(),
            each_second: EachSecond::default(),
            locally: Locally::default(),
            given_up: 0,
            not_found: BTreeMap::new(),
            replicas: Replicas::default(),
            passed_over: PassedOverHosts::default(),
            announced: None,
            last_outage: Duration::ZERO,
            outage_began: None,
            writers_out: None,
            resumed: false,
            verified: false,
            two_primaries: 0,
            ready: false,
            closed: false,
            printer: Printer::new(&options),
            options,
        }
    }

    /// The rows that this event lets out, in order; often none.
    pub fn event(&mut self, event: &Event) -> Vec<String> {
        let at = event.at;
        self.verified |= matches!(event.what, What::Verified(_));
        self.ready |= matches!(event.what, What::Ready(_));
        self.closed |= matches!(event.what, What::Closed);
        self.follow_silences(at, &event.what);
        match &event.what {
            What::Fault(failure) => {
                self.each_second.failure();
                // After a refusal that is one write's fate, the session goes on.
                let goes_on = !failure.rejected.is_empty() && !failure.fault.means_no_write();
                if !failure.fault.phase.is_connecting() && !goes_on {
                    self.announced = None;
                }
                let late = self.silences.ended_by(at, failure);
                let told = self.folding.failure(at, failure, late);
                self.told(&told)
            }
            What::Stalled(stalled) => {
                let told = self.folding.stalled(at, stalled);
                self.told(&told)
            }
            What::NoSession(waits) => {
                let told = self.folding.no_session(at, *waits);
                self.told(&told)
            }
            What::StallSeen(seen) => {
                let line = self.silences.seen(seen, self.options.writers);
                self.beside(at, Some(line))
            }
            What::Interval(interval) => {
                let told = self.folding.interval(at, interval);
                let mut rows = self.told(&told);
                let in_outage = self.outage_began.is_some();
                let line = self.each_second.interval(at, interval, in_outage, self.writers_out);
                let shown = self.at_least(Verbosity::Normal) && !self.options.one_by_one;
                rows.extend(self.beside(at, line.filter(|_| shown)));
                rows
            }
            What::Connected(connected) => self.connected(at, connected),
            What::OutageBegan(outage) => {
                (self.outage_began, self.announced) = (Some(outage.began), None);
                self.resumed = false;
                Vec::new()
            }
            What::WritersOut(out) => self.writers_out(at, *out),
            What::Written(_) | What::ReadBack(_) => self.single(at, &event.what),
            What::ReplicaFailed { fault } => {
                let line = self.replicas.failed(fault, self.at_least(Verbosity::Verbose));
                let shown = self.at_least(Verbosity::Normal);
                self.beside(at, line.filter(|_| shown))
            }
            What::ReplicaLag(lag) => {
                let line = self.replicas.lag(lag, self.at_least(Verbosity::Verbose));
                let shown = self.at_least(Verbosity::Normal);
                self.beside(at, line.filter(|_| shown))
            }
            What::PassedOver(passed_over) => {
                let line = self.passed_over.add(at, passed_over);
                self.beside(at, line)
            }
            What::Leader(seen) => self.beside(at, Some(patroni_lines::leader(seen))),
            What::PatroniApi(reached) => {
                let shown = self.at_least(Verbosity::Normal);
                self.beside(at, Some(patroni_lines::api(reached)).filter(|_| shown))
            }
            What::LeaderChanged { .. }
            | What::ServerClock { .. }
            | What::AckGap(_)
            | What::AckGapGoesOn { .. } => Vec::new(),
            What::AcknowledgedLocally(writes) => {
                self.locally.add(writes);
                let line = self.locally.due(at);
                self.beside(at, line)
            }
            What::GivenUp(writes) => {
                self.given_up += writes.seqs.len();
                Vec::new()
            }
            what => {
                let mut rows = self.let_out(at, what);
                for (stamp, line) in self.lines(at, what) {
                    rows.extend(self.printer.rows(stamp, &line));
                }
                rows
            }
        }
    }

    /// The rows that were held back until now. To be called a few times a second.
    pub fn tick(&mut self, at: Duration) -> Vec<String> {
        let told = self.folding.due(at);
        let mut rows = self.told(&told);
        let line = self.locally.due(at);
        rows.extend(self.beside(at, line));
        let line = self.silence_again(at);
        rows.extend(self.beside(at, line));
        rows
    }

    /// The rows that are still held back when no event follows.
    pub fn finish(&mut self, at: Duration) -> Vec<String> {
        let told = self.folding.end(at);
        let mut rows = self.told(&told);
        let line = self.locally.rest(at);
        rows.extend(self.beside(at, line));
        rows
    }

    fn at_least(&self, verbosity: Verbosity) -> bool {
        self.options.verbosity >= verbosity
    }

    fn several_writers(&self) -> bool {
        self.options.writers > 1
    }

    fn follow_silences(&mut self, at: Duration, what: &What) {
        match what {
            What::Run(header) => self.silences = Silences::new(header.options.write_timeout),
            What::Stalled(stalled) => self.silences.begins(at, stalled),
            What::Interval(interval) => self.silences.interval(interval),
            What::Connected(connected) => self.silences.over(connected.writer),
            What::GivenUp(writes) => self.silences.over(writes.writer),
            What::OutageEnded(_) | What::Ended { .. } => self.silences.all_over(),
            _ => {}
        }
    }

    /// That there is no answer still, every few seconds.
    fn silence_again(&mut self, at: Duration) -> Option<Line> {
        let (batch, waiting) = self.silences.due(at)?;
        let shown = self.at_least(Verbosity::Normal);
        shown.then(|| failure_lines::stall(&batch, self.setting()).part_if(waiting))
    }

    /// What is held goes first; what works again begins a new series.
    fn let_out(&mut self, at: Duration, what: &What) -> Vec<String> {
        let told = match what {
            What::OutageEnded(_) | What::Ended { .. } => self.folding.end(at),
            _ => self.folding.everything(at),
        };
        self.told(&told)
    }

    /// A line of daily life: it follows what was gathered and leaves attempts to their own pace.
    fn beside(&mut self, at: Duration, line: Option<Line>) -> Vec<String> {
        let Some(line) = line else { return Vec::new() };
        let told = self.folding.gathered(at);
        let mut rows = self.told(&told);
        rows.extend(self.printer.rows(Stamp::At(at), &line));
        rows
    }

    fn single(&mut self, at: Duration, what: &What) -> Vec<String> {
        let verbose = self.at_least(Verbosity::Verbose);
        let shown = verbose || (self.options.one_by_one && self.at_least(Verbosity::Normal));
        if !shown {
            return Vec::new();
        }
        match what {
            What::Written(written) => {
                let line = run_lines::written(written, self.several_writers(), verbose);
                self.beside(at, Some(line))
            }
            What::ReadBack(read) if !read.ids.is_empty() => {
                self.printer.rows(Stamp::Below, &run_lines::read_back(read))
            }
            _ => Vec::new(),
        }
    }

    /// That some writers are out while others write is news once.
    fn writers_out(&mut self, at: Duration, now: WritersOut) -> Vec<String> {
        let before = self.writers_out;
        self.writers_out = now.others_write.then_some(now.out);
        let is_news = before.is_none() && now.others_write && !self.resumed;
        let line = outage_lines::writers_out(now.out, self.options.writers);
        self.beside(at, Some(line).filter(|_| is_news))
    }

    fn connected(&mut self, at: Duration, connected: &Connected) -> Vec<String> {
        let verbose = self.at_least(Verbosity::Verbose);
        let news = self.announced.as_ref() != Some(&connected.server);
        if !news && !verbose {
            return Vec::new();
        }
        self.announced = Some(connected.server.clone());
        let mut told = if news { self.folding.end(at) } else { self.folding.gathered(at) };
        if self.outage_began.is_some() {
            // The end of the outage sums the attempts up.
            told.retain(|told| !told.is_repeat());
        }
        let mut rows = self.told(&told);
        let line = run_lines::connected(connected, verbose && self.several_writers());
        rows.extend(self.printer.rows(Stamp::At(at), &line));
        rows
    }

    /// The lines of what is no failure and no daily life.
    fn lines(&mut self, at: Duration, what: &What) -> Vec<(Stamp, Line)> {
        let writers = self.options.writers;
        let stamped = |line| vec![(Stamp::At(at), line)];
        match what {
            What::Run(header) if self.at_least(Verbosity::Normal) => {
                let verbose = self.at_least(Verbosity::Verbose);
                vec![(Stamp::Rule, run_lines::header(header, verbose))]
            }
            What::Ready(ready) => run_lines::ready(ready).map(stamped).unwrap_or_default(),
            What::WritesResumed(resumed) => {
                self.resumed = true;
                stamped(outage_lines::resumed(resumed, writers))
            }
            What::OutageEnded(outage) => {
                (self.outage_began, self.last_outage) = (None, outage.degraded);
                self.writers_out = None;
                stamped(outage_lines::ended(outage, writers))
            }
            What::FullRate { after, .. } if *after > self.last_outage + NOTABLY_LATER => {
                let text = format!("full rate again {} after the outage began", duration(*after));
                below([Line::new(Tone::Plain, "").rest(text)])
            }
            What::Checked(checked) => {
                let told = std::mem::replace(&mut self.not_found, checked.not_found.clone());
                let news = told != checked.not_found;
                found(at, outage_lines::checked(checked, news, self.several_writers()))
            }
            What::Reclassified { outage, kind } => {
                stamped(outage_lines::reclassified(*outage, *kind))
            }
            What::IdGap(gap) => below([outage_lines::id_gap(gap)]),
            What::HistoryBackwards(backwards) => stamped(outage_lines::backwards(backwards)),
            What::TwoPrimaries(seen) if seen.over || self.two_primaries < seen.n => {
                self.two_primaries = self.two_primaries.max(seen.n);
                stamped(outage_lines::two_primaries(seen))
            }
            What::Injected(injected) => stamped(drill_lines::injected(injected)),
            What::InjectionEnded { took, .. } => below(drill_lines::ended(*took)),
            What::Drill { message } if self.at_least(Verbosity::Normal) => {
                stamped(drill_lines::said(message))
            }
            What::Stopping { reason, writers_out } => {
                stamped(run_lines::stopping(*reason, *writers_out, writers))
            }
            What::Verifying { step } if self.at_least(Verbosity::Normal) => {
                below([Line::new(Tone::Plain, "").rest(format!("verifying: {step}"))])
            }
            What::LookedAt { writes, of } if self.at_least(Verbosity::Normal) => {
                below([run_lines::looked_at(*writes, *of)])
            }
            What::Verified(verification) => {
                found(at, run_lines::verified(verification, self.closed))
            }
            What::Ended { .. } if !self.verified && self.ready => {
                stamped(run_lines::stopped_now(self.given_up))
            }
            What::OwnPause(pause) => stamped(run_lines::own_pause(*pause)),
            What::Warning { message } => {
                stamped(Line::new(Tone::Wary, "WARNING").rest(format!(": {message}")))
            }
            _ => Vec::new(),
        }
    }

    fn told(&mut self, told: &[Told]) -> Vec<String> {
        let setting = self.setting();
        let quiet = self.options.verbosity == Verbosity::Quiet;
        let mut rows = Vec::new();
        for told in told.iter().filter(|told| !(quiet && told.is_repeat())) {
            if told.key == Key::Stall {
                self.silences.told(told.at);
            }
            rows.extend(self.printer.rows(Stamp::At(told.at), &failure_lines::line(told, setting)));
        }
        rows
    }

    fn setting(&self) -> Setting {
        Setting {
            writers: self.options.writers,
            verbose: self.at_least(Verbosity::Verbose),
            ready: self.ready,
            outage_began: self.outage_began,
            writers_out: self.writers_out,
        }
    }
}

fn below(lines: impl IntoIterator<Item = Line>) -> Vec<(Stamp, Line)> {
    lines.into_iter().map(|line| (Stamp::Below, line)).collect()
}

/// What was found: alarms and the first words of a result have a time, what explains stands below.
fn found(at: Duration, lines: Vec<Line>) -> Vec<(Stamp, Line)> {
    let stamp = |line: &Line| if line.mark.is_empty() { Stamp::Below } else { Stamp::At(at) };
    lines.into_iter().map(|line| (stamp(&line), line)).collect()
}
