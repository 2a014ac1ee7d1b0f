//! The one place that writes to standard error while the log of a load goes on: log lines, and a
//! progress bar under them.
//!
//! A reader that went away (`pgchaos gen 2>&1 | head`) is no reason to stop a load: what cannot
//! be written is dropped.

use std::io::{self, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::layout::columns;
use super::numbers::{grouped, whole};
use super::status_row::{COLUMNS_MAX, last_row, of_activity, words};
use crate::model::foreign::printable;

/// What a bounded run is measured by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BarLength {
    /// How long it writes.
    Duration(Duration),
    /// How many writes it sends.
    Writes(u64),
}

/// Standard error. With a row for progress, lines go above it.
#[derive(Debug)]
pub struct Console {
    row: Option<ProgressRow>,
}

/// The row for progress: a bar while a bounded run writes, and what goes on after that.
#[derive(Debug)]
struct ProgressRow {
    row: ProgressBar,
    /// What the bar is measured by, while there is one.
    bar: Option<BarLength>,
    /// The terminal's width as the bar was fitted to it.
    width: Option<usize>,
}

impl Console {
    /// A console that shows progress on a terminal of so many columns: with a bar for a bounded run. Ask
    /// for it only where standard error is a terminal.
    #[must_use]
    pub fn with_progress(bar: Option<BarLength>, width: Option<usize>) -> Self {
        let row = match bar {
            Some(length) => progress_bar(length, width, last_row()),
            // Nothing is shown before there is something to say.
            None => ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()),
        };
        Self { row: Some(ProgressRow { row, bar, width }) }
    }

    /// A console that shows none.
    #[must_use]
    pub fn plain() -> Self {
        Self { row: None }
    }

    /// Writes one line.
    pub fn line(&self, line: &str) {
        // One system call a line, so that no other output comes between its parts.
        let line = format!("{}\n", printable(line));
        let write = || {
            let _ = io::stderr().lock().write_all(line.as_bytes());
        };
        match &self.row {
            Some(progress) => progress.row.suspend(write),
            None => write(),
        }
    }

    /// Moves the bar: by the time or the writes, as it is measured.
    pub fn progress(&self, elapsed: Duration, writes: u64) {
        let Some(ProgressRow { row, bar, .. }) = &self.row else { return };
        match bar {
            Some(length) => {
                row.set_message(message(*length, elapsed, writes));
                row.set_position(position(*length, elapsed, writes));
            }
            // It counts the seconds.
            None => row.tick(),
        }
    }

    /// Fits the bar to a terminal that has so many columns by now.
    pub fn resized(&mut self, width: Option<usize>) {
        let Some(ProgressRow { row, bar: Some(length), width: fitted }) = &mut self.row else {
            return;
        };
        if *fitted != width {
            *fitted = width;
            row.set_style(bar_style(*length, width));
        }
    }

    /// Says what goes on now, in place of the bar.
    pub fn activity(&mut self, what: &str) {
        let Some(progress) = &mut self.row else { return };
        if progress.bar.take().is_some() || progress.row.is_hidden() {
            progress.row.finish_and_clear();
            progress.row =
                ProgressBar::with_draw_target(None, last_row()).with_style(of_activity());
        }
        progress.row.set_message(words(what));
    }

    /// Takes the row away. Lines can still be written.
    pub fn finish(&self) {
        if let Some(progress) = &self.row {
            progress.row.finish_and_clear();
        }
    }
}

/// A bar of fewer columns tells nothing.
const BAR_COLUMNS_MIN: usize = 8;

/// The template of the bar's row, with a shorter bar or none where there is less room.
fn template(words: usize, width: Option<usize>) -> String {
    // The last column stays free: some terminals wrap when it is filled.
    let width = width.map_or(COLUMNS_MAX, |width| width.saturating_sub(1).min(COLUMNS_MAX));
    match width.saturating_sub(words + 1) {
        columns @ BAR_COLUMNS_MIN.. => format!("{{bar:{columns}}} {{msg}}"),
        _ => "{msg}".to_owned(),
    }
}

fn progress_bar(
    length: BarLength,
    width: Option<usize>,
    target: ProgressDrawTarget,
) -> ProgressBar {
    let end = match length {
        BarLength::Duration(duration) => milliseconds(duration),
        BarLength::Writes(writes) => writes,
    };
    let style = bar_style(length, width);
    let bar = ProgressBar::with_draw_target(Some(end), target).with_style(style);
    bar.set_message(message(length, Duration::ZERO, 0));
    bar
}

fn bar_style(length: BarLength, width: Option<usize>) -> ProgressStyle {
    let words = columns(&message(length, Duration::MAX, u64::MAX));
    // The template is valid; if it were not, the crate's default would do.
    ProgressStyle::with_template(&template(words, width))
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─")
}

fn position(length: BarLength, elapsed: Duration, writes: u64) -> u64 {
    match length {
        BarLength::Duration(duration) => milliseconds(elapsed.min(duration)),
        BarLength::Writes(all) => writes.min(all),
    }
}

fn message(length: BarLength, elapsed: Duration, writes: u64) -> String {
    match length {
        BarLength::Duration(duration) => {
            let seconds = Duration::from_secs(elapsed.min(duration).as_secs());
            format!("{} of {}", whole(seconds), whole(duration))
        }
        BarLength::Writes(all) => {
            format!("{} of {}", grouped(writes.min(all)), grouped(all))
        }
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_says_how_far_it_is() {
        let minute = BarLength::Duration(Duration::from_secs(60));
        assert_eq!(message(minute, Duration::from_millis(12_345), 9), "12 s of 60 s");
        assert_eq!(message(minute, Duration::from_secs(75), 9), "60 s of 60 s");
        assert_eq!(position(minute, Duration::from_millis(12_345), 9), 12_345);
        let writes = BarLength::Writes(10_000);
        assert_eq!(message(writes, Duration::from_secs(1), 2_500), "2 500 of 10 000");
        assert_eq!(position(writes, Duration::from_secs(1), 20_000), 10_000);
    }

    #[test]
    fn the_row_is_never_wider_than_the_terminal() {
        let columns = |width: usize, words: usize| match template(words, Some(width)).as_str() {
            "{msg}" => None,
            row => {
                let bar = row.split_once("{bar:").unwrap().1.split_once('}').unwrap().0;
                Some(bar.parse::<usize>().unwrap() + 1 + words)
            }
        };
        for width in 0..200 {
            for words in 0..60 {
                let row = columns(width, words);
                assert!(row.is_none_or(|row| row < width.min(COLUMNS_MAX + 1)), "{width} {words}");
            }
        }
        assert_eq!(columns(80, 12), Some(36), "the whole bar");
        assert_eq!(columns(40, 12), Some(36));
        assert_eq!(columns(30, 12), Some(29));
        assert_eq!(columns(20, 12), None);
    }

    #[test]
    fn without_a_terminal_nothing_fails() {
        let bar = progress_bar(BarLength::Writes(3), None, ProgressDrawTarget::hidden());
        let row = ProgressRow { row: bar, bar: Some(BarLength::Writes(3)), width: None };
        let mut console = Console { row: Some(row) };
        console.resized(Some(40));
        console.progress(Duration::from_secs(1), 2);
        console.finish();
        console.line("");
    }
}
