//! What the terminal is like: colour, width, local time.

use std::ffi::OsStr;
use std::io::{IsTerminal, Write};

use chrono::{FixedOffset, Local, Offset};

use crate::report::layout::fitted;

/// A stream of the terminal as the reports need to know it.
#[derive(Debug, Clone, Copy)]
pub struct Terminal {
    /// Whether it is one.
    pub is_terminal: bool,
    /// Whether it is one that obeys: its cursor can be moved.
    pub is_able: bool,
    /// Whether to colour: on one that obeys, unless `NO_COLOR` is set.
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
        let is_able = is_terminal && obeys(std::env::var_os("TERM").as_deref());
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty());
        Self {
            is_terminal,
            colour: is_able && !no_colour,
            is_able,
            width: size.filter(|_| is_terminal).map(|(_, columns)| usize::from(columns)),
        }
    }
}

/// Whether a terminal of this type (`TERM`) has colours and a cursor that moves. One without a type
/// may be anything.
fn obeys(kind: Option<&OsStr>) -> bool {
    kind.is_some_and(|kind| !kind.is_empty() && kind != "dumb")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_without_a_type_or_a_dumb_one_gets_plain_lines() {
        for plain in [None, Some(""), Some("dumb")] {
            assert!(!obeys(plain.map(OsStr::new)), "{plain:?}");
        }
        assert!(obeys(Some(OsStr::new("xterm-256color"))) && obeys(Some(OsStr::new("vt100"))));
    }
}
