//! The last row of a terminal: it changes while something goes on, and is gone when that ends, also when
//! the terminal was resized meanwhile.
//!
//! A terminal that becomes narrower breaks a row that is too wide into several, and some move the first
//! of these into the scrollback, where nothing can be cleared: tmux does so where the screen is not full
//! yet. So the row is short, `COLUMNS_MAX` at most, and is not filled with blanks to the right edge, as
//! indicatif does it. In a terminal that becomes narrower than that all the same, what can be cleared
//! is: the cursor is left at the row's first character, which terminals keep track of, and all from
//! there on is cleared, however many rows that is by now. And a row is never broken as it is drawn: what
//! is too wide is cut at the right edge.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use super::layout::shortened_to_columns;
use crate::model::foreign::plain;

/// The row is no wider: a terminal that still has as many columns breaks none.
pub(super) const COLUMNS_MAX: usize = 36;

/// What goes on takes so many of them, beside the sign before it and the time after it.
const WORDS_MAX: usize = 27;

/// How often the row is drawn, at most, per second.
const DRAWN_PER_SECOND: u8 = 5;

/// How often a row that only counts seconds is drawn.
const TICK: Duration = Duration::from_millis(200);

/// Clear this row, then all rows below it, and come back. One sequence that clears from here to the
/// end would do, but for tmux: where that is the whole screen, it puts what is cleared into the
/// scrollback.
const CLEAR: &str = "\r\x1b[2K\x1b7\x1b[B\x1b[J\x1b8";
/// A row that is too wide is cut, and not broken.
const CUT: &str = "\x1b[?7l";
/// As terminals are used to: a line that is too wide goes on in the next row.
const BREAK: &str = "\x1b[?7h";

/// Standard error with the row at its end. What is drawn goes out in one system call.
#[derive(Debug, Default)]
struct LastRow {
    drawn: Mutex<String>,
}

impl LastRow {
    fn draw(&self, text: &str) {
        self.drawn.lock().unwrap_or_else(PoisonError::into_inner).push_str(text);
    }
}

impl TermLike for LastRow {
    fn width(&self) -> u16 {
        // It is never broken: how wide the terminal is does not matter here.
        u16::MAX
    }

    // There is one row.
    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        // What is blank fills the row to the right edge.
        let shown = text.trim_end();
        if !shown.is_empty() {
            self.draw(&format!("{CUT}{shown}{BREAK}"));
        }
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.draw(CLEAR);
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        let drawn = std::mem::take(&mut *self.drawn.lock().unwrap_or_else(PoisonError::into_inner));
        // A reader that is gone is no reason to stop.
        let _ = io::stderr().lock().write_all(format!("{drawn}\r").as_bytes());
        Ok(())
    }
}

/// The last row of standard error, to draw on. Ask for it only where that is a terminal.
pub(super) fn last_row() -> ProgressDrawTarget {
    ProgressDrawTarget::term_like_with_hz(Box::<LastRow>::default(), DRAWN_PER_SECOND)
}

/// What goes on, in few words: what is too long is cut.
pub(super) fn words(what: &str) -> String {
    shortened_to_columns(&plain(what), WORDS_MAX)
}

/// The style of a row that says what goes on, and for how long by now.
pub(super) fn of_activity() -> ProgressStyle {
    // The template is valid; if it were not, the crate's default would do.
    ProgressStyle::with_template("{spinner} {msg} · {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// A row on standard error that says what goes on, and for how long by now; it counts by itself. Ask
/// for it only where standard error is a terminal.
#[derive(Debug, Clone)]
pub struct ActivityRow(ProgressBar);

impl ActivityRow {
    /// Shows what goes on.
    #[must_use]
    pub fn new(what: &str) -> Self {
        let row = ProgressBar::with_draw_target(None, last_row()).with_style(of_activity());
        row.set_message(words(what));
        row.enable_steady_tick(TICK);
        Self(row)
    }

    /// Says what goes on now.
    pub fn say(&self, what: &str) {
        self.0.set_message(words(what));
    }

    /// Writes above it.
    pub fn above(&self, write: impl FnOnce()) {
        self.0.suspend(write);
    }

    /// Takes it away.
    pub fn clear(&self) {
        self.0.finish_and_clear();
    }
}

/// The row that is shown now: there is one standard error.
static SHOWN: Mutex<Option<ActivityRow>> = Mutex::new(None);

/// Shows this row, or none, in place of the one that is shown.
pub fn show(row: Option<ActivityRow>) {
    let mut shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(before) = std::mem::replace(&mut *shown, row) {
        before.clear();
    }
}

/// Writes lines on standard error, above the row if one is shown. A reader that is gone is no reason to
/// stop: the error is ignored.
pub fn write_above(lines: &[u8]) {
    let write = || {
        let _ = io::stderr().lock().write_all(lines);
    };
    let shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match shown {
        Some(row) => row.above(write),
        None => write(),
    }
}
