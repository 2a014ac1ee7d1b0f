//! What the log is told before the first event.

use chrono::{DateTime, FixedOffset, Utc};

/// How much the log tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Failures, outages and results: no single writes, seconds, attempts or steps; a server's words on one row.
    Quiet,
    /// What one wants to watch.
    Normal,
    /// Every session and every replica's lag, messages in full.
    Verbose,
}

/// How the log is written.
#[derive(Debug, Clone)]
pub struct TextLogOptions {
    /// When the run began: events are told by the wall clock.
    pub started_at: DateTime<Utc>,
    /// The reader's offset from UTC.
    pub offset: FixedOffset,
    /// Whether to colour.
    pub colour: bool,
    /// How much to tell.
    pub verbosity: Verbosity,
    /// Single writes, as suits up to about ten a second; else one line a second.
    pub one_by_one: bool,
    /// How many writers there are.
    pub writers: u32,
    /// The terminal's width in columns; `None` where lines may be of any length, as in a file.
    pub width: Option<usize>,
}
