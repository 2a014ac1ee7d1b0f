//! What is wrong in a scenario's file, and where.

use std::fmt;
use std::ops::Range;

/// A scenario's text and the name of its file, to point into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The file's name, or words for one that is built in.
    pub file: String,
    /// Its text.
    pub text: String,
}

impl Source {
    /// An error at these bytes of the text.
    #[must_use]
    pub fn error(&self, span: &Range<usize>, message: impl Into<String>) -> ScenarioError {
        let start = span.start.min(self.text.len());
        let before = self.text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let excerpt = self.text.get(line_start..).unwrap_or_default();
        let excerpt = excerpt.lines().next().unwrap_or_default();
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        let marked = self.text.get(start..span.end.max(start)).unwrap_or_default();
        let marked = marked.lines().next().unwrap_or_default().chars().count();
        ScenarioError {
            file: self.file.clone(),
            line: self.line(start),
            column,
            excerpt: excerpt.to_owned(),
            marked: marked.max(1),
            message: message.into(),
        }
    }

    /// The line of this byte, from 1.
    #[must_use]
    pub fn line(&self, at: usize) -> usize {
        self.text.get(..at).unwrap_or(&self.text).matches('\n').count() + 1
    }
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
    /// The line's text.
    pub excerpt: String,
    /// How many characters of it are meant.
    pub marked: usize,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, excerpt, marked, message } = self;
        let number = line.to_string();
        let gutter = " ".repeat(number.len());
        // A tab keeps its width, so that the mark stands below what it marks.
        let lead: String =
            excerpt.chars().take(column - 1).map(|c| if c == '\t' { c } else { ' ' }).collect();
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
    }
}
