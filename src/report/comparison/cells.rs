//! What the tables of a comparison show, the same on a page of text, in Markdown and on the HTML page.

use chrono::FixedOffset;

use crate::model::comparison::verdict_on_sets::MeasureOfSets;
use crate::model::comparison::{ComparedRun, Comparison, SetName};
use crate::model::foreign::plain;
use crate::report::layout::Tone;
use crate::report::numbers::{counted, grouped, milliseconds, per_second, percent, seconds};
use crate::report::runs::table::minute;

use super::words;

/// The columns of the table of runs; the first is there where there are two sets.
pub const OF_RUNS: [&str; 10] = [
    "set",
    "run",
    "started",
    "verdict",
    "outage",
    "no write",
    "available",
    "lost",
    "p99",
    "writes",
];

/// Those of text, which stand to the left: set, run, when it started and its verdict.
pub const TEXTS_OF_RUNS: usize = 4;

/// Where [`OF_RUNS`] has the time of the start.
pub const STARTED: usize = 2;

/// The cells of a run, by [`OF_RUNS`], times as the reader's clock shows them.
#[must_use]
pub fn of_run(run: &ComparedRun, offset: FixedOffset) -> [String; 10] {
    let unknown = || "?".to_owned();
    let length = |length: Option<f64>| match length {
        None => unknown(),
        Some(none) if none <= 0.0 => if run.open { "none seen" } else { "none" }.to_owned(),
        Some(length) => format!("{}{}", if run.open { "≥ " } else { "" }, seconds(length)),
    };
    // What a record has that was cut is not the whole run's.
    let of_what_it_has = |number: String| if run.cut { format!("{number} cut") } else { number };
    [
        run.set.name().to_owned(),
        plain(&run.label),
        minute(run.started_at, offset),
        run.verdict.to_string(),
        length(run.longest_outage_s),
        length(run.without_write_s),
        run.availability_pct.map(percent).map_or_else(unknown, of_what_it_has),
        run.lost.map_or_else(unknown, grouped),
        run.latency_p99_ms.map(milliseconds).map_or_else(unknown, of_what_it_has),
        of_what_it_has(per_second(run.acknowledged_per_s)),
    ]
}

/// Whether there are two sets.
#[must_use]
pub fn has_two_sets(comparison: &Comparison) -> bool {
    comparison.conclusion.is_some()
}

/// What a set is: `A: 10 runs`, with the name that all of them have.
#[must_use]
pub fn of_set(comparison: &Comparison, set: SetName) -> String {
    let of_it = || comparison.runs.iter().filter(|run| run.set == set);
    let first = of_it().next().and_then(|run| run.name.as_deref());
    let common = first.filter(|name| of_it().all(|run| run.name.as_deref() == Some(name)));
    let common = common.map(|name| format!(" ({})", plain(name))).unwrap_or_default();
    let runs = counted(comparison.count(set), "run");
    format!("{}: {runs}{common}", set.name())
}

/// The rows of the table of measures: what it is, A, B or nothing, and how they differ.
#[must_use]
pub fn of_measures(comparison: &Comparison) -> Vec<MeasureRow> {
    let row = |one: &MeasureOfSets| {
        let interval =
            one.difference.as_ref().and_then(|found| words::interval(one.measure, found));
        let found = words::found(one);
        // A direction that is told already is not said again.
        let interval = interval.map(|words| match found {
            Some((direction, tone)) if tone != Tone::Plain => {
                words.strip_suffix(direction).unwrap_or(&words).trim_end().to_owned()
            }
            _ => words,
        });
        let (a, b) = words::sets(comparison, one);
        MeasureRow {
            name: words::measure(one.measure),
            name_in_full: words::measure_in_full(one.measure),
            a,
            b,
            found,
            interval,
        }
    };
    comparison.measures.iter().map(row).collect()
}

/// A measure in words.
pub struct MeasureRow {
    /// Short.
    pub name: &'static str,
    /// Where there is room.
    pub name_in_full: &'static str,
    /// Of the runs, or of A.
    pub a: String,
    /// Of B.
    pub b: Option<String>,
    /// What was found, and its colour.
    pub found: Option<(&'static str, Tone)>,
    /// Between which bounds the shift is.
    pub interval: Option<String>,
}
