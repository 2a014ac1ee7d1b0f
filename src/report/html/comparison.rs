//! The page of a comparison: what it comes to in a sentence, the measures, a picture of all outages on
//! one scale, every run, and the films of the runs one above the other on one time axis.

mod dots;

use chrono::{Offset, Utc};
use maud::{Markup, html};

use crate::model::comparison::{ComparedRun, Comparison, SetName};
use crate::model::foreign::plain;
use crate::model::run::summary::Summary;
use crate::report::comparison::cells::{self, MeasureRow, OF_RUNS};
use crate::report::comparison::words;
use crate::report::layout::Tone;

use super::table::{SHOWN_MAX, frame};
use super::{document, film};

/// Films of a page, the first of each set: more make a page that does not open at once.
const FILMS_MAX: usize = 24;

/// The comparison as a page; the summaries are those of its runs, in their order.
#[must_use]
pub fn comparison_page(comparison: &Comparison, runs: &[&Summary]) -> String {
    let headline = words::headline(comparison);
    let told = |tone: Tone, word: &str, sentence: Option<&String>| {
        html! {
            b class=[class(tone)] { (word) }
            @if let Some(sentence) = sentence { " · " (plain(sentence)) }
        }
    };
    let conclusion = told(headline.tone, &headline.word, headline.sentences.first());
    let body = html! {
        @if let Some(losses) = &headline.losses {
            h1 { (told(losses.tone, &losses.word, Some(&losses.sentence))) }
            p class="conclusion" { (conclusion) }
        } @else {
            h1 { (conclusion) }
        }
        @for sentence in headline.sentences.iter().skip(1) { p { (plain(sentence)) } }
        p class="dim" { (sets(comparison)) }
        (notes(comparison))
        h2 { "What was measured" }
        (measures(comparison))
        @if !cells::has_two_sets(comparison) { (differences(comparison)) }
        h2 { "Outages" }
        (dots::dots(comparison, runs))
        h2 { "Runs" }
        (table_of_runs(comparison))
        (films(comparison, runs))
        h2 { "How it was compared" }
        p { (words::method(comparison)) }
    };
    let (word, first) = match &headline.losses {
        Some(losses) => (&losses.word, Some(&losses.sentence)),
        None => (&headline.word, headline.sentences.first()),
    };
    let first = first.map(|sentence| plain(sentence)).unwrap_or_default();
    let title = format!("pgchaos: {}: {first}", words::in_a_title(word));
    document(&title, &body)
}

fn class(tone: Tone) -> Option<&'static str> {
    match tone {
        Tone::Good | Tone::Proven => Some("pass"),
        Tone::Bad | Tone::Loud => Some("fail"),
        Tone::Wary => Some("inconclusive"),
        Tone::Plain => None,
    }
}

fn sets(comparison: &Comparison) -> String {
    let sets = match cells::has_two_sets(comparison) {
        true => vec![cells::of_set(comparison, SetName::A), cells::of_set(comparison, SetName::B)],
        false => vec![format!("{} runs", comparison.runs.len())],
    };
    format!("{} · pgchaos {}", sets.join(" · "), plain(&comparison.pgchaos))
}

fn notes(comparison: &Comparison) -> Markup {
    html! {
        @if !comparison.unalike.is_empty() {
            p class="note" { "The runs are not alike in all:" }
            ul { @for words in &comparison.unalike { li { (plain(words)) } } }
        }
        @if !comparison.reservations.is_empty() {
            p class="note" { "Not all was seen of every run:" }
            ul { @for words in &comparison.reservations { li { (plain(words)) } } }
        }
    }
}

/// A table in a frame that scrolls where the page is narrow.
fn framed(caption: &str, head: &[&str], rows: &Markup) -> Markup {
    html! {
        // That of the runs is too wide for a small window, too.
        div class={ (frame(head.len())) @if head.len() > 8 { " wider" } } tabindex="0" role="region" aria-label=(caption) {
            table {
                caption { (caption) }
                thead { tr { @for name in head { th scope="col" { (name) } } } }
                tbody { (rows) }
            }
        }
    }
}

fn measures(comparison: &Comparison) -> Markup {
    let of = |set| cells::of_set(comparison, set);
    let (a, b) = (of(SetName::A), of(SetName::B));
    let head = match cells::has_two_sets(comparison) {
        true => vec!["", a.as_str(), b.as_str(), "A against B"],
        false => vec!["", "median, lowest and highest run"],
    };
    let row = |row: MeasureRow| {
        html! {
            tr {
                td { b { (row.name_in_full) } }
                // Of one set there is room for it on a phone only in several rows.
                td class=[row.b.is_some().then_some("nowrap")] { (row.a) }
                @if let Some((b, (found, tone))) = row.b.zip(row.found) {
                    td class="nowrap" { (b) }
                    td class="wide" {
                        b class=[class(tone)] { (found) }
                        @if let Some(interval) = row.interval {
                            br; span class="dim" { (interval) " (" (comparison.confidence_pct) " %)" }
                        }
                    }
                }
            }
        }
    };
    let rows = html! { @for one in cells::of_measures(comparison) { (row(one)) } };
    framed("Measures", &head, &rows)
}

/// What each further run is against the first.
fn differences(comparison: &Comparison) -> Markup {
    let Some((first, rest)) = comparison.runs.split_first() else { return html! {} };
    html! {
        p { "Each run against the first, " b { (plain(&first.label)) } ":" }
        ul {
            @for run in rest.iter().take(SHOWN_MAX) {
                li {
                    (plain(&run.label)) ": "
                    @let found = words::against_first(first, run);
                    @if found.is_empty() { (words::no_difference(first, run)) }
                    @for (n, (words, is_better)) in found.iter().enumerate() {
                        @if n > 0 { ", " }
                        span class=(if *is_better { "pass" } else { "fail" }) { (words) }
                    }
                }
            }
        }
    }
}

fn table_of_runs(comparison: &Comparison) -> Markup {
    let from = usize::from(!cells::has_two_sets(comparison));
    let row = |run: &ComparedRun| {
        let cells = cells::of_run(run, Utc.fix());
        html! {
            tr {
                @for (name, cell) in OF_RUNS.iter().zip(&cells).skip(from) {
                    @match *name {
                        "verdict" => td class=(run.verdict) { (cell) },
                        "run" | "set" => td { (cell) },
                        _ => td class="nowrap" { (cell) },
                    }
                }
            }
        }
    };
    let rows = html! { @for run in comparison.runs.iter().take(SHOWN_MAX) { (row(run)) } };
    let more = comparison.runs.len().saturating_sub(SHOWN_MAX);
    let head = OF_RUNS.map(|name| if name == "started" { "started (UTC)" } else { name });
    html! {
        (framed("Every run", &head[from..], &rows))
        @if more > 0 { p class="dim" { "and " (more) " more, in the JSON report" } }
    }
}

/// The films, all on one time axis.
fn films(comparison: &Comparison, runs: &[&Summary]) -> Markup {
    let pairs: Vec<(&ComparedRun, &Summary)> =
        comparison.runs.iter().zip(runs.iter().copied()).collect();
    let of = |set: SetName| pairs.iter().filter(move |(run, _)| run.set == set);
    // Half of them for each set, and what one does not need for the other.
    let (all_a, all_b) = (of(SetName::A).count(), of(SetName::B).count());
    let of_a = all_a.min(FILMS_MAX - all_b.min(FILMS_MAX / 2));
    let of_b = all_b.min(FILMS_MAX - of_a);
    let shown: Vec<_> = of(SetName::A).take(of_a).chain(of(SetName::B).take(of_b)).collect();
    let end_s = shown.iter().map(|(_, run)| film::end_s(run)).fold(0.0, f64::max);
    let more = pairs.len() - shown.len();
    let two_sets = cells::has_two_sets(comparison);
    html! {
        h2 { "The runs over time" }
        @for (run, summary) in shown {
            @if let Some(film) = film::film(summary, end_s) {
                h3 {
                    @if two_sets { (run.set.name()) " · " }
                    (plain(&run.label)) " · "
                    span class=(run.verdict) { (run.verdict) }
                }
                (film)
            }
        }
        @if more > 0 {
            p class="dim" { "The films of " (more) " more runs are left out; each has its own report." }
        }
    }
}
