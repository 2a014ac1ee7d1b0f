//! The record: a run's events as JSON Lines, and what can be wrong with such lines.
//!
//! One event a line, the run's header first. Later versions may add fields; a new event gets a new
//! format number, as a reader that skips what it does not know could call a write lost.

use std::time::Duration;

use chrono::{DateTime, Datelike, Utc};
use serde::ser::Error as _;
use thiserror::Error;

use crate::model::event::{Event, Header, What};
use crate::model::foreign::{inert_json, name, said};
use crate::model::run::Run;

/// The format that this version writes, and the highest that it reads.
pub const FORMAT: u32 = 1;

/// A record's first line is no longer than this.
pub const HEADER_BYTES_MAX: usize = 64 * 1024;

/// No later line is longer: one is a second of the load, or a verification. What is longer is
/// neither written nor read.
pub const LINE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How much a line may have in it, as [`units`] counts: a value of few bytes takes far more of them in
/// memory, about 32 for each unit. A second of 50,000 writers has as much.
const LINE_UNITS_MAX: usize = 384 * 1024;

/// What is wrong with a record.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RecordError {
    /// It has no line.
    #[error(
        "the record is empty: the run was killed before its first line was written, or could not write it"
    )]
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
/// Of a verification that is too long for a line the times of its lost writes are left out from
/// some write on; which ones are lost is always in it.
///
/// # Errors
/// When the event has a number that JSON cannot write, which none of ours has; or when it is longer
/// than is read back.
pub fn encode(event: &Event) -> Result<String, serde_json::Error> {
    let line = serde_json::to_string(event).map(inert_json)?;
    let is_header = matches!(event.what, What::Run(_));
    let Some(reason) = too_much(line.as_bytes(), is_header) else { return Ok(line) };
    let What::Verified(verification) = &event.what else {
        return Err(serde_json::Error::custom(format!("a line of it is too long: {reason}")));
    };
    match verification.lost_writes.len() {
        0 => Err(serde_json::Error::custom(format!("the verification is too long: {reason}"))),
        ranges => {
            let mut shorter = verification.clone();
            shorter.lost_writes.truncate(ranges / 2);
            encode(&Event { at: event.at, what: What::Verified(shorter) })
        }
    }
}

/// Whether a record can begin with this header.
#[must_use]
pub fn takes_header(header: &Header) -> bool {
    encode(&Event { at: Duration::ZERO, what: What::Run(Box::new(header.clone())) }).is_ok()
}

/// Why this is no line of a record, if it has more in it than one has.
fn too_much(line: &[u8], is_header: bool) -> Option<String> {
    let bytes_max = if is_header { HEADER_BYTES_MAX } else { LINE_BYTES_MAX };
    if line.len() > bytes_max {
        return Some(format!("it is longer than {} KiB", bytes_max / 1024));
    }
    // Most lines are too short to have so much in them, and are not looked through.
    let may_have = line.len().saturating_mul(UNITS_OF_A_BYTE_MAX) > LINE_UNITS_MAX;
    (may_have && units(line) > LINE_UNITS_MAX)
        .then(|| "it has more values in it than a line has".to_owned())
}

/// No byte is more than an object's first.
const UNITS_OF_A_BYTE_MAX: usize = 8;

/// How much memory the values of a line take while they are read, in units: a list or an object of one
/// value takes room for four.
fn units(line: &[u8]) -> usize {
    let (mut in_text, mut is_escaped, mut units) = (false, false, 0);
    for byte in line {
        units += match byte {
            _ if is_escaped => {
                is_escaped = false;
                0
            }
            b'\\' => {
                is_escaped = in_text;
                1
            }
            b'"' => {
                in_text = !in_text;
                0
            }
            b'[' if !in_text => 4,
            b'{' if !in_text => UNITS_OF_A_BYTE_MAX,
            b',' | b':' if !in_text => 1,
            _ => 0,
        };
    }
    units
}

/// The parser's words, without the list of all that it knows.
fn words(error: &serde_json::Error) -> String {
    let words = error.to_string();
    match (words.split_once(", expected one of "), words.rsplit_once(" at line ")) {
        (Some((what, _)), Some((_, place))) => format!("{what} at line {place}"),
        (Some((what, _)), None) => what.to_owned(),
        _ => words,
    }
}

/// The header in a record's first line.
///
/// # Errors
/// [`RecordError::NotARecord`] and [`RecordError::FutureFormat`].
pub fn decode_header(line: &[u8]) -> Result<Header, RecordError> {
    let not_a_record = |reason: String| RecordError::NotARecord { reason: said(&reason) };
    if let Some(reason) = too_much(line, true) {
        return Err(not_a_record(reason));
    }
    let value: serde_json::Value =
        serde_json::from_slice(line).map_err(|error| not_a_record(words(&error)))?;
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
        Err(error) => Err(not_a_record(words(&error))),
    }
}

/// Whether a later line has more in it than any of a record.
///
/// # Errors
/// [`RecordError::Damaged`] with `line_number`.
pub fn measure(line: &[u8], line_number: u64) -> Result<(), RecordError> {
    match too_much(line, false) {
        Some(reason) => Err(RecordError::Damaged { line: line_number, reason }),
        None => Ok(()),
    }
}

/// The event in a later line.
///
/// # Errors
/// [`RecordError::Damaged`] with `line_number`.
pub fn decode(line: &[u8], line_number: u64) -> Result<Event, RecordError> {
    let damaged =
        |reason: String| RecordError::Damaged { line: line_number, reason: said(&reason) };
    measure(line, line_number)?;
    let event: Event = serde_json::from_slice(line).map_err(|error| damaged(words(&error)))?;
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// What is not looked through cannot have too much in it.
        #[test]
        fn no_byte_counts_for_more_than_is_reckoned_with(line in r#"[\[\]{},:"\\a]{0,80}"#) {
            prop_assert!(units(line.as_bytes()) <= line.len() * UNITS_OF_A_BYTE_MAX);
        }
    }

    #[test]
    fn a_line_is_refused_from_the_same_number_of_values_on() {
        let line = |objects: usize| "{".repeat(objects).into_bytes();
        assert_eq!(too_much(&line(LINE_UNITS_MAX / 8), false), None);
        assert!(too_much(&line(LINE_UNITS_MAX / 8 + 1), false).is_some());
    }
}
