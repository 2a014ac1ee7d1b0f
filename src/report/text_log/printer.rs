//! Lines with the time that they have for the reader.

use std::time::Duration;

use chrono::{DateTime, FixedOffset, NaiveDate, TimeDelta, Utc};

use super::options::{TextLogOptions, Verbosity};
use crate::report::layout::{Layout, Line};

/// Where a line stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stamp {
    /// After its time.
    At(Duration),
    /// Under the line that it belongs to.
    Below,
    /// After dashes.
    Rule,
}

/// Makes rows of lines.
#[derive(Debug)]
pub(super) struct Printer {
    started_at: DateTime<Utc>,
    offset: FixedOffset,
    layout: Layout,
    /// The date of the last line: times alone are ambiguous after midnight.
    date: Option<NaiveDate>,
}

impl Printer {
    pub(super) fn new(options: &TextLogOptions) -> Self {
        let layout = Layout {
            colour: options.colour,
            width: options.width,
            shorten: options.verbosity < Verbosity::Verbose,
        };
        Self { started_at: options.started_at, offset: options.offset, layout, date: None }
    }

    pub(super) fn resized(&mut self, width: Option<usize>) {
        self.layout.width = width;
    }

    /// The rows of a line, after a row with the date when a new day has begun.
    pub(super) fn rows(&mut self, stamp: Stamp, line: &Line) -> Vec<String> {
        match stamp {
            Stamp::Rule => self.layout.rows("--- ", line),
            Stamp::Below => self.layout.rows("           ", line),
            Stamp::At(at) => {
                let time = self.local(at);
                let mut rows = self.new_day(time.date_naive());
                rows.extend(self.layout.rows(&time.format("[%H:%M:%S] ").to_string(), line));
                rows
            }
        }
    }

    fn local(&self, at: Duration) -> DateTime<FixedOffset> {
        let since = TimeDelta::from_std(at).unwrap_or_default();
        let time = self.started_at.checked_add_signed(since).unwrap_or(self.started_at);
        time.with_timezone(&self.offset)
    }

    fn new_day(&mut self, date: NaiveDate) -> Vec<String> {
        let before = *self.date.get_or_insert(date);
        if date <= before {
            return Vec::new();
        }
        self.date = Some(date);
        vec![format!("--- {date}")]
    }
}
