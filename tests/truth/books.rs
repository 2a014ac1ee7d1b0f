//! The comparison that every case ends with: what pgchaos says of a run, against what psql and the wire say.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;
use uuid::Uuid;

use crate::support::{Finished, Postgres, Proxy, Wire};

/// A write of the run: writer and seq.
pub(crate) type Write = (i32, i64);

/// What is known of a run's writes without pgchaos.
#[derive(Debug, Clone, Default)]
pub(crate) struct Truth {
    /// Their Bind was seen on a wire.
    pub(crate) sent: BTreeSet<Write>,
    /// The proof went out to the client: `INSERT 0 1`, a row, `ReadyForQuery` with status I.
    pub(crate) acknowledged: BTreeSet<Write>,
    /// Of these, after a warning.
    pub(crate) warned: BTreeSet<Write>,
    /// An ERROR that proves it went out to the client.
    pub(crate) rejected: BTreeSet<Write>,
    /// What psql finds on the server that decides, and how often.
    pub(crate) rows: BTreeMap<Write, usize>,
    /// How many proofs may have reached a client that no longer listened: it gave up waiting, or was killed.
    pub(crate) unread_max: usize,
    /// How many writes may have left the client and never reached a wire, as their connection was cut.
    pub(crate) unseen_max: usize,
    /// Behind a pooler it cannot be seen that a write in doubt does not come any more: it may stay in doubt.
    pub(crate) may_stay_in_doubt: bool,
}

/// What pgchaos says of a run.
#[derive(Debug)]
pub(crate) struct Said {
    /// How the program ended.
    pub(crate) code: i32,
    /// The summary as JSON.
    pub(crate) summary: Value,
    /// Standard error.
    pub(crate) words: String,
}

/// A verdict, and the exit code that goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Pass,
    Fail,
    Inconclusive,
}

impl Verdict {
    fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
        }
    }

    fn code(self) -> i32 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::Inconclusive => 3,
        }
    }
}

impl From<&Finished> for Said {
    fn from(finished: &Finished) -> Self {
        let (code, summary) = (finished.code, finished.summary.clone());
        Self { code, summary, words: finished.stderr.clone() }
    }
}

impl Truth {
    /// What was seen of this run on these wires, which have no writes in common, and no row.
    pub(crate) fn of_wires(run: Uuid, proxies: &[&Proxy]) -> Self {
        let mut truth = Self { unseen_max: 40, ..Self::default() };
        for Wire { sent, acknowledged, warned, rejected } in
            proxies.iter().map(|proxy| proxy.wire())
        {
            let of_run = |tokens: BTreeSet<crate::support::Token>| {
                tokens
                    .into_iter()
                    .filter(|token| token.run == run)
                    .map(|token| (token.writer, token.seq))
                    .collect()
            };
            let sets: [BTreeSet<Write>; 4] = [sent, acknowledged, warned, rejected].map(of_run);
            let [sent, acknowledged, warned, rejected] = sets;
            truth.sent.extend(sent);
            truth.acknowledged.extend(acknowledged);
            truth.warned.extend(warned);
            truth.rejected.extend(rejected);
        }
        truth
    }

    /// The same with the rows that `lines` has, as psql prints `SELECT writer, seq`.
    pub(crate) fn with_rows(mut self, lines: &str) -> Self {
        for line in lines.lines() {
            let (writer, seq) = line.split_once('|').expect("two columns");
            *self.rows.entry((writer.parse().unwrap(), seq.parse().unwrap())).or_default() += 1;
        }
        self
    }

    /// The same with the rows on this server; a table that is gone has none.
    pub(crate) fn on(self, server: &Postgres, database: &str, run: Uuid) -> Self {
        let rows = server.try_psql_in(database, &rows_of(run));
        self.with_rows(&rows.unwrap_or_else(|error| {
            assert!(error.contains("does not exist"), "{error}");
            String::new()
        }))
    }

    /// Acknowledged, and not there.
    pub(crate) fn lost(&self) -> BTreeSet<Write> {
        self.acknowledged.iter().filter(|write| !self.rows.contains_key(write)).copied().collect()
    }

    /// Sent, and neither acknowledged nor rejected.
    pub(crate) fn in_doubt(&self) -> BTreeSet<Write> {
        let known = &self.acknowledged | &self.rejected;
        &self.sent - &known
    }

    /// There more than once.
    fn duplicated(&self) -> usize {
        self.rows.values().filter(|count| **count > 1).count()
    }

    /// There, though never sent or proven not committed.
    fn unexpected(&self) -> usize {
        let committed = |write| self.sent.contains(write) && !self.rejected.contains(write);
        self.rows.keys().filter(|write| !committed(*write)).count()
    }

    /// The verdict of a verification that sees all of it.
    pub(crate) fn verdict(&self) -> Verdict {
        let is_whole = self.lost().is_empty() && self.duplicated() == 0 && self.unexpected() == 0;
        if is_whole { Verdict::Pass } else { Verdict::Fail }
    }
}

/// The rows of a run, for psql.
pub(crate) fn rows_of(run: Uuid) -> String {
    format!("SELECT writer, seq FROM pgchaos.user_events WHERE run_id = '{run}' ORDER BY 1, 2")
}

/// Panics unless pgchaos says the truth and comes to one of these verdicts; gives the case's line.
#[track_caller]
pub(crate) fn assert_true(said: &Said, truth: &Truth, verdicts: &[Verdict]) -> String {
    let differences = differences(said, truth, verdicts);
    assert!(
        differences.is_empty(),
        "pgchaos says what is not true:\n- {}\nreasons: {}\nverification: {}\n{}",
        differences.join("\n- "),
        said.summary["reasons"],
        said.summary["verification"],
        tail(&said.words)
    );
    line(said, truth)
}

/// What the books hold, in one line.
pub(crate) fn line(said: &Said, truth: &Truth) -> String {
    format!(
        "acknowledged {} · rejected {} · in doubt {} · lost {} · {}",
        truth.acknowledged.len(),
        truth.rejected.len(),
        truth.in_doubt().len(),
        truth.lost().len(),
        said.summary["verdict"].as_str().unwrap_or("no verdict").to_uppercase()
    )
}

/// How much of a log a failed case shows.
const LINES_MAX: usize = 12;
const LINE_MAX: usize = 240;

/// The last lines of a log, without the load's daily life.
pub(crate) fn tail(words: &str) -> String {
    let daily = [
        "\"event\":\"written\"",
        "\"event\":\"interval\"",
        "\"event\":\"read_back\"",
        "\"event\":\"read\"",
    ];
    let lines = words.lines().filter(|line| !daily.iter().any(|word| line.contains(word)));
    let lines: Vec<String> = lines.map(|line| line.chars().take(LINE_MAX).collect()).collect();
    lines[lines.len().saturating_sub(LINES_MAX)..].join("\n")
}

/// Each statement of pgchaos about the run that is not true.
pub(crate) fn differences(said: &Said, truth: &Truth, verdicts: &[Verdict]) -> Vec<String> {
    let mut found = Differences::default();
    let summary = &said.summary;
    let verdict = summary["verdict"].as_str().unwrap_or_default();
    let allowed =
        verdicts.iter().any(|allowed| (allowed.name(), allowed.code()) == (verdict, said.code));
    found.unless(allowed, || {
        format!("verdict {verdict:?}, exit {}: {verdicts:?} is right", said.code)
    });

    let writes = |name: &str| number(&summary["writes"][name]);
    let (acknowledged, attempted) = (writes("acknowledged"), writes("attempted"));
    let unread = truth.acknowledged.len().saturating_sub(acknowledged);
    let unseen = attempted.saturating_sub(truth.sent.len());
    let sent = truth.sent.len();
    found.within("acknowledged", acknowledged, truth.acknowledged.len(), truth.unread_max, 0);
    found.within("attempted", attempted, sent, 0, truth.unseen_max);
    found.within(
        "acknowledged_locally",
        writes("acknowledged_locally"),
        truth.warned.len(),
        truth.unread_max,
        0,
    );
    found.same("rejected", writes("rejected"), truth.rejected.len());
    let in_doubt = truth.in_doubt();
    found.same("in_doubt", writes("in_doubt"), in_doubt.len() + unread + unseen);

    let lost = truth.lost();
    let named = lost_writes(summary);
    let invented: Vec<_> = named.difference(&lost).collect();
    found.unless(invented.is_empty(), || {
        let first: Vec<_> = invented.iter().take(3).collect();
        format!(
            "false LOST: {} named as lost are there, or were never acknowledged: {first:?}…",
            invented.len()
        )
    });
    found.unless(verdict != "pass" || truth.verdict() == Verdict::Pass, || {
        format!("false PASS: {} acknowledged writes are gone", lost.len())
    });

    let verification = &summary["verification"];
    if verification["state"] != "complete" {
        found.unless(verdict == "inconclusive", || {
            format!("{verdict} over a verification that is {}", verification["state"])
        });
        found.same("lost", number(&verification["lost"]), 0);
        return found.0;
    }
    let counted = |name: &str| number(&verification[name]);
    let there = |write: &&Write| truth.rows.contains_key(*write);
    let recovered = in_doubt.iter().filter(there).count();
    let present = truth.acknowledged.iter().filter(there).count() + recovered;
    found.within("lost", counted("lost"), lost.len(), unread, 0);
    found.same("lost_writes", named.len(), counted("lost"));
    found.within("recovered", counted("recovered"), recovered, 0, unread);
    let decided = counted("recovered") + counted("absent");
    let undecided = if truth.may_stay_in_doubt { in_doubt.len() + unseen - recovered } else { 0 };
    found.within("recovered + absent", decided, writes("in_doubt"), undecided, 0);
    found.same("present", counted("present"), present);
    found.same("duplicated", counted("duplicated"), truth.duplicated());
    found.same("unexpected", counted("unexpected"), truth.unexpected());
    found.0
}

#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn unless(&mut self, holds: bool, words: impl FnOnce() -> String) {
        if !holds {
            self.0.push(words());
        }
    }

    fn same(&mut self, what: &str, said: usize, truth: usize) {
        self.within(what, said, truth, 0, 0);
    }

    fn within(&mut self, what: &str, said: usize, truth: usize, fewer: usize, more: usize) {
        let range = truth.saturating_sub(fewer)..=truth + more;
        self.unless(range.contains(&said), || {
            let mut words = format!("{what} {said}, true is {truth}");
            if (fewer, more) != (0, 0) {
                let _ = write!(words, " ({}..={})", range.start(), range.end());
            }
            words
        });
    }
}

/// A number that is not there is one that no truth has.
fn number(value: &Value) -> usize {
    const NONE: usize = 999_999_999;
    value.as_u64().map_or(NONE, |number| usize::try_from(number).unwrap())
}

/// The lost writes that a summary names.
pub(crate) fn lost_writes(summary: &Value) -> BTreeSet<Write> {
    let ranges = summary["verification"]["lost_writes"].as_array().into_iter().flatten();
    ranges
        .flat_map(|range| {
            let number = |name: &str| range[name].as_i64().unwrap();
            let writer = i32::try_from(number("writer")).unwrap();
            (number("first_seq")..=number("last_seq")).map(move |seq| (writer, seq))
        })
        .collect()
}
