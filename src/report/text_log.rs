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
mod outage_lines;
mod patroni_lines;
mod printer;
mod replicas;
mod run_lines;

#[cfg(test)]
mod tests;

use std::time::Duration;

use chrono::{DateTime, FixedOffset, Utc};

use crate::model::event::{Connected, Event, What};
use crate::model::server::Server;

use super::layout::{Line, Tone};
use super::numbers::duration;
use batch::Told;
use each_second::EachSecond;
use failure_lines::Setting;
use folding::Folding;
use printer::{Printer, Stamp};
use replicas::Replicas;

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
    each_second: EachSecond,
    replicas: Replicas,
    /// The server that was told last, until a failure makes the next session news.
    announced: Option<Server>,
    /// How long the last outage took.
    last_outage: Duration,
    /// When the outage began that is not over.
    outage_began: Option<Duration>,
    /// The verification was told, whatever it came to.
    verified: bool,
    /// The cluster was reached.
    ready: bool,
    printer: Printer,
}

impl TextLog {
    /// A log in which nothing is told yet.
    #[must_use]
    pub fn new(options: TextLogOptions) -> Self {
        Self {
            folding: Folding::new(options.writers > 1),
            each_second: EachSecond::default(),
            replicas: Replicas::default(),
            announced: None,
            last_outage: Duration::ZERO,
            outage_began: None,
            verified: false,
            ready: false,
            printer: Printer::new(&options),
            options,
        }
    }

    /// The rows that this event lets out, in order; often none.
    pub fn event(&mut self, event: &Event) -> Vec<String> {
        let at = event.at;
        self.verified |= matches!(event.what, What::Verified(_));
        self.ready |= matches!(event.what, What::Ready(_));
        match &event.what {
            What::Fault(failure) => {
                self.each_second.failure();
                if !failure.fault.phase.is_connecting() {
                    self.announced = None;
                }
                let told = self.folding.failure(at, failure);
                self.told(&told)
            }
            What::Stalled(stalled) => {
                let told = self.folding.stalled(at, stalled);
                self.told(&told)
            }
            What::Interval(interval) => {
                let line = self.each_second.interval(at, interval, self.outage_began.is_some());
                let shown = self.at_least(Verbosity::Normal) && !self.options.one_by_one;
                self.beside(at, line.filter(|_| shown))
            }
            What::Connected(connected) => self.connected(at, connected),
            What::OutageBegan(outage) => {
                (self.outage_began, self.announced) = (Some(outage.began), None);
                Vec::new()
            }
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
            What::Leader(seen) => self.beside(at, Some(patroni_lines::leader(seen))),
            What::PatroniApi(reached) => {
                let shown = self.at_least(Verbosity::Normal);
                self.beside(at, Some(patroni_lines::api(reached)).filter(|_| shown))
            }
            What::LeaderChanged { .. } => Vec::new(),
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
        self.told(&told)
    }

    /// The rows that are still held back when no event follows.
    pub fn finish(&mut self, at: Duration) -> Vec<String> {
        let told = self.folding.end(at);
        self.told(&told)
    }

    fn at_least(&self, verbosity: Verbosity) -> bool {
        self.options.verbosity >= verbosity
    }

    fn several_writers(&self) -> bool {
        self.options.writers > 1
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
            What::WritesResumed(resumed) => stamped(outage_lines::resumed(resumed, writers)),
            What::OutageEnded(outage) => {
                (self.outage_began, self.last_outage) = (None, outage.degraded);
                stamped(outage_lines::ended(outage, writers))
            }
            What::FullRate { after, .. } if *after > self.last_outage + NOTABLY_LATER => {
                let text = format!("full rate again {} after the outage began", duration(*after));
                below([Line::new(Tone::Plain, "").rest(text)])
            }
            What::Checked(checked) => {
                found(at, outage_lines::checked(checked, self.several_writers()))
            }
            What::Reclassified { outage, kind } => {
                stamped(outage_lines::reclassified(*outage, *kind))
            }
            What::IdGap(gap) => below([outage_lines::id_gap(gap)]),
            What::HistoryBackwards(backwards) => stamped(outage_lines::backwards(backwards)),
            What::Injected(injected) => stamped(drill_lines::injected(injected)),
            What::InjectionEnded { took, .. } => below(drill_lines::ended(*took)),
            What::Drill { message } if self.at_least(Verbosity::Normal) => {
                below([drill_lines::said(message)])
            }
            What::Stopping { reason } => stamped(run_lines::stopping(*reason)),
            What::Verifying { step } if self.at_least(Verbosity::Normal) => {
                below([Line::new(Tone::Plain, "").rest(format!("verifying: {step}"))])
            }
            What::LookedAt { writes, of } if self.at_least(Verbosity::Normal) => {
                below([run_lines::looked_at(*writes, *of)])
            }
            What::Verified(verification) => found(at, run_lines::verified(verification)),
            What::Ended { .. } if !self.verified && self.ready => stamped(run_lines::stopped_now()),
            What::Warning { message } => {
                stamped(Line::new(Tone::Wary, "WARNING").rest(format!(": {message}")))
            }
            _ => Vec::new(),
        }
    }

    fn told(&mut self, told: &[Told]) -> Vec<String> {
        let setting = Setting {
            writers: self.options.writers,
            verbose: self.at_least(Verbosity::Verbose),
            outage_began: self.outage_began,
        };
        let quiet = self.options.verbosity == Verbosity::Quiet;
        let mut rows = Vec::new();
        for told in told.iter().filter(|told| !(quiet && told.is_repeat())) {
            rows.extend(self.printer.rows(Stamp::At(told.at), &failure_lines::line(told, setting)));
        }
        rows
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
