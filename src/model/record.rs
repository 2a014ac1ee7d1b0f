//! The record: a run's events as JSON Lines, and what can be wrong with such lines.
//!
//! One event a line, the run's header first. Later versions may add fields; a new event gets a new
//! format number, as a reader that skips what it does not know could call a write lost.

use chrono::{DateTime, Datelike, Utc};
use thiserror::Error;

use super::event::{Event, Header, What};
use super::foreign::{inert_json, name, said};
use super::run::Run;

/// The format that this version writes, and the highest that it reads.
pub const FORMAT: u32 = 1;

/// What is wrong with a record.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RecordError {
    /// It has no line.
    #[error("the record is empty: the run was killed before its first line was written")]
    Empty,
    /// Its first line is not a run's header.
    #[error("this is no pgchaos record: its first line does not begin a run ({reason})")]
    NotARecord {
        /// What is wrong with it.
        reason: String,
    },
    /// It was written by a newer version.
    #[error(
        "the record has format {found}, written by pgchaos {version}; this pgchaos reads formats \
         up to {FORMAT}: use that version or a newer one"
    )]
    FutureFormat {
        /// Its format.
        found: u64,
        /// The version that wrote it.
        version: String,
    },
    /// A line in the middle cannot be read.
    #[error("line {line} of the record cannot be read: {reason}")]
    Damaged {
        /// Counted from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
}

/// One event as a line, without its end of line.
///
/// # Errors
/// When the event has a number that JSON cannot write; none of ours has.
pub fn encode(event: &Event) -> Result<String, serde_json::Error> {
    serde_json::to_string(event).map(inert_json)
}

/// The header in a record's first line.
///
/// # Errors
/// [`RecordError::NotARecord`] and [`RecordError::FutureFormat`].
pub fn decode_header(line: &[u8]) -> Result<Header, RecordError> {
    let not_a_record = |reason: String| RecordError::NotARecord { reason: said(&reason) };
    let value: serde_json::Value =
        serde_json::from_slice(line).map_err(|error| not_a_record(error.to_string()))?;
    if value.get("event").and_then(serde_json::Value::as_str) != Some("run") {
        return Err(not_a_record("it has no \"event\":\"run\"".to_owned()));
    }
    // The format comes first: a newer header may not have the fields that this version wants.
    let format = value.get("format").and_then(serde_json::Value::as_u64);
    match format {
        Some(found) if found > u64::from(FORMAT) => {
            let version = value.get("pgchaos").and_then(serde_json::Value::as_str);
            return Err(RecordError::FutureFormat {
                found,
                version: name(version.unwrap_or("of an unknown version")),
            });
        }
        Some(_) => {}
        None => return Err(not_a_record("it names no format".to_owned())),
    }
    match serde_json::from_value(value) {
        Ok(Event { what: What::Run(header), .. }) => match readable(header.started_at) {
            Ok(()) => Ok(*header),
            Err(reason) => Err(not_a_record(reason)),
        },
        Ok(_) => Err(not_a_record("it is another event".to_owned())),
        Err(error) => Err(not_a_record(error.to_string())),
    }
}

/// The event in a later line.
///
/// # Errors
/// [`RecordError::Damaged`] with `line_number`.
pub fn decode(line: &[u8], line_number: u64) -> Result<Event, RecordError> {
    let damaged =
        |reason: String| RecordError::Damaged { line: line_number, reason: said(&reason) };
    let event: Event = serde_json::from_slice(line).map_err(|error| damaged(error.to_string()))?;
    wall_clock(&event.what).map_err(damaged)?;
    Ok(event)
}

/// Whether the event can follow what is known of the run.
///
/// # Errors
/// [`RecordError::Damaged`] with `line_number`: lines before it are missing or changed.
pub fn follows(run: &Run, event: &Event, line_number: u64) -> Result<(), RecordError> {
    let account = match &event.what {
        What::Verified(verification) => verification.account.as_ref(),
        _ => None,
    };
    match account.and_then(|account| account.contradiction(&run.ledger)) {
        Some(reason) => Err(RecordError::Damaged { line: line_number, reason }),
        None => Ok(()),
    }
}

/// Times of the wall clock that are shown to people in their own offset.
fn wall_clock(what: &What) -> Result<(), String> {
    match what {
        What::OutageEnded(outage) => readable(outage.began_at),
        What::Verified(verification) => verification
            .lost_writes
            .iter()
            .flat_map(|lost| [lost.acknowledged_from, lost.acknowledged_to])
            .flatten()
            .try_for_each(readable),
        _ => Ok(()),
    }
}

fn readable(time: DateTime<Utc>) -> Result<(), String> {
    match time.year() {
        1970..=9999 => Ok(()),
        year => Err(format!("the year {year} is no year of a run")),
    }
}
