//! A comparison as Markdown, for a ticket or a wiki.

use chrono::{Offset, Utc};

use crate::model::comparison::{ComparedRun, Comparison, SetName};
use crate::report::layout::Tone;
use crate::report::markdown::inert;

use super::cells::{self, OF_RUNS, TEXTS_OF_RUNS};
use super::words;

/// The comparison as Markdown with tables as GitHub and GitLab show them.
#[must_use]
pub fn comparison_markdown(comparison: &Comparison) -> String {
    let headline = words::headline(comparison);
    let title = |tone: Tone, word: &str| {
        let mark = match tone {
            Tone::Proven => "✅ ",
            Tone::Loud => "❌ ",
            _ => "",
        };
        format!("{mark}{}", words::in_a_title(word))
    };
    let conclusion = title(headline.tone, &headline.word);
    let mut sections = match &headline.losses {
        None => vec![format!("# pgchaos: {conclusion}")],
        Some(losses) => vec![
            format!("# pgchaos: {}", title(losses.tone, &losses.word)),
            inert(&losses.sentence),
            format!("**{conclusion}**"),
        ],
    };
    sections.push(inert(&headline.sentences.join(" ")));
    let notes: Vec<String> = comparison
        .unalike
        .iter()
        .map(|words| format!("- **Unalike**: {}", inert(words)))
        .chain(comparison.reservations.iter().map(|words| format!("- Not whole: {}", inert(words))))
        .collect();
    if !notes.is_empty() {
        sections.push(notes.join("\n"));
    }
    sections.push(measures(comparison));
    if !cells::has_two_sets(comparison) {
        sections.extend(differences(comparison));
    }
    sections.push(runs(comparison));
    sections.push(words::method(comparison));
    sections.join("\n\n") + "\n"
}

fn measures(comparison: &Comparison) -> String {
    let of = |set| inert(&cells::of_set(comparison, set));
    let mut rows = match cells::has_two_sets(comparison) {
        true => vec![
            format!("| | {} | {} | A against B |", of(SetName::A), of(SetName::B)),
            "|---|---|---|---|".to_owned(),
        ],
        false => vec!["| | Median, lowest and highest run |".to_owned(), "|---|---|".to_owned()],
    };
    rows.extend(cells::of_measures(comparison).into_iter().map(|row| {
        let Some((b, (found, tone))) = row.b.zip(row.found) else {
            return format!("| {} | {} |", row.name_in_full, row.a);
        };
        let found = match tone {
            Tone::Good => format!("✅ {found}"),
            Tone::Bad => format!("❌ {found}"),
            _ => found.to_owned(),
        };
        let interval = row.interval.map(|words| format!(": {words}")).unwrap_or_default();
        format!("| {} | {} | {b} | {found}{interval} |", row.name_in_full, row.a)
    }));
    rows.join("\n")
}

fn differences(comparison: &Comparison) -> Option<String> {
    let (first, rest) = comparison.runs.split_first()?;
    let row = |run: &ComparedRun| {
        let found = words::against_first(first, run);
        let words: Vec<String> = found.into_iter().map(|(words, _)| words).collect();
        let words = match words.is_empty() {
            true => words::no_difference(first, run).to_owned(),
            false => words.join(", "),
        };
        format!("- {}: {words}", inert(&run.label))
    };
    let rows: Vec<String> = rest.iter().map(row).collect();
    Some(format!("Each run against the first, {}:\n\n{}", inert(&first.label), rows.join("\n")))
}

fn runs(comparison: &Comparison) -> String {
    let from = usize::from(!cells::has_two_sets(comparison));
    let line = |cells: &[String]| format!("| {} |", cells.join(" | "));
    let head: Vec<String> = OF_RUNS[from..]
        .iter()
        .map(|name| if *name == "started" { "started (UTC)" } else { *name })
        .map(str::to_owned)
        .collect();
    let numbers = OF_RUNS.len() - TEXTS_OF_RUNS;
    let rule = format!("{}{}|", "|---".repeat(TEXTS_OF_RUNS - from), "|---:".repeat(numbers));
    let of_run = |run: &ComparedRun| {
        let cells: Vec<String> =
            cells::of_run(run, Utc.fix())[from..].iter().map(|cell| inert(cell)).collect();
        line(&cells)
    };
    let rows: Vec<String> = comparison.runs.iter().map(of_run).collect();
    format!("{}\n{rule}\n{}", line(&head), rows.join("\n"))
}
