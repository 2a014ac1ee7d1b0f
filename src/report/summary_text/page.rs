//! The page: labels on the left, facts on the right, all of one width.

use crate::report::layout::{Layout, Line, Tone, painted};
use crate::report::numbers::grouped;

use super::SummaryTextOptions;

const LABEL_WIDTH: usize = 14;
const COUNT_WIDTH: usize = 11;

/// A page that grows by rows.
pub(super) struct Page {
    layout: Layout,
    text: String,
}

impl Page {
    pub(super) fn new(options: &SummaryTextOptions) -> Self {
        let layout = Layout { colour: options.colour, width: options.width, shorten: false };
        Self { layout, text: String::new() }
    }

    /// A line after dashes.
    pub(super) fn rule(&mut self, line: &Line) {
        self.push("--- ", line);
    }

    /// A fact under a label, which shares the tone of a line that is coloured whole.
    pub(super) fn row(&mut self, label: &str, line: &Line) {
        let label = format!("{label:<LABEL_WIDTH$}");
        if matches!(line.tone, Tone::Loud | Tone::Proven) && self.layout.colour {
            let rows = self.layout.rows(&label, line);
            for row in rows {
                let row = row.replacen(&label, &painted(&label, line.tone, true), 1);
                self.text.push_str(&row);
                self.text.push('\n');
            }
            return;
        }
        self.push(&label, line);
    }

    /// A count, right-aligned, and what is counted.
    pub(super) fn count(&mut self, label: &str, count: u64, line: &Line) {
        let count = grouped(count);
        self.push(&format!("{label:<LABEL_WIDTH$}{count:>COUNT_WIDTH$} "), line);
    }

    /// An empty row.
    pub(super) fn gap(&mut self) {
        self.text.push('\n');
    }

    pub(super) fn text(self) -> String {
        self.text
    }

    fn push(&mut self, prefix: &str, line: &Line) {
        for row in self.layout.rows(prefix, line) {
            self.text.push_str(&row);
            self.text.push('\n');
        }
    }
}
