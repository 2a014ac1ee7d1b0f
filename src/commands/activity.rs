//! What a command does that takes long, on the last row of the terminal: what it is, and for how long by
//! now. Where standard error is no terminal nothing is shown, as in a pipe or in CI.
//!
//! There is one standard error, and one such row at a time. Lines that are told meanwhile go above it.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use super::terminal::Terminal;
use crate::report::status_row::ActivityRow;

/// The row that is shown now.
static SHOWN: Mutex<Option<ActivityRow>> = Mutex::new(None);

/// Something that takes long. Its drop takes the row away.
#[derive(Debug)]
pub struct Activity {
    row: Option<ActivityRow>,
}

impl Activity {
    /// Shows what goes on, in place of what was shown before.
    #[must_use]
    pub fn begin(what: &str) -> Self {
        let row = Terminal::stderr().is_able.then(|| ActivityRow::show(what));
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

fn show(row: Option<ActivityRow>) {
    let mut shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(before) = std::mem::replace(&mut *shown, row) {
        before.clear();
    }
}

/// Writes lines on standard error, above the row if one is shown. A reader that is gone is no reason to
/// stop: the error is ignored.
pub fn write_above(lines: &[u8]) {
    let write = || {
        let _ = std::io::stderr().lock().write_all(lines);
    };
    let shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match shown {
        Some(row) => row.above(write),
        None => write(),
    }
}
