//! All outages of the runs as dots on one scale of lengths, a row a set or a run.

use maud::{Markup, html};

use crate::model::comparison::measure::Measure;
use crate::model::comparison::{ComparedRun, Comparison, SetName};
use crate::model::foreign::plain;
use crate::model::outage::Outage;
use crate::model::run::summary::Summary;
use crate::report::comparison::cells;
use crate::report::layout::ending;
use crate::report::numbers::{counted, duration, grouped, seconds};

use super::super::axis::{LEFT, RIGHT, TimeAxis};
use super::super::picture::place;

const RADIUS: f64 = 4.5;

/// Rows of runs, where there are no sets.
const ROWS_MAX: usize = 40;

/// Dots of a row, but for the longest outage of each run, which is always there.
const DOTS_MAX: usize = 1_000;

/// Dots that would stand on each other are put beside, in as many layers.
const LAYERS: usize = 9;

/// Columns of a name beside a row.
const NAME_COLUMNS_MAX: usize = 18;

/// The dots of a row.
struct DotRow<'a> {
    name: String,
    class: &'static str,
    runs: Vec<&'a Summary>,
    median_s: Option<f64>,
}

/// A dot: an outage, or a run that had none.
struct Dot {
    x: f64,
    layer: usize,
    class: String,
    words: String,
}

pub(super) fn dots(comparison: &Comparison, runs: &[&Summary]) -> Markup {
    let rows = rows(comparison, runs);
    let lengths = runs.iter().flat_map(|run| run.outages.iter()).filter(|one| !one.partial);
    let longest = lengths.map(|one| one.length().as_secs_f64()).fold(0.0, f64::max);
    let axis = TimeAxis::until(if longest > 0.0 { longest * 1.04 } else { 1.0 });
    let mut height = 0.0;
    let mut drawn = Vec::new();
    let mut left_out = 0;
    for row in &rows {
        let (dots, more) = row_dots(row, axis);
        left_out += more;
        let base = height + above(layers(&dots)) + 2.0;
        drawn.push((height, base, row, dots));
        height = base + 12.0;
    }
    let view = format!("0 0 1040 {:.0}", height + 22.0);
    html! {
        div class="dots scroll" tabindex="0" {
            svg viewBox=(view) role="img" aria-label=(spoken(comparison)) {
                @for (x, words) in axis.ticks() {
                    line class="grid" x1=(place(x)) x2=(place(x)) y1="0" y2=(place(height)) {}
                    text class="tickx" x=(place(x)) y=(place(height + 14.0)) { (words) }
                }
                @for (top, base, row, dots) in &drawn { (drawing(*top, *base, row, dots, axis)) }
            }
        }
        p class="dim" {
            "Each dot is an outage by its length, the longest of a run strong and the others pale; at 0 \
             stand runs without one. A ring is one that was not over when the run ended: it is at least \
             so long. The stroke is the median of the longest of each run. Partial outages, in which \
             others wrote, are left out."
            @if runs.len() > ROWS_MAX && comparison.conclusion.is_none() {
                " Shown are the first " (ROWS_MAX) " runs."
            }
            @if left_out > 0 {
                " " (grouped(left_out)) (if left_out == 1 { " shorter one is" } else { " shorter ones are" })
                " not drawn."
            }
        }
    }
}

fn rows<'a>(comparison: &Comparison, runs: &[&'a Summary]) -> Vec<DotRow<'a>> {
    let of = |set: SetName| -> Vec<&'a Summary> {
        let both = comparison.runs.iter().zip(runs);
        both.filter(|(run, _)| run.set == set).map(|(_, run)| *run).collect()
    };
    if cells::has_two_sets(comparison) {
        let outages = comparison.measure(Measure::LongestOutageS);
        let median = |set| match set {
            SetName::A => outages?.a.median,
            SetName::B => outages?.b.as_ref()?.median,
        };
        let row = |set, class| DotRow {
            name: cells::of_set(comparison, set),
            class,
            runs: of(set),
            median_s: median(set),
        };
        return vec![row(SetName::A, ""), row(SetName::B, "of-b")];
    }
    let row = |(run, summary): (&ComparedRun, &&'a Summary)| DotRow {
        name: run.label.clone(),
        class: "",
        runs: vec![*summary],
        median_s: None,
    };
    comparison.runs.iter().zip(runs).take(ROWS_MAX).map(row).collect()
}

/// How many layers the dots take; two have room for the name.
fn layers(dots: &[Dot]) -> usize {
    dots.iter().map(|dot| dot.layer + 1).max().unwrap_or(1).max(2)
}

/// How high so many layers are.
#[allow(clippy::cast_precision_loss, reason = "a few layers")]
fn above(layers: usize) -> f64 {
    layers as f64 * (2.0 * RADIUS + 1.0)
}

/// What becomes a dot: the longest outage of a run, or none, and others.
struct UndrawnDot {
    length_s: f64,
    is_longest: bool,
    class: String,
    words: String,
}

/// The dots of a row, and how many shorter outages have none.
fn row_dots(row: &DotRow<'_>, axis: TimeAxis) -> (Vec<Dot>, u64) {
    let (found, left_out) = longest(found(row));
    let mut last_at = [f64::NEG_INFINITY; LAYERS];
    let dot = |one: UndrawnDot| {
        let x = axis.x(one.length_s);
        let free = (0..LAYERS).find(|layer| x - last_at[*layer] >= 2.0 * RADIUS + 1.0);
        let layer = free.unwrap_or(LAYERS - 1);
        last_at[layer] = x;
        Dot { x, layer, class: format!("dot {}{}", row.class, one.class), words: one.words }
    };
    (found.into_iter().map(dot).collect(), left_out)
}

/// Those that are drawn, by their lengths, and how many are not: the shortest, and none that is the
/// longest of its run.
fn longest(mut found: Vec<UndrawnDot>) -> (Vec<UndrawnDot>, u64) {
    let runs = found.iter().filter(|one| one.is_longest).count();
    let left_out = found.len().saturating_sub(DOTS_MAX.max(runs));
    found.sort_by(|one, other| {
        let by_run = other.is_longest.cmp(&one.is_longest);
        by_run.then(other.length_s.total_cmp(&one.length_s))
    });
    found.truncate(DOTS_MAX.max(runs));
    found.sort_by(|one, other| one.length_s.total_cmp(&other.length_s));
    (found, left_out as u64)
}

fn found(row: &DotRow<'_>) -> Vec<UndrawnDot> {
    let mut found = Vec::new();
    for run in &row.runs {
        let mut outages: Vec<&Outage> = run.outages.iter().filter(|one| !one.partial).collect();
        outages.sort_by_key(|outage| std::cmp::Reverse(outage.length()));
        // Outages begin after the first write: of a run that never wrote none are known.
        if outages.is_empty() && run.writes.acknowledged > 0 {
            let words = match run.writes.unaccounted {
                Some(_) => "a run without an outage",
                None => "no outage was seen, and the record was cut",
            };
            let words = words.to_owned();
            found.push(UndrawnDot { length_s: 0.0, is_longest: true, class: String::new(), words });
        }
        for (n, outage) in outages.into_iter().enumerate() {
            let less = if n == 0 { "" } else { " less" };
            let open = if outage.open.is_some() { " open" } else { "" };
            let at_least = if outage.open.is_some() { "at least " } else { "" };
            let words = format!("{at_least}{}, {}", duration(outage.length()), outage.kind);
            found.push(UndrawnDot {
                length_s: outage.length().as_secs_f64(),
                is_longest: n == 0,
                class: format!("{less}{open}"),
                words,
            });
        }
    }
    found
}

fn drawing(top: f64, base: f64, row: &DotRow<'_>, dots: &[Dot], axis: TimeAxis) -> Markup {
    let name = ending(&plain(&row.name), NAME_COLUMNS_MAX);
    html! {
        text class="lane" x="0" y=(place(base)) { (name) }
        line class="grid" x1=(place(LEFT)) x2=(place(RIGHT)) y1=(place(base + 5.0)) y2=(place(base + 5.0)) {}
        @if let Some(median) = row.median_s {
            @let x = place(axis.x(median));
            line class="median" x1=(x) x2=(x) y1=(place(top + 2.0)) y2=(place(base + 5.0)) {
                title { "median " (seconds(median)) }
            }
        }
        @for dot in dots {
            circle class=(dot.class) cx=(place(dot.x)) cy=(place(base - above(dot.layer))) r=(place(RADIUS)) {
                title { (dot.words) }
            }
        }
    }
}

fn spoken(comparison: &Comparison) -> String {
    let outages: u64 = comparison.runs.iter().map(|run| run.outages).sum();
    format!(
        "{} of {} by their lengths. The table of runs has the longest of each.",
        counted(outages, "outage"),
        counted(comparison.runs.len() as u64, "run")
    )
}
