//! The page of drills: what was expected and seen, what was done, and the run of each.

use maud::{Markup, html};

use crate::model::foreign::plain;
use crate::model::outage::Outage;
use crate::model::outcome::Outcome;
use crate::model::run::summary::{Summary, VerificationState};
use crate::model::scenario::drill_report::{DrillReport, DrillRun};
use crate::model::scenario::judging::Judged;
use crate::report::numbers::{counted, duration, grouped};

use super::film_table::injections;
use super::heading::Level;
use super::headline::{reasons, setting, what_was_seen};
use super::run::run;
use super::table::{CellsOf, HtmlTable};

/// Runs with a section of their own: a film takes some 40 kB, and a page is to open at once.
const SECTIONS_MAX: usize = 32;

/// The title of the page, and its body.
pub(super) fn drills(report: &DrillReport) -> (String, Markup) {
    if let [one] = report.drills.as_slice() {
        let title = format!("pgchaos drill {}: {}", plain(&one.drill), word(one).to_lowercase());
        return (title, section(one, Level::Page));
    }
    let told = told(report);
    let runs = counted(report.drills.len() as u64, "run");
    let title = format!("pgchaos drills: {}, {runs}", report.verdict);
    let body = html! {
        h1 { b class=(report.verdict) { (report.verdict.to_string().to_uppercase()) } " · " (outcomes(report)) }
        p class="dim" { "pgchaos " (plain(&report.pgchaos)) }
        (index(report, &told))
        (spreads(report))
        @for (n, run) in &told {
            section class="drill" id=(format!("run-{n}")) { (section(run, Level::Section)) }
        }
    };
    (title, body)
}

/// The runs that have a section, in their order, each with its number: the gravest, and of these the
/// first.
fn told(report: &DrillReport) -> Vec<(usize, &DrillRun)> {
    let mut runs: Vec<(usize, &DrillRun)> =
        report.drills.iter().enumerate().map(|(n, run)| (n + 1, run)).collect();
    runs.sort_by_key(|(_, run)| std::cmp::Reverse(run.verdict));
    runs.truncate(SECTIONS_MAX);
    runs.sort_by_key(|(n, _)| *n);
    runs
}

/// `14 runs: 12 passed, 1 failed, 1 inconclusive`.
fn outcomes(report: &DrillReport) -> String {
    let of = |outcome| report.drills.iter().filter(|run| run.verdict == outcome).count() as u64;
    let told = [(Outcome::Pass, "passed"), (Outcome::Fail, "failed")].map(|(outcome, verb)| {
        let count = of(outcome);
        (count > 0).then(|| format!("{} {verb}", grouped(count)))
    });
    let open = of(Outcome::Inconclusive);
    let open = (open > 0).then(|| format!("{} inconclusive", grouped(open)));
    let told: Vec<String> = told.into_iter().flatten().chain(open).collect();
    format!("{}: {}", counted(report.drills.len() as u64, "run"), told.join(", "))
}

/// Every run on a line, with the way to its section.
fn index(report: &DrillReport, told: &[(usize, &DrillRun)]) -> Markup {
    let head = [
        ("drill", CellsOf::Texts),
        ("on", CellsOf::Texts),
        ("verdict", CellsOf::Texts),
        ("took", CellsOf::Numbers),
        ("outages", CellsOf::Numbers),
        ("longest outage", CellsOf::Numbers),
        ("lost", CellsOf::Numbers),
    ];
    let row = |(n, run): (usize, &DrillRun)| {
        let name = name(run);
        let has_section = told.iter().any(|(with, _)| *with == n);
        let name = match has_section {
            true => html! { a href=(format!("#run-{n}")) { (name) } },
            false => html! { (name) },
        };
        let summary = run.summary.as_ref();
        let outages = summary.map(|summary| grouped(summary.outages.len() as u64));
        let longest = summary.and_then(|summary| summary.outages.iter().map(Outage::length).max());
        vec![
            name,
            html! { (plain(&run.on)) },
            html! { b class=(run.verdict) { (word(run)) } },
            html! { (duration(run.took)) },
            html! { (outages.unwrap_or_default()) },
            html! { (longest.map(duration).unwrap_or_default()) },
            html! { (summary.and_then(lost).map(grouped).unwrap_or_default()) },
        ]
    };
    let rows = report.drills.iter().enumerate().map(|(n, run)| row((n + 1, run))).collect();
    let left_out = report.drills.len().saturating_sub(told.len());
    html! {
        (HtmlTable { caption: "Every run", head: &head, rows, more: 0 }.markup())
        @if left_out > 0 {
            p class="dim" {
                "Sections follow for the gravest " (told.len()) "; the other " (left_out)
                " are in the JSON report."
            }
        }
    }
}

fn lost(summary: &Summary) -> Option<u64> {
    let found = &summary.verification;
    (found.state == VerificationState::Complete).then_some(found.counts.lost)
}

/// How the outages of drills that ran more than once spread.
fn spreads(report: &DrillReport) -> Markup {
    let head = [
        ("drill", CellsOf::Texts),
        ("outage", CellsOf::Numbers),
        ("in runs", CellsOf::Numbers),
        ("shortest", CellsOf::Numbers),
        ("median", CellsOf::Numbers),
        ("longest", CellsOf::Numbers),
    ];
    let mut rows: Vec<Vec<String>> = Vec::new();
    for spread in report.spreads().iter().filter(|spread| spread.runs.len() > 1) {
        for (n, range) in (0..).map_while(|n| Some((n, spread.outage(n)?))) {
            rows.push(vec![
                plain(spread.drill),
                (n + 1).to_string(),
                format!("{} of {}", range.count, spread.runs.len()),
                duration(range.min),
                duration(range.median),
                duration(range.max),
            ]);
        }
    }
    let caption = "How the outages spread";
    html! {
        @if !rows.is_empty() { (HtmlTable { caption, head: &head, rows, more: 0 }.markup()) }
    }
}

/// One run of a drill: its verdict, what was expected, what was done, and the run itself.
fn section(drill: &DrillRun, level: Level) -> Markup {
    let seen = drill.summary.as_ref().map(what_was_seen);
    let heading = html! {
        b class=(drill.verdict) { (word(drill)) } " · " (name(drill))
        @if let Some(seen) = &seen { ": " (seen) }
    };
    let below = level.below();
    html! {
        (level.heading(&heading))
        p { (plain(&drill.title)) }
        p class="dim" { "On " (plain(&drill.on)) ", took " (duration(drill.took)) "." }
        @if let Some(problem) = &drill.problem {
            @for line in problem.lines() { p class="fail" { (plain(line)) } }
        }
        @if !drill.expectations.is_empty() {
            (below.titled("What was expected"))
            (expectations(&drill.expectations))
        }
        @if let Some(summary) = &drill.summary {
            @if !summary.injections.is_empty() {
                (below.titled("What the drill did"))
                (injections(summary))
            }
            (below.titled("What was seen"))
            p class="dim" { (setting(summary)) }
            @if summary.verdict != drill.verdict {
                p { "The run by itself: " b class=(summary.verdict) { (summary.verdict) } "." }
            }
            (reasons(summary))
            (run(summary, below, &html! {}, Some(&drill.on)))
        }
        p class="dim" { "Drill " code { (plain(&drill.drill)) } ", on " (plain(&drill.on)) "." }
    }
}

/// The name of a drill, and which run of it this is.
fn name(drill: &DrillRun) -> String {
    match drill.repetition {
        ..=1 => plain(&drill.drill),
        n => format!("{}, run {n}", plain(&drill.drill)),
    }
}

fn word(drill: &DrillRun) -> &'static str {
    match (drill.verdict, drill.summary.is_some()) {
        (Outcome::Pass, _) if drill.lost_as_expected().is_some() => "PASS, as expected",
        (Outcome::Pass, _) => "PASS",
        (Outcome::Fail, _) => "FAIL",
        (Outcome::Inconclusive, _) if drill.interrupted => "INTERRUPTED",
        (Outcome::Inconclusive, true) => "INCONCLUSIVE",
        (Outcome::Inconclusive, false) => "COULD NOT RUN",
    }
}

fn expectations(judged: &[Judged]) -> Markup {
    let head = [
        ("held", CellsOf::Texts),
        ("of", CellsOf::Texts),
        ("what", CellsOf::Texts),
        ("expected", CellsOf::Texts),
        ("seen", CellsOf::Texts),
    ];
    let row = |one: &Judged| {
        let word = match one.outcome {
            Outcome::Pass => "yes",
            Outcome::Fail => "NO",
            Outcome::Inconclusive => "not known",
        };
        let texts = [&one.of, &one.what, &one.expected, &one.seen];
        let texts = texts.map(|text| html! { (plain(text)) });
        let mark = html! { b class=(one.outcome) { (word) } };
        [mark].into_iter().chain(texts).collect()
    };
    let rows: Vec<Vec<Markup>> = judged.iter().map(row).collect();
    HtmlTable { caption: "Each expectation", head: &head, rows, more: 0 }.markup()
}
