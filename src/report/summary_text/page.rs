//! The page: labels on the left, facts on the right, all of one width.

use chrono::FixedOffset;

use crate::report::layout::{Layout, Line, Tone, painted};
use crate::report::numbers::grouped;

/// How the page is written.
#[derive(Debug, Clone, Copy)]
pub struct SummaryTextOptions {
    /// The reader's offset from UTC.
    pub offset: FixedOffset,
    /// Whether to colour.
    pub colour: bool,
    /// The terminal's width in columns; `None` where lines may be of any length, as in a file.
    pub width: Option<usize>,
}

const LABEL_WIDTH: usize = 14;

/// A page that grows by rows.
pub(in crate::report) struct Page {
    layout: Layout,
    text: String,
}

impl Page {
    pub(in crate::report) fn new(options: &SummaryTextOptions) -> Self {
        let layout = Layout { colour: options.colour, width: options.width, shorten: false };
        Self { layout, text: String::new() }
    }

    /// A line after dashes.
    pub(in crate::report) fn rule(&mut self, line: &Line) {
        let rows = self.layout.rows("--- ", line);
        self.push(rows);
    }

    /// A line without a label.
    pub(in crate::report) fn line(&mut self, line: &Line) {
        let rows = self.layout.rows("", line);
        self.push(rows);
    }

    /// A fact under a label, which shares the tone of a line that is coloured whole.
    pub(in crate::report) fn row(&mut self, label: &str, line: &Line) {
        let label = format!("{label:<LABEL_WIDTH$}");
        let whole = matches!(line.tone, Tone::Loud | Tone::Proven) && !label.trim().is_empty();
        let mut rows = self.layout.rows(&label, line);
        if let Some(first) = rows.first_mut().filter(|_| whole) {
            let painted = painted(&label, line.tone, self.layout.colour);
            *first = first.replacen(&label, &painted, 1);
        }
        self.push(rows);
    }

    /// Text to be copied, such as a path: on one row however long, as a line break would be copied
    /// with it.
    pub(in crate::report) fn copyable(&mut self, label: &str, text: &str) {
        let layout = Layout { width: None, ..self.layout };
        let line = Line::new(Tone::Plain, "").rest(text);
        self.push(layout.rows(&format!("{label:<LABEL_WIDTH$}"), &line));
    }

    /// A count, right-aligned to `width`, and what is counted.
    pub(in crate::report) fn count(&mut self, label: &str, count: u64, width: usize, line: &Line) {
        let prefix = format!("{label:<LABEL_WIDTH$}{:>width$} ", grouped(count));
        let rows = self.layout.rows(&prefix, line);
        self.push(rows);
    }

    /// The same for a count that is not known.
    pub(in crate::report) fn unknown_count(&mut self, label: &str, width: usize, line: &Line) {
        let prefix = format!("{label:<LABEL_WIDTH$}{:>width$} ", "?");
        let rows = self.layout.rows(&prefix, line);
        self.push(rows);
    }

    /// An empty row.
    pub(in crate::report) fn gap(&mut self) {
        self.text.push('\n');
    }

    pub(in crate::report) fn text(self) -> String {
        self.text
    }

    fn push(&mut self, rows: Vec<String>) {
        for row in rows {
            self.text.push_str(&row);
            self.text.push('\n');
        }
    }
}
