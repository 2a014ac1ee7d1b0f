//! Lines with the time that they have for the reader.

use std::borrow::Cow;
use std::time::Duration;

use chrono::{DateTime, FixedOffset, NaiveDate, TimeDelta, Utc};

use super::options::{TextLogOptions, Verbosity};
use crate::model::foreign::{plain, shortened};
use crate::report::layout::{LONGEST_MESSAGE, Layout, Line};

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
    verbosity: Verbosity,
    /// The date of the last line: times alone are ambiguous after midnight.
    date: Option<NaiveDate>,
}

impl Printer {
    pub(super) fn new(options: &TextLogOptions) -> Self {
        let layout = Layout {
            colour: options.colour,
            width: options.width,
            shorten: options.verbosity == Verbosity::Quiet,
        };
        Self {
            started_at: options.started_at,
            offset: options.offset,
            layout,
            verbosity: options.verbosity,
            date: None,
        }
    }

    pub(super) fn resized(&mut self, width: Option<usize>) {
        self.layout.width = width;
    }

    /// The rows of a line, after a row with the date when a new day has begun.
    pub(super) fn rows(&mut self, stamp: Stamp, line: &Line) -> Vec<String> {
        let line = &*self.bounded(line);
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

    /// A server's words take as many rows as they need, as what matters may be their end; what is endless is cut.
    fn bounded<'a>(&self, line: &'a Line) -> Cow<'a, Line> {
        let in_full = self.verbosity == Verbosity::Verbose;
        let is_long = |message: &&String| !in_full && message.chars().count() > LONGEST_MESSAGE;
        let Some(message) = line.message.as_ref().filter(is_long) else {
            return Cow::Borrowed(line);
        };
        Cow::Owned(Line {
            message: Some(shortened(&plain(message), LONGEST_MESSAGE)),
            ..line.clone()
        })
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
