//! The outages: a zoom into each of the longest, and all of them as a table.

use std::time::Duration;

use maud::{Markup, html};

use crate::model::foreign::plain;
use crate::model::outage::Outage;
use crate::model::run::summary::Summary;
use crate::report::numbers::{duration, grouped};
use crate::report::words;

use super::axis::{RIGHT, TimeAxis};
use super::picture::{place, width_of};
use super::table::{CellsOf, HtmlTable, SHOWN_MAX};
use super::whose::{whose_bar, whose_table};

/// Outages with a zoom of their own, the longest.
const ZOOMED: usize = 12;

/// Of these, as many are open when the page is.
const OPEN: usize = 3;

const HEAD: [(&str, CellsOf); 8] = [
    ("n", CellsOf::Numbers),
    ("kind", CellsOf::Texts),
    ("began (UTC)", CellsOf::Texts),
    ("how long", CellsOf::Texts),
    ("all writers after", CellsOf::Numbers),
    ("errors", CellsOf::Texts),
    ("in doubt", CellsOf::Numbers),
    ("lost", CellsOf::Numbers),
];

pub(super) fn outages(summary: &Summary) -> Markup {
    if summary.outages.is_empty() {
        return html! { p { "None." } };
    }
    let mut longest: Vec<&Outage> = summary.outages.iter().collect();
    longest.sort_by_key(|outage| std::cmp::Reverse(outage.length()));
    let shown: Vec<&Outage> = in_order(longest.iter().copied().take(SHOWN_MAX));
    let zoomed: Vec<&Outage> = in_order(longest.iter().copied().take(ZOOMED));
    let writers = summary.options.load.writers;
    let table = HtmlTable {
        caption: "Every outage",
        head: &HEAD,
        rows: shown.iter().map(|outage| row(outage, writers)).collect(),
        more: summary.outages.len().saturating_sub(shown.len()),
    };
    html! {
        (table.markup())
        @for (n, outage) in zoomed.iter().enumerate() { (zoom(outage, writers, n < OPEN)) }
    }
}

fn in_order<'a>(outages: impl Iterator<Item = &'a Outage>) -> Vec<&'a Outage> {
    let mut outages: Vec<&Outage> = outages.collect();
    outages.sort_by_key(|outage| outage.n);
    outages
}

fn row(outage: &Outage, writers: u32) -> Vec<String> {
    let cause = outage.fault.as_ref().map(|cause| format!(", {}", words::cause(cause)));
    vec![
        outage.n.to_string(),
        plain(&format!("{}{}", words::outage(outage), cause.unwrap_or_default())),
        outage.began_at.format("%Y-%m-%d %H:%M:%S%.3f").to_string(),
        words::length(outage, writers),
        outage.phases.all_writers.map_or_else(|| "never".to_owned(), duration),
        words::errors(&outage.errors),
        grouped(outage.in_doubt),
        grouped(outage.lost),
    ]
}

/// The steps of an outage on a scale of its own.
fn zoom(outage: &Outage, writers: u32, is_open: bool) -> Markup {
    let length = words::length(outage, writers);
    let title = format!("Outage {} · {} · {length}", outage.n, words::outage(outage));
    let steps = steps(outage);
    html! {
        details class="zoom" open[is_open] {
            summary { (plain(&title)) }
            @if let Some(range) = words::writable_again(outage) { p class="dim" { (range) } }
            div class="drawn scroll" tabindex="0" {
                (picture(outage, &steps))
                (whose_bar(outage, axis_of(outage, &steps)))
            }
            (whose_table(outage))
            details { summary { "The steps as a table" } (steps_table(&steps)) }
        }
    }
}

/// What was seen, and how long after the outage began.
fn steps(outage: &Outage) -> Vec<(Duration, &'static str)> {
    let phases = &outage.phases;
    let mut steps: Vec<(Duration, &str)> = [
        ("first error", phases.first_error),
        ("last error", phases.last_error),
        ("a connect was accepted", phases.tcp_accepted),
        ("Patroni has a new leader", phases.leader_changed),
        ("a server let a session in", phases.session),
        ("its connect was accepted", phases.writable_accepted),
        ("a server said that it takes writes", phases.writable),
        ("first write", phases.first_ack),
        ("all writers write", phases.all_writers),
        ("full rate", phases.full_rate),
    ]
    .into_iter()
    .filter_map(|(name, after)| Some((after?, name)))
    .collect();
    steps.sort_by_key(|(after, _)| *after);
    steps
}

/// The height of a step's words.
const STEP: f64 = 18.0;

/// From the outage's beginning to its last step.
fn axis_of(outage: &Outage, steps: &[(Duration, &'static str)]) -> TimeAxis {
    let last = steps.last().map_or(Duration::ZERO, |(after, _)| *after);
    let end = last.max(outage.degraded).max(outage.length());
    TimeAxis::until(end.as_secs_f64() * 1.02)
}

fn picture(outage: &Outage, steps: &[(Duration, &'static str)]) -> Markup {
    let axis = axis_of(outage, steps);
    #[allow(clippy::cast_precision_loss, reason = "at most nine")]
    let height = steps.len() as f64 * STEP + 30.0;
    let view = format!("0 0 1040 {:.0}", height + 22.0);
    html! {
        svg viewBox=(view) role="img" aria-label="The steps of the outage; the table below has them, too." {
            @for (x, words) in axis.ticks() {
                line class="grid" x1=(place(x)) x2=(place(x)) y1="0" y2=(place(height)) {}
                text class="tickx" x=(place(x)) y=(place(height + 14.0)) { (words) }
            }
            text class="lane" x="0" y="16" { (if outage.partial { "writers out" } else { "no write" }) }
            @if outage.partial {
                (bar("out", "writers out", axis, Duration::ZERO, outage.degraded))
            } @else {
                (bar("some-out", "some writers out", axis, Duration::ZERO, outage.degraded))
                @for span in outage.silent() {
                    @let since = |at: Duration| at.saturating_sub(outage.began);
                    (bar("out", "no write", axis, since(span.from), since(span.to)))
                }
            }
            @for (n, (after, name)) in steps.iter().enumerate() {
                (step(axis, n, *after, name))
            }
        }
    }
}

/// A stretch of the outage, since it began.
fn bar(class: &str, words: &str, axis: TimeAxis, from: Duration, to: Duration) -> Markup {
    let (from, to) = (axis.x_of(from), axis.x_of(to));
    let width = (to - from).max(1.0);
    html! {
        rect class=(class) x=(place(from)) y="4" width=(place(width)) height="16" {
            title { (words) }
        }
    }
}

fn step(axis: TimeAxis, n: usize, after: Duration, name: &str) -> Markup {
    let x = axis.x_of(after);
    #[allow(clippy::cast_precision_loss, reason = "at most nine")]
    let y = STEP.mul_add(n as f64, 30.0);
    let words = format!("{name} +{}", duration(after));
    let is_left = x + width_of(&words) + 12.0 > RIGHT;
    html! {
        path class="line" d=(format!("M{} 4V{}", place(x), place(y + 8.0))) {}
        circle class="prim" cx=(place(x)) cy=(place(y + 8.0)) r="3.5" {}
        @if is_left {
            text class="end" x=(place(x - 8.0)) y=(place(y + 12.0)) { (words) }
        } @else {
            text x=(place(x + 8.0)) y=(place(y + 12.0)) { (words) }
        }
    }
}

fn steps_table(steps: &[(Duration, &'static str)]) -> Markup {
    let head = [("after it began", CellsOf::Numbers), ("what was seen", CellsOf::Texts)];
    let rows = steps
        .iter()
        .map(|(after, name)| vec![format!("+{}", duration(*after)), (*name).to_owned()]);
    HtmlTable { caption: "Its steps", head: &head, rows: rows.collect(), more: 0 }.markup()
}
