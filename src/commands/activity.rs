//! What a command does that takes long, on the last row of the terminal: what it is, and for how long by
//! now. Where standard error is no terminal nothing is shown, as in a pipe or in CI.
//!
//! There is one standard error, and one such row at a time. Lines that are told meanwhile go above it.

use super::terminal::Terminal;
use crate::report::status_row::{ActivityRow, show};

/// Something that takes long. Its drop takes the row away.
#[derive(Debug)]
pub struct Activity {
    row: Option<ActivityRow>,
}

impl Activity {
    /// Shows what goes on, in place of what was shown before.
    #[must_use]
    pub fn begin(what: &str) -> Self {
        let row = Terminal::stderr().is_able.then(|| ActivityRow::new(what));
        if let Some(row) = &row {
            show(Some(row.clone()));
        }
        Self { row }
    }

    /// Says what goes on now.
    pub fn say(&self, what: &str) {
        if let Some(row) = &self.row {
            row.say(what);
        }
    }
}

impl Drop for Activity {
    fn drop(&mut self) {
        if self.row.is_some() {
            show(None);
        }
    }
}
