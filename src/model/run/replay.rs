//! Reads a record back line by line, also one that ends in the middle of a line, as after a kill.

use std::time::Duration;

use crate::model::event::{Event, Header, What};
use crate::model::outage::ack_gaps::AckGap;
use crate::model::run::record_format::{RecordError, decode, decode_header, measure};

/// Reads the lines of a record in order.
#[derive(Debug, Default)]
pub struct Replay {
    lines: u64,
    /// A line that could not be read. Only the last one may be so.
    unread: Option<RecordError>,
}

/// What a line holds.
#[derive(Debug)]
pub enum ReplayedLine {
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
    pub fn line(&mut self, line: &[u8]) -> Result<ReplayedLine, RecordError> {
        let line = line.trim_ascii();
        if let Some(error) = self.unread.take() {
            return Err(error);
        }
        self.lines += 1;
        if line.is_empty() {
            return Ok(ReplayedLine::Nothing);
        }
        if self.lines == 1 {
            return Ok(ReplayedLine::Header(Box::new(decode_header(line)?)));
        }
        // A killed program cuts its last line: it makes none longer.
        measure(line, self.lines)?;
        match decode(line, self.lines) {
            Ok(Event { what: What::Run(_), .. }) => Err(RecordError::Damaged {
                line: self.lines,
                reason: "another run begins there".to_owned(),
            }),
            Ok(event) => Ok(ReplayedLine::Event(Box::new(event))),
            Err(error) => {
                self.unread = Some(error);
                Ok(ReplayedLine::Nothing)
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

/// The stretches that these events of a record tell, in their order. One that went on when the run
/// was killed at `end` ends there.
pub fn ack_gaps<'a>(events: impl IntoIterator<Item = &'a Event>, end: Duration) -> Vec<AckGap> {
    let mut gaps = Vec::new();
    let mut goes_on = None;
    for event in events {
        match &event.what {
            What::AckGapGoesOn { from } => goes_on = Some(*from),
            What::AckGap(gap) => {
                goes_on = None;
                gaps.push(*gap);
            }
            _ => {}
        }
    }
    gaps.extend(goes_on.map(|from| AckGap { from, to: end.max(from) }));
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_record_tells_also_the_stretch_that_a_kill_cut_off() {
        let event = |what| Event { at: ms(0), what };
        let (first, second) = (ms(1000), ms(9000));
        let over = AckGap { from: first, to: ms(2000) };
        let mut events = vec![
            event(What::AckGapGoesOn { from: first }),
            event(What::AckGap(over)),
            event(What::AckGapGoesOn { from: second }),
        ];
        let cut_off = AckGap { from: second, to: ms(9700) };
        assert_eq!(ack_gaps(&events, ms(9700)), [over, cut_off]);
        let ended = AckGap { from: second, to: ms(9600) };
        events.push(event(What::AckGap(ended)));
        assert_eq!(ack_gaps(&events, ms(9700)), [over, ended]);
    }
}
