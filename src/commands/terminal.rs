//! What the terminal is like: colour, width, local time.

use std::io::{IsTerminal, Write};

use chrono::{FixedOffset, Local, Offset};

use crate::report::layout::fitted;

/// A stream of the terminal as the reports need to know it.
#[derive(Debug, Clone, Copy)]
pub struct Terminal {
    /// Whether it is one.
    pub is_terminal: bool,
    /// Whether to colour: on a terminal, unless `NO_COLOR` is set.
    pub colour: bool,
    /// Its width in columns, where it is known.
    pub width: Option<usize>,
}

impl Terminal {
    /// Standard error.
    #[must_use]
    pub fn stderr() -> Self {
        Self::of(std::io::stderr().is_terminal(), console::Term::stderr().size_checked())
    }

    /// Standard output.
    #[must_use]
    pub fn stdout() -> Self {
        Self::of(std::io::stdout().is_terminal(), console::Term::stdout().size_checked())
    }

    fn of(is_terminal: bool, size: Option<(u16, u16)>) -> Self {
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty());
        Self {
            is_terminal,
            colour: is_terminal && !no_colour,
            width: size.filter(|_| is_terminal).map(|(_, columns)| usize::from(columns)),
        }
    }
}

/// How it goes on, on standard error: a long line goes on under its own words.
pub(super) fn tell(line: &str) {
    let width = Terminal::stderr().width;
    let rows = fitted(&format!("pgchaos: {line}\n"), width);
    // A reader that is gone is no reason to stop.
    let _ = std::io::stderr().lock().write_all(rows.as_bytes());
}

/// The reader's offset from UTC, now.
#[must_use]
pub fn local_offset() -> FixedOffset {
    Local::now().offset().fix()
}
