//! The film of a run: one time axis, lanes under each other, outages as bands through all of them.

use maud::{Markup, html};

use crate::model::outage::Outage;
use crate::model::run::summary::Summary;
use crate::report::numbers::{counted, duration, seconds};

use super::axis::{LEFT, RIGHT, TimeAxis};
use super::headline::outages;
use super::lanes::servers::MEMBERS_SHOWN;
use super::lanes::{self, Lane};
use super::picture::{bold_width_of, boxes, place};
use super::silence::{partly_out, silent};
use super::table::SHOWN_MAX;

/// The picture's width, and what is free between two lanes.
const WIDTH: f64 = 1040.0;
const GAP: f64 = 16.0;

/// Rows of labels above the lanes, and how high each is.
const LABEL_ROWS: usize = 2;
const LABEL_HEIGHT: f64 = 16.0;

/// Outages that can have a label of their own, the longest: more would cover each other.
const LABELLED: usize = 24;

/// The film on an axis that ends then, or nothing where nothing was written. Films on axes that end at the
/// same time have one scale.
pub(super) fn film(summary: &Summary, axis_end_s: f64) -> Option<Markup> {
    let axis = TimeAxis::until(axis_end_s).drawn_until(end_s(summary));
    let lanes: Vec<Lane> = [
        lanes::counts::writes(summary, axis),
        lanes::latency::latency(summary, axis),
        lanes::counts::errors(summary, axis),
        lanes::counts::writers_out(summary, axis),
        lanes::servers::acknowledging(summary, axis),
        lanes::servers::two_primaries(summary, axis),
    ]
    .into_iter()
    .flatten()
    .chain(lanes::proxy::sends_to(summary, axis))
    .chain(lanes::servers::members(summary, axis))
    .chain(lanes::drill::injections(summary, axis))
    .collect();
    if lanes.is_empty() {
        return None;
    }
    let height = lanes.iter().map(|lane| lane.height + GAP).sum::<f64>();
    let labels = labels(summary, axis);
    #[allow(clippy::cast_precision_loss, reason = "a few rows")]
    let head =
        labels.iter().map(|label| label.row + 1).max().unwrap_or(0) as f64 * LABEL_HEIGHT + 6.0;
    let view = format!("0 {:.0} {WIDTH} {:.0}", -head, head + height + 22.0);
    Some(html! {
        div class="film scroll" tabindex="0" role="group" aria-label="The film of the run" {
            svg viewBox=(view) role="img" aria-label=(spoken(summary)) {
                (time_grid(axis, height))
                (over(axis, height))
                (pauses(summary, axis, height))
                (bands(summary, axis, head, height))
                @for label in &labels {
                    text class="bandt" x=(place(label.x)) y=(place(label.y(head))) { (label.words) }
                }
                (stacked(&lanes))
            }
        }
        @if let Some(cut_s) = summary.lanes_until_s {
            p class="dim" {
                "Servers and members are drawn until " (seconds(cut_s)) " after the start: the "
                (counted(summary.lanes_left_out, "change")) " after it were too many to keep."
            }
        }
        @for line in left_out(summary) { p class="dim" { (line) } }
    })
}

/// What the film does not draw, as there is too much of it.
fn left_out(summary: &Summary) -> Vec<String> {
    let more = |all: usize, shown: usize, noun: &str, where_it_is: &str| {
        let more = all.checked_sub(shown).filter(|more| *more > 0)?;
        Some(format!("Not drawn: {}; {where_it_is}.", counted(more as u64, noun)))
    };
    let (members, pauses, acts) =
        (summary.members.len(), summary.own_pauses.len(), summary.injections.len());
    [
        more(members, MEMBERS_SHOWN, "member", "the tables below have them"),
        more(pauses, SHOWN_MAX, "own pause", "the JSON report has them"),
        more(acts, SHOWN_MAX, "action", "the JSON report has them"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// When a run's own film ends, in seconds: with the load, or with what was told after it.
pub(super) fn end_s(summary: &Summary) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "at most 1,024")]
    let told = summary.timeline.len() as f64 * summary.timeline.width_s;
    // The last bucket is not full.
    summary.elapsed_s.max(told - summary.timeline.width_s)
}

fn spoken(summary: &Summary) -> String {
    format!(
        "The run over {}: writes, latency, errors and members, {}. The table below has its counts.",
        seconds(end_s(summary)),
        outages(summary)
    )
}

fn time_grid(axis: TimeAxis, height: f64) -> Markup {
    html! {
        @for (x, words) in axis.ticks() {
            line class="grid" x1=(place(x)) x2=(place(x)) y1="0" y2=(place(height)) {}
            text class="tickx" x=(place(x)) y=(place(height + 14.0)) { (words) }
        }
    }
}

/// What an axis has beyond the end of the run.
fn over(axis: TimeAxis, height: f64) -> Markup {
    let (from, width) = (axis.x(axis.end_s()), RIGHT - axis.x(axis.end_s()));
    html! {
        @if width >= 1.0 {
            rect class="over" x=(place(from)) y="0" width=(place(width)) height=(place(height)) {
                title { "the run was over" }
            }
        }
    }
}

fn pauses(summary: &Summary, axis: TimeAxis, height: f64) -> Markup {
    html! {
        @for pause in summary.own_pauses.iter().take(SHOWN_MAX) {
            @let (from, to) = (axis.x_of(pause.from), axis.x_of(pause.until()));
            rect class="pause" x=(place(from)) y="0" width=(place((to - from).max(1.0))) height=(place(height)) {
                title { "pgchaos itself did not run for " (duration(pause.length)) }
            }
        }
    }
}

/// Where no write was acknowledged, and paler where only some writers were out.
fn bands(summary: &Summary, axis: TimeAxis, head: f64, height: f64) -> Markup {
    let some_out = summary.outages.iter().flat_map(|outage| partly_out(outage, axis));
    let some_out = boxes(some_out, -head, height);
    let silent = boxes(silent(summary, axis), -head, height);
    html! {
        @if !some_out.is_empty() {
            path class="some-out" d=(some_out) { title { "some writers out" } }
        }
        @if !silent.is_empty() { path class="band" d=(silent) { title { "no write" } } }
    }
}

/// The words above a band.
struct Label {
    x: f64,
    row: usize,
    words: String,
}

impl Label {
    fn y(&self, head: f64) -> f64 {
        #[allow(clippy::cast_precision_loss, reason = "a few rows")]
        let row = self.row as f64;
        LABEL_HEIGHT.mul_add(row + 1.0, -head) - 2.0
    }
}

/// Labels of the longest outages, as far as they find room: first with kind and length, then with
/// the number alone.
fn labels(summary: &Summary, axis: TimeAxis) -> Vec<Label> {
    let mut longest: Vec<&Outage> = summary.outages.iter().collect();
    longest.sort_by_key(|outage| std::cmp::Reverse(outage.length()));
    longest.truncate(LABELLED);
    let mut taken: Vec<(usize, f64, f64)> = Vec::new();
    let mut labels = Vec::new();
    for outage in longest {
        let longest = outage.silent().max_by_key(|span| span.length());
        let (from, to) =
            longest.map_or((outage.began, outage.ended()), |span| (span.from, span.to));
        let middle = f64::midpoint(axis.x_of(from), axis.x_of(to));
        let partial = if outage.partial { "partial " } else { "" };
        let length = duration(outage.length());
        let full = format!("{partial}outage {} · {} · {length}", outage.n, outage.kind);
        for words in [full, outage.n.to_string()] {
            let half = bold_width_of(&words) / 2.0;
            let x = middle.clamp(LEFT + half, (RIGHT - half).max(LEFT + half));
            let is_free = |row: &usize| {
                taken.iter().all(|(at, from, to)| at != row || x + half < *from || x - half > *to)
            };
            if let Some(row) = (0..LABEL_ROWS).find(is_free) {
                taken.push((row, x - half - 8.0, x + half + 8.0));
                labels.push(Label { x, row, words });
                break;
            }
        }
    }
    labels
}

fn stacked(lanes: &[Lane]) -> Markup {
    let placed = lanes.iter().scan(0.0, |next: &mut f64, lane| {
        let y = *next;
        *next += lane.height + GAP;
        Some((y, lane))
    });
    html! {
        @for (y, lane) in placed {
            g transform=(format!("translate(0 {})", place(y))) {
                text class="lane" x="0" y="14" { (lane.name) }
                @if let Some(unit) = &lane.unit { text x="0" y="28" { (unit) } }
                (lane.drawing)
            }
        }
    }
}
