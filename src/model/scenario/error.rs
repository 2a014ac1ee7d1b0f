//! What is wrong in a scenario's file, and where.

use std::fmt;
use std::ops::Range;

use super::concealed::{hidden_from, without_quotes_of};
use crate::model::foreign::{lines, said, shortened};

/// A scenario's text and the name of its file, to point into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The file's name, or words for one that is built in.
    pub file: String,
    /// Its text.
    pub text: String,
}

impl Source {
    /// An error at these bytes of the text. Neither its line nor its words show what may be a secret.
    #[must_use]
    pub fn error(&self, span: &Range<usize>, message: impl Into<String>) -> ScenarioError {
        let start = span.start.min(self.text.len());
        let before = self.text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let excerpt = self.text.get(line_start..).unwrap_or_default();
        let excerpt = excerpt.lines().next().unwrap_or_default();
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        let marked = self.text.get(start..span.end.max(start)).unwrap_or_default();
        let mut marked = marked.lines().next().unwrap_or_default();
        let mut message = message.into();
        let (mut line, mut at) = (excerpt.to_owned(), column - 1);
        if let Some(cut) = hidden_from(&self.text, line_start) {
            let (seen, hidden) = excerpt.split_at(cut);
            let meant = self.text.get(line_start + cut..span.end).unwrap_or(hidden);
            message = without_quotes_of(&message, &[hidden, meant]);
            line = format!("{seen}…");
            let seen = seen.chars().count();
            if at + marked.chars().count() > seen {
                (at, marked) = (at.min(seen), "");
            }
        }
        let (lead, excerpt) = shown(&line, at);
        let width = lines(marked).chars().count();
        ScenarioError {
            file: self.file.clone(),
            line: self.line(start),
            column,
            marked: width.min(excerpt.chars().count().saturating_sub(lead)).max(1),
            lead,
            excerpt,
            message: said(&message),
        }
    }

    /// The line of this byte, from 1.
    #[must_use]
    pub fn line(&self, at: usize) -> usize {
        self.text.get(..at).unwrap_or(&self.text).matches('\n').count() + 1
    }
}

/// A line is shown whole up to here.
const LINE_CHARS_MAX: usize = 200;

/// What is shown of a line before and after the place that is meant.
const AROUND_CHARS: usize = 80;

/// The part of a line around its `at`th character that is shown, and how many characters of that come
/// before it. A tab is a space there, so that the mark stands below what it marks.
fn shown(line: &str, at: usize) -> (usize, String) {
    let from = match line.chars().nth(LINE_CHARS_MAX) {
        Some(_) => at.saturating_sub(AROUND_CHARS),
        None => 0,
    };
    let before: String = line.chars().skip(from).take(at - from).collect();
    let after: String = line.chars().skip(at).take(LINE_CHARS_MAX).collect();
    let ellipsis = if from > 0 { "…" } else { "" };
    let lead = format!("{ellipsis}{}", lines(&before));
    let shown = format!("{lead}{}", lines(&after));
    let count = lead.chars().count();
    (count, shortened(&shown, count + LINE_CHARS_MAX))
}

/// An error in a scenario, with the line that it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioError {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The line's text, without anything that a terminal obeys; of a long line the part that is meant.
    pub excerpt: String,
    /// How many characters of it come before what is meant.
    pub lead: usize,
    /// How many characters of it are meant.
    pub marked: usize,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, excerpt, lead, marked, message } = self;
        let number = line.to_string();
        let gutter = " ".repeat(number.len());
        let lead = " ".repeat(*lead);
        writeln!(f, "{file}:{line}:{column}: {message}")?;
        writeln!(f, " {gutter} |")?;
        writeln!(f, " {number} | {excerpt}")?;
        write!(f, " {gutter} | {lead}{}", "^".repeat(*marked))
    }
}

impl std::error::Error for ScenarioError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_its_line_and_marks_what_is_meant() {
        let source =
            Source { file: "a.toml".to_owned(), text: "x = 1\nstop = \"ä\"\n".to_owned() };
        assert_eq!(
            source.error(&(13..17), "no such member").to_string(),
            "a.toml:2:8: no such member\n   |\n 2 | stop = \"ä\"\n   |        ^^^"
        );
        assert_eq!(source.error(&(99..100), "the end").line, 3);
        let text = format!("a\u{1b}[2J\tb = \"{}\"", "x".repeat(900_000));
        let source = Source { file: "a.toml".to_owned(), text };
        assert_eq!(
            source.error(&(6..7), "no").to_string().lines().nth(3).unwrap(),
            "   |            ^",
            "below the b of a\\u{{1b}}[2J b"
        );
        let late = source.error(&(500_000..500_009), "no");
        assert_eq!((late.lead, late.excerpt.chars().count()), (81, 281));
    }
}
