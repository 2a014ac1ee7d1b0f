//! The one place that writes to standard error: log lines, and a progress bar under them.
//!
//! A reader that went away (`pgchaos gen 2>&1 | head`) is no reason to stop a load: what cannot
//! be written is dropped.

use std::io::{self, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::numbers::{grouped, whole};
use crate::model::foreign::printable;

/// What a bounded run is measured by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BarLength {
    /// How long it writes.
    Duration(Duration),
    /// How many writes it sends.
    Writes(u64),
}

/// How often the bar is drawn, at most, per second.
const DRAWN_PER_SECOND: u8 = 5;

/// Standard error. With a bar, lines go above it.
#[derive(Debug)]
pub struct Console {
    bar: Option<(BarLength, ProgressBar)>,
}

impl Console {
    /// A console, with a bar for a bounded run. Ask for one only where standard error is a
    /// terminal.
    #[must_use]
    pub fn new(bar: Option<BarLength>) -> Self {
        let target = || ProgressDrawTarget::stderr_with_hz(DRAWN_PER_SECOND);
        Self { bar: bar.map(|length| (length, progress_bar(length, target()))) }
    }

    /// Writes one line.
    pub fn line(&self, line: &str) {
        // One write a line: what else writes to the same terminal does not get in between.
        let line = format!("{}\n", printable(line));
        let write = || {
            let _ = io::stderr().lock().write_all(line.as_bytes());
        };
        match &self.bar {
            Some((_, bar)) => bar.suspend(write),
            None => write(),
        }
    }

    /// Moves the bar to what is done so far, of which it shows what it is measured by.
    pub fn progress(&self, elapsed: Duration, writes: u64) {
        let Some((length, bar)) = &self.bar else { return };
        bar.set_message(message(*length, elapsed, writes));
        bar.set_position(position(*length, elapsed, writes));
    }

    /// Takes the bar away. Lines can still be written.
    pub fn finish(&self) {
        if let Some((_, bar)) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn progress_bar(length: BarLength, target: ProgressDrawTarget) -> ProgressBar {
    let end = match length {
        BarLength::Duration(duration) => milliseconds(duration),
        BarLength::Writes(writes) => writes,
    };
    // The template is a constant that the crate takes; were it not, its own serves as well.
    let style = ProgressStyle::with_template("           {bar:40} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─");
    let bar = ProgressBar::with_draw_target(Some(end), target).with_style(style);
    bar.set_message(message(length, Duration::ZERO, 0));
    bar
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
    fn without_a_terminal_nothing_fails() {
        let bar = progress_bar(BarLength::Writes(3), ProgressDrawTarget::hidden());
        let console = Console { bar: Some((BarLength::Writes(3), bar)) };
        console.progress(Duration::from_secs(1), 2);
        console.finish();
        console.line("");
    }
}
