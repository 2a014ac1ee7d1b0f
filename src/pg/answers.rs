//! The server's bytes, as answers to the requests of a load.

use std::io;

use bytes::BytesMut;
use postgres_protocol::message::backend::{DataRowBody, Header, Message};

use super::server_error::ServerError;
use super::user_events::LAST_IDS;

/// No message of a load is longer: a server that announces more is none, or has lost its place.
const LONGEST_MESSAGE_BYTES: i32 = 1024 * 1024;

/// One request's whole answer: in the extended protocol the commit comes after the row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    ids: [i64; LAST_IDS],
    rows: usize,
    /// Why the server did not do it.
    pub error: Option<Box<ServerError>>,
    /// It did, without the synchronous standby, as the wait for it was cancelled.
    pub committed_locally: bool,
}

impl Answer {
    /// The ids that came with it.
    #[must_use]
    pub fn ids(&self) -> &[i64] {
        &self.ids[..self.rows]
    }
}

/// Puts answers together from bytes as they come.
#[derive(Debug, Default)]
pub struct Answers {
    /// Bytes that are no whole message yet.
    received: BytesMut,
    gathered: Answer,
    /// The server said that it did what was asked.
    done: bool,
    /// Requests without a whole answer.
    awaited: usize,
    /// With these words the server ends the session.
    last_words: Option<Box<ServerError>>,
}

impl Answers {
    /// A request was made.
    pub fn asked(&mut self) {
        self.awaited += 1;
    }

    /// Where the bytes of the server go.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.received
    }

    /// The next whole answer, if it is there.
    ///
    /// # Errors
    /// The bytes are no answer to what was asked. What follows them cannot be told from garbage:
    /// there is no answer any more.
    pub fn take(&mut self) -> io::Result<Option<Answer>> {
        let taken = self.next_answer();
        if taken.is_err() {
            *self = Self::default();
        }
        taken
    }

    fn next_answer(&mut self) -> io::Result<Option<Answer>> {
        while let Some(message) = self.message()? {
            match message {
                Message::DataRow(row) => self.row(&row)?,
                Message::ErrorResponse(body) => self.error(ServerError::of(body.fields())),
                Message::NoticeResponse(body) => {
                    self.gathered.committed_locally |=
                        ServerError::of(body.fields()).is_cancelled_synchronous_wait();
                }
                Message::ReadyForQuery(_) => return self.whole().map(Some),
                Message::CommandComplete(_) | Message::ParseComplete => self.done = true,
                Message::BindComplete
                | Message::ParameterStatus(_)
                | Message::NotificationResponse(_) => {}
                _ => return Err(unexpected("a message that belongs to no answer")),
            }
        }
        Ok(None)
    }

    fn error(&mut self, error: ServerError) {
        if error.is_fatal() {
            self.last_words = Some(Box::new(error));
        } else {
            self.gathered.error = Some(Box::new(error));
        }
    }

    fn whole(&mut self) -> io::Result<Answer> {
        let answer = std::mem::take(&mut self.gathered);
        let done = std::mem::take(&mut self.done);
        if self.awaited == 0 {
            return Err(unexpected("an answer to nothing that was asked"));
        }
        if !done && answer.error.is_none() {
            return Err(unexpected("an answer that says neither that it was done nor why not"));
        }
        self.awaited -= 1;
        Ok(answer)
    }

    fn message(&mut self) -> io::Result<Option<Message>> {
        match Header::parse(&self.received)? {
            Some(header) if header.len() > LONGEST_MESSAGE_BYTES => {
                Err(unexpected("a message of more than a megabyte"))
            }
            Some(_) => Message::parse(&mut self.received),
            None => Ok(None),
        }
    }

    /// The session has ended: an ERROR that came without the rest of its answer is one all the
    /// same, as its transaction is rolled back. Anything else that has begun says nothing.
    pub fn last(&mut self) -> Option<Answer> {
        if self.gathered.error.is_none() || self.awaited == 0 {
            return None;
        }
        self.awaited -= 1;
        Some(std::mem::take(&mut self.gathered))
    }

    /// With what words the server ends the session, if it said any.
    #[must_use]
    pub fn last_words(&self) -> Option<&ServerError> {
        self.last_words.as_deref()
    }

    /// A row of one `bigint`, in binary: its length in four bytes, then it.
    fn row(&mut self, row: &DataRowBody) -> io::Result<()> {
        let id = match row.buffer() {
            [0, 0, 0, 8, id @ ..] => id.try_into().map(i64::from_be_bytes).ok(),
            _ => None,
        };
        match (id, self.gathered.ids.get_mut(self.gathered.rows)) {
            (Some(id), Some(place)) => {
                *place = id;
                self.gathered.rows += 1;
                Ok(())
            }
            _ => Err(unexpected("a row that is no id")),
        }
    }
}

fn unexpected(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the server sent {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(tag: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap();
        [&[tag], &length.to_be_bytes()[..], body].concat()
    }

    fn row(id: i64) -> Vec<u8> {
        message(b'D', &[&[0, 1, 0, 0, 0, 8], &id.to_be_bytes()[..]].concat())
    }

    fn error(tag: u8, severity: &str, code: &str) -> Vec<u8> {
        message(tag, format!("V{severity}\0C{code}\0Mno\0\0").as_bytes())
    }

    fn write_answer(id: i64) -> Vec<u8> {
        let complete = [message(b'2', b""), row(id), message(b'C', b"INSERT 0 1\0")].concat();
        [complete, message(b'Z', b"I")].concat()
    }

    fn answers(awaited: usize, bytes: &[u8]) -> Answers {
        Answers { received: BytesMut::from(bytes), awaited, ..Answers::default() }
    }

    #[test]
    fn answers_are_whole_only_with_their_last_byte() {
        let bytes = [write_answer(7), write_answer(-8)].concat();
        let mut answers = answers(2, &[]);
        let mut ids = Vec::new();
        for (index, byte) in bytes.iter().enumerate() {
            answers.received.extend_from_slice(&[*byte]);
            if let Some(answer) = answers.take().unwrap() {
                ids.push((index, answer.ids().to_vec()));
            }
        }
        let half = bytes.len() / 2;
        assert_eq!(ids, [(half - 1, vec![7]), (2 * half - 1, vec![-8])]);
        assert_eq!(answers.last(), None);
    }

    #[test]
    fn an_error_takes_its_warning_and_rows_with_it_and_leaves_the_next_answer_alone() {
        let refused = [error(b'E', "ERROR", "25006"), message(b'Z', b"I")].concat();
        let mut answers = answers(2, &[refused, write_answer(3)].concat());
        let answer = answers.take().unwrap().unwrap();
        assert!(answer.ids().is_empty());
        let evidence = answer.error.unwrap().evidence();
        assert!(evidence.proves_rejection(), "{evidence:?}");
        assert_eq!(answers.take().unwrap().unwrap().ids(), [3]);
    }

    #[test]
    fn a_session_that_ends_in_an_answer_proves_only_what_an_error_said() {
        let half = write_answer(9);
        let mut cut = answers(1, &half[..half.len() - 6]);
        assert_eq!(cut.take().unwrap(), None);
        assert_eq!(cut.last(), None, "a row is no commit");

        let mut refused = answers(1, &error(b'E', "ERROR", "23505"));
        assert_eq!(refused.take().unwrap(), None);
        assert_eq!(refused.last_words(), None);
        assert!(refused.last().unwrap().error.is_some());
        assert_eq!(refused.last(), None);

        let mut goodbye = answers(1, &error(b'E', "FATAL", "57P01"));
        assert_eq!(goodbye.take().unwrap(), None);
        assert_eq!(goodbye.last(), None);
        let words = goodbye.last_words().unwrap();
        assert_eq!(words.evidence().sqlstate.unwrap().0, "57P01");
    }

    #[test]
    fn a_warning_of_a_wait_that_was_cancelled_belongs_to_its_answer() {
        let warning = message(b'N', b"VWARNING\0C01000\0Mwait\0RSyncRepWaitForLSN\0\0");
        let mut answers = answers(2, &[warning, write_answer(1), write_answer(2)].concat());
        assert!(answers.take().unwrap().unwrap().committed_locally);
        assert!(!answers.take().unwrap().unwrap().committed_locally);
    }

    #[test]
    fn a_fatal_word_after_an_error_leaves_the_error_its_answer() {
        let refused = [error(b'E', "ERROR", "23505"), error(b'E', "FATAL", "57P01")].concat();
        let mut answers = answers(2, &refused);
        assert_eq!(answers.take().unwrap(), None);
        assert_eq!(answers.last_words().unwrap().evidence().sqlstate.unwrap().0, "57P01");
        assert!(answers.last().unwrap().error.unwrap().evidence().proves_rejection());
        assert_eq!(answers.last(), None, "the second request has no answer");
    }

    #[test]
    fn after_bytes_that_are_no_answer_nothing_is_one_any_more() {
        // A refusal, a message that nobody asked for, and the end of the answer.
        let lie = [error(b'E', "ERROR", "23514"), message(b'n', b""), message(b'Z', b"I")].concat();
        let mut answers = answers(8, &[lie, write_answer(1)].concat());
        assert!(answers.take().is_err());
        assert_eq!(answers.take().unwrap(), None);
        assert_eq!(answers.last(), None);
    }

    #[test]
    fn an_end_of_an_answer_alone_acknowledges_nothing() {
        assert!(answers(1, &message(b'Z', b"I")).take().is_err());
        let row_alone = [row(1), message(b'Z', b"I")].concat();
        assert!(answers(1, &row_alone).take().is_err(), "a row is no commit");
    }

    #[test]
    fn what_is_no_answer_is_an_error_and_no_panic() {
        let no_row = message(b'D', &[0, 1, 0, 0, 0, 4, 1, 2, 3, 4]);
        let null = message(b'D', &[0, 1, 255, 255, 255, 255]);
        let four_rows = [row(1), row(2), row(3), row(4)].concat();
        let huge = [&b"D"[..], &0x7fff_ffff_u32.to_be_bytes()].concat();
        let copy = message(b'G', &[0, 0, 0]);
        let http = b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec();
        let short = [&b"Z"[..], &3_u32.to_be_bytes(), b"I"].concat();
        for bytes in [no_row, null, four_rows, huge, copy, http, short] {
            assert!(answers(1, &bytes).take().is_err(), "{bytes:?}");
        }
        assert!(answers(0, &message(b'Z', b"I")).take().is_err(), "nothing was asked");
    }
}
