//! The terminal: its colour and width, the local time, and lines on standard error.

use std::ffi::OsStr;
use std::io::IsTerminal;

use chrono::{FixedOffset, Local, Offset};

/// Prints a line on standard error, with nothing in it that a terminal obeys. A reader that is gone
/// is no reason to stop: the error is ignored. A long line goes on under its own words.
macro_rules! tell {
    ($($words:tt)*) => {{
        let line = crate::model::foreign::lines(&format!($($words)*));
        let width = $crate::commands::terminal::Terminal::stderr().width;
        let rows = crate::report::layout::fitted(&format!("{line}\n"), width);
        $crate::report::status_row::write_above(rows.as_bytes());
    }};
}

/// A stream of the terminal as the reports need to know it.
#[derive(Debug, Clone, Copy)]
pub struct Terminal {
    /// Whether it is one.
    pub is_terminal: bool,
    /// Whether it has colours and a cursor that moves.
    pub is_able: bool,
    /// Whether to colour: only where the terminal can, and `NO_COLOR` is not set.
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
        let is_able = is_terminal && has_cursor(std::env::var_os("TERM").as_deref());
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
fn has_cursor(kind: Option<&OsStr>) -> bool {
    kind.is_some_and(|kind| !kind.is_empty() && kind != "dumb")
}

/// Prints a line of progress on standard error, said by pgchaos.
pub(super) fn tell_progress(line: impl AsRef<str>) {
    tell!("pgchaos: {}", line.as_ref());
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
            assert!(!has_cursor(plain.map(OsStr::new)), "{plain:?}");
        }
        assert!(
            has_cursor(Some(OsStr::new("xterm-256color"))) && has_cursor(Some(OsStr::new("vt100")))
        );
    }
}
