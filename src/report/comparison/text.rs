//! A comparison as a page of text: what it comes to, each measure, what is unalike, and the runs.

use chrono::FixedOffset;

use crate::model::comparison::{Comparison, SetName};
use crate::report::layout::{Line, Tone, columns, ending, wrapped};
use crate::report::summary_text::{Page, SummaryTextOptions};

use super::cells::{self, OF_RUNS, STARTED, TEXTS_OF_RUNS};
use super::words;

/// The width where the terminal's is not known, as in a file.
const WIDTH: usize = 80;

/// What is between two columns of the table of runs, and how narrow the names may become.
const GAP: usize = 2;
const NAME_COLUMNS_MIN: usize = 8;

/// The comparison as a page of text that ends with a line break. It is no wider than the terminal, or
/// than 80 columns where that has no width.
#[must_use]
pub fn comparison_text(comparison: &Comparison, options: &SummaryTextOptions) -> String {
    let width = options.width.unwrap_or(WIDTH);
    let mut page = Page::new(&SummaryTextOptions { width: Some(width), ..*options });
    let two_sets = cells::has_two_sets(comparison);
    let sets = match two_sets {
        true => [SetName::A, SetName::B].map(|set| cells::of_set(comparison, set)).join(" · "),
        false => format!("{} runs", comparison.runs.len()),
    };
    let title = format!("pgchaos {}", comparison.pgchaos);
    page.rule(&Line::new(Tone::Plain, "").rest(title).part(sets));
    let headline = words::headline(comparison);
    if let Some(losses) = headline.losses {
        page.line(&Line::new(of_a_word(losses.tone), losses.word).part(losses.sentence));
    }
    let mut sentences = headline.sentences.into_iter();
    page.line(&Line::new(of_a_word(headline.tone), headline.word).part_if(sentences.next()));
    for sentence in sentences {
        page.line(&Line::new(Tone::Plain, "").rest(sentence));
    }
    page.gap();
    for (number, words) in comparison.unalike.iter().enumerate() {
        let label = if number == 0 { "unalike" } else { "" };
        page.row(label, &Line::new(Tone::Wary, words));
    }
    for (number, words) in comparison.reservations.iter().enumerate() {
        let label = if number == 0 { "not whole" } else { "" };
        page.row(label, &Line::new(Tone::Wary, words));
    }
    if !comparison.unalike.is_empty() || !comparison.reservations.is_empty() {
        page.gap();
    }
    measures(&mut page, comparison);
    if !two_sets {
        differences(&mut page, comparison);
    }
    page.gap();
    let mut text = page.text();
    for row in runs(comparison, options.offset, width) {
        text.push_str(&row);
        text.push('\n');
    }
    text.push('\n');
    for row in wrapped(&words::method(comparison), width) {
        text.push_str(&row);
        text.push('\n');
    }
    text
}

/// The colour of a word alone: a whole page of sentences in red tells nothing.
fn of_a_word(tone: Tone) -> Tone {
    match tone {
        Tone::Proven => Tone::Good,
        Tone::Loud => Tone::Bad,
        other => other,
    }
}

fn measures(page: &mut Page, comparison: &Comparison) {
    for row in cells::of_measures(comparison) {
        let Some((b, (found, tone))) = row.b.zip(row.found) else {
            page.row(row.name, &Line::new(Tone::Plain, "").rest(row.a));
            continue;
        };
        let confidence = comparison.confidence_pct;
        let interval = row.interval.map(|words| format!("{words} ({confidence} %)"));
        page.row(row.name, &Line::new(tone, found).part_if(interval));
        page.row(
            "",
            &Line::new(Tone::Plain, "").rest(format!("A {}", row.a)).part(format!("B {b}")),
        );
    }
}

/// What each further run is against the first.
fn differences(page: &mut Page, comparison: &Comparison) {
    let Some((first, rest)) = comparison.runs.split_first() else { return };
    page.gap();
    page.row("against", &Line::new(Tone::Plain, "").rest(&first.label));
    for run in rest {
        let found = words::against_first(first, run);
        let tone = match (found.iter().any(|one| one.1), found.iter().any(|one| !one.1)) {
            (false, false) => Tone::Plain,
            (true, false) => Tone::Good,
            (false, true) => Tone::Bad,
            (true, true) => Tone::Wary,
        };
        let none = found.is_empty().then(|| words::no_difference(first, run).to_owned());
        let line = Line::new(tone, run.label.clone()).part_if(none);
        let line = found.into_iter().fold(line, |line, (words, _)| line.part(words));
        page.row("", &line);
    }
}

/// The table of runs; where it is too wide, it has no times, and then the names of the runs are shortened.
fn runs(comparison: &Comparison, offset: FixedOffset, width: usize) -> Vec<String> {
    let from = usize::from(!cells::has_two_sets(comparison));
    let head = OF_RUNS.map(str::to_owned);
    let of_runs = comparison.runs.iter().map(|run| cells::of_run(run, offset));
    let all: Vec<[String; OF_RUNS.len()]> = [head].into_iter().chain(of_runs).collect();
    let with = |columns: &dyn Fn(usize) -> bool| -> Vec<Vec<String>> {
        let of = |row: &[String; OF_RUNS.len()]| {
            let cells = row.iter().enumerate().filter(|(column, _)| columns(*column));
            cells.map(|(_, cell)| cell.clone()).collect()
        };
        all.iter().map(of).collect()
    };
    let in_full = with(&|column| column >= from);
    let texts = TEXTS_OF_RUNS - from;
    match wide(&widths(&in_full)) <= width {
        true => lines(&in_full, 1 - from, texts, width),
        false => {
            lines(&with(&|column| column >= from && column != STARTED), 1 - from, texts - 1, width)
        }
    }
}

fn widths(rows: &[Vec<String>]) -> Vec<usize> {
    let widest = |column: usize| rows.iter().map(|row| columns(&row[column])).max().unwrap_or(0);
    (0..rows.first().map_or(0, Vec::len)).map(widest).collect()
}

fn wide(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
}

/// The rows, of which the first columns are texts, which stand to the left, and the others numbers.
fn lines(rows: &[Vec<String>], name: usize, texts: usize, width: usize) -> Vec<String> {
    let mut widths = widths(rows);
    let all = wide(&widths);
    let least = NAME_COLUMNS_MIN.min(widths[name]);
    let narrow = widths[name].saturating_sub(all.saturating_sub(width)).max(least);
    // What is still too wide stands closer together.
    let gap = if all - widths[name] + narrow > width { 1 } else { GAP };
    widths[name] = narrow;
    let line = |row: &Vec<String>| {
        let cell = |(column, text): (usize, &String)| {
            let text = if column == name { ending(text, widths[column]) } else { text.clone() };
            let space = " ".repeat(widths[column].saturating_sub(columns(&text)));
            if column < texts { format!("{text}{space}") } else { format!("{space}{text}") }
        };
        let cells: Vec<String> = row.iter().enumerate().map(cell).collect();
        cells.join(&" ".repeat(gap)).trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}
