//! A record read back, line by line, also one whose program was killed in the middle of a line.

use super::event::{Event, Header, What};
use super::record::{RecordError, decode, decode_header, measure};

/// Reads the lines of a record in order.
#[derive(Debug, Default)]
pub struct Replay {
    lines: u64,
    /// A line that could not be read. Only the last one may be so.
    unread: Option<RecordError>,
}

/// What a line holds.
#[derive(Debug)]
pub enum Line {
    /// The first line.
    Header(Box<Header>),
    /// A later line.
    Event(Box<Event>),
    /// Nothing: an empty line, or one that was cut off.
    Nothing,
}

impl Replay {
    /// Reads the next line, with or without its end of line.
    ///
    /// # Errors
    /// A [`RecordError`]. A later line that cannot be read is an error only when another line
    /// follows: a killed program leaves its last line cut.
    pub fn line(&mut self, line: &[u8]) -> Result<Line, RecordError> {
        let line = line.trim_ascii();
        if let Some(error) = self.unread.take() {
            return Err(error);
        }
        self.lines += 1;
        if line.is_empty() {
            return Ok(Line::Nothing);
        }
        if self.lines == 1 {
            return Ok(Line::Header(Box::new(decode_header(line)?)));
        }
        // A killed program cuts its last line: it makes none longer.
        measure(line, self.lines)?;
        match decode(line, self.lines) {
            Ok(Event { what: What::Run(_), .. }) => Err(RecordError::Damaged {
                line: self.lines,
                reason: "another run begins there".to_owned(),
            }),
            Ok(event) => Ok(Line::Event(Box::new(event))),
            Err(error) => {
                self.unread = Some(error);
                Ok(Line::Nothing)
            }
        }
    }

    /// How many lines were read: the number of the latest.
    #[must_use]
    pub fn line_number(&self) -> u64 {
        self.lines
    }

    /// The end of the record: whether its last line was cut off.
    ///
    /// # Errors
    /// [`RecordError::Empty`].
    pub fn finish(self) -> Result<bool, RecordError> {
        if self.lines == 0 { Err(RecordError::Empty) } else { Ok(self.unread.is_some()) }
    }
}
