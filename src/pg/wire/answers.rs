//! The server's bytes as answers to the requests of a load.
//!
//! An answer is complete with its last byte, and is matched with the oldest request. Nothing else
//! acknowledges a write: see [`Proof`].

use std::collections::VecDeque;
use std::io;

use bytes::BytesMut;
use postgres_protocol::message::backend::{CommandCompleteBody, DataRowBody, Header, Message};

use super::frames::MESSAGE_BYTES_MAX;
use crate::pg::failure::server_error::ServerError;
use crate::pg::user_events::LAST_IDS;

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Prepare a statement.
    Prepare,
    /// Write one event.
    Write,
    /// Read the last ids.
    Read,
}

/// A request without a complete answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Awaited {
    asked: Asked,
    /// The request carries its statement, and the server has not parsed that yet.
    parses: bool,
}

/// One request's complete answer, up to `ReadyForQuery` outside a transaction: in the extended
/// protocol the commit comes after the row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadAnswer {
    ids: [i64; LAST_IDS],
    rows: usize,
    /// What it proves.
    pub proof: Proof,
    /// The write is committed, but the wait for the synchronous standby was cancelled.
    pub committed_locally: bool,
}

/// What an answer proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// The server did the request. For a write: it inserted one row and committed.
    Done,
    /// The server reported this error. What that proves of a write depends on its SQLSTATE.
    Error(Box<ServerError>),
    /// The server did a write and returned no row: where the row went is unknown.
    NoRow,
}

impl LoadAnswer {
    /// The ids that came with it.
    #[must_use]
    pub fn ids(&self) -> &[i64] {
        &self.ids[..self.rows]
    }
}

/// What has come of the current answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Gathered {
    ids: [i64; LAST_IDS],
    rows: usize,
    done: Option<Done>,
    error: Option<Box<ServerError>>,
    committed_locally: bool,
}

/// What the server says that it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    Parsed,
    Inserted(u64),
    Selected,
}

/// Puts answers together from bytes as they come.
#[derive(Debug, Default)]
pub struct Answers {
    /// Bytes that are no complete message yet.
    received: BytesMut,
    gathered: Gathered,
    /// Requests without a complete answer, the oldest first.
    awaited: VecDeque<Awaited>,
    /// The FATAL error with which the server ended the session.
    last_words: Option<Box<ServerError>>,
    /// The warning with which the server announced the end of the session.
    announced: Option<Box<ServerError>>,
}

impl Answers {
    /// A request was made.
    pub fn asked(&mut self, asked: Asked) {
        self.awaited.push_back(Awaited { asked, parses: false });
    }

    /// A request was made that carries its statement: its answer begins with `ParseComplete`.
    pub fn asked_with_statement(&mut self, asked: Asked) {
        self.awaited.push_back(Awaited { asked, parses: true });
    }

    /// How many requests have no complete answer.
    #[must_use]
    pub fn awaited(&self) -> usize {
        self.awaited.len()
    }

    /// The buffer for the server's bytes.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.received
    }

    /// The next complete answer, if it is there.
    ///
    /// # Errors
    /// A protocol error: the bytes do not answer the request, or the answer leaves a transaction open.
    /// Every later byte is discarded, as request boundaries are unknown.
    pub fn take(&mut self) -> io::Result<Option<LoadAnswer>> {
        let taken = self.next_answer();
        taken.map_err(|error| {
            *self = Self::default();
            // The parser uses other io kinds for bytes that are no message.
            io::Error::new(io::ErrorKind::InvalidData, error.to_string())
        })
    }

    fn next_answer(&mut self) -> io::Result<Option<LoadAnswer>> {
        // After a FATAL error the session is over: nothing that follows is an answer.
        while self.last_words.is_none()
            && let Some(message) = self.message()?
        {
            match message {
                Message::ErrorResponse(body) => self.error(ServerError::of(body.fields()))?,
                Message::NoticeResponse(body) => self.notice(ServerError::of(body.fields())),
                Message::ReadyForQuery(body) => return self.complete(body.status()).map(Some),
                Message::ParameterStatus(_) | Message::NotificationResponse(_) => {}
                // After an error the server skips everything up to the Sync.
                _ if self.gathered.error.is_some() => {
                    return Err(unexpected("more of an answer after its error"));
                }
                Message::DataRow(row) => self.row(&row)?,
                Message::CommandComplete(body) => self.done(command(&body)?)?,
                Message::ParseComplete if self.parsed() => {}
                Message::ParseComplete => self.done(Done::Parsed)?,
                Message::BindComplete => {}
                _ => return Err(unexpected("a message that belongs to no answer")),
            }
        }
        Ok(None)
    }

    /// Whether this `ParseComplete` belongs to the statement that the request carried.
    fn parsed(&mut self) -> bool {
        let begins = self.gathered.rows == 0 && self.gathered.done.is_none();
        let parses = self.awaited.front_mut().map(|awaited| &mut awaited.parses);
        begins && parses.is_some_and(std::mem::take)
    }

    fn notice(&mut self, notice: ServerError) {
        self.gathered.committed_locally |= notice.is_cancelled_synchronous_wait();
        if notice.announces_the_end() {
            self.announced = Some(Box::new(notice));
        }
    }

    fn error(&mut self, error: ServerError) -> io::Result<()> {
        if error.is_fatal() {
            self.last_words = Some(Box::new(error));
        } else if self.gathered.error.replace(Box::new(error)).is_some() {
            return Err(unexpected("two errors in one answer"));
        }
        Ok(())
    }

    /// The command is complete. An error can still follow: that of a constraint which is checked at
    /// the commit.
    fn done(&mut self, done: Done) -> io::Result<()> {
        match (self.awaited.front().map(|awaited| awaited.asked), done) {
            (Some(Asked::Prepare), Done::Parsed)
            | (Some(Asked::Write), Done::Inserted(_))
            | (Some(Asked::Read), Done::Selected) => {}
            _ => return Err(unexpected("the end of another command than the one that was sent")),
        }
        if self.gathered.done.replace(done).is_some() {
            return Err(unexpected("the end of one command twice"));
        }
        Ok(())
    }

    fn complete(&mut self, status: u8) -> io::Result<LoadAnswer> {
        let gathered = std::mem::take(&mut self.gathered);
        let Some(Awaited { asked, parses }) = self.awaited.pop_front() else {
            return Err(unexpected("an answer to nothing that was asked"));
        };
        if parses && gathered.error.is_none() {
            return Err(unexpected("an answer without the statement that it is to"));
        }
        match status {
            b'I' => {}
            b'T' | b'E' => return Err(open_transaction()),
            _ => return Err(unexpected("an answer with a transaction status that does not exist")),
        }
        gathered.answer(asked)
    }

    fn message(&mut self) -> io::Result<Option<Message>> {
        match Header::parse(&self.received)? {
            Some(header) if header.len().unsigned_abs() > MESSAGE_BYTES_MAX => {
                Err(unexpected("a message of more than a megabyte"))
            }
            Some(_) => Message::parse(&mut self.received),
            None => Ok(None),
        }
    }

    /// The answer that is left when the session has ended. An ERROR without the rest of its answer
    /// counts, as its transaction is rolled back. Anything else that has begun proves nothing.
    pub fn last(&mut self) -> Option<LoadAnswer> {
        self.gathered.error.as_ref()?;
        let Awaited { asked, .. } = self.awaited.pop_front()?;
        std::mem::take(&mut self.gathered).answer(asked).ok()
    }

    /// The FATAL error with which the server ended the session, if it sent one.
    #[must_use]
    pub fn last_words(&self) -> Option<&ServerError> {
        self.last_words.as_deref()
    }

    /// The warning with which the server announced the end of the session, if it sent one.
    #[must_use]
    pub fn announced(&self) -> Option<&ServerError> {
        self.announced.as_deref()
    }

    /// A row of one binary `bigint`: its length in four bytes, then the value.
    fn row(&mut self, row: &DataRowBody) -> io::Result<()> {
        let id = match row.buffer() {
            [0, 0, 0, 8, id @ ..] => id.try_into().map(i64::from_be_bytes).ok(),
            _ => None,
        };
        let gathered = &mut self.gathered;
        match (id, gathered.ids.get_mut(gathered.rows), gathered.done) {
            (Some(id), Some(place), None) => {
                *place = id;
                gathered.rows += 1;
                Ok(())
            }
            _ => Err(unexpected("a row that is no id")),
        }
    }
}

impl Gathered {
    fn answer(self, asked: Asked) -> io::Result<LoadAnswer> {
        let Self { ids, rows, done, error, committed_locally } = self;
        let proof = match (error, asked, done) {
            (Some(error), ..) => Proof::Error(error),
            (None, _, None) => {
                return Err(unexpected("an answer that says neither that it was done nor why not"));
            }
            (None, Asked::Write, Some(done)) if done == Done::Inserted(1) && rows == 1 => {
                Proof::Done
            }
            (None, Asked::Write, Some(_)) if rows <= 1 => Proof::NoRow,
            (None, Asked::Write, Some(_)) => {
                return Err(unexpected("several rows for one write"));
            }
            (None, Asked::Prepare | Asked::Read, Some(_)) => Proof::Done,
        };
        Ok(LoadAnswer { ids, rows, proof, committed_locally })
    }
}

/// Parses a command's tag: `INSERT 0 ROWS`, `SELECT ROWS`.
fn command(body: &CommandCompleteBody) -> io::Result<Done> {
    let tag = body.tag()?;
    let inserted = tag.strip_prefix("INSERT 0 ").and_then(|rows| rows.parse().ok());
    match inserted {
        Some(rows) => Ok(Done::Inserted(rows)),
        None if tag.starts_with("SELECT ") => Ok(Done::Selected),
        None => Err(unexpected("the end of another command than the one that was sent")),
    }
}

fn unexpected(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the server sent {what}"))
}

fn open_transaction() -> io::Error {
    let words = "an open transaction stands between: something on the way, such as a pooler, has \
                 begun one, and only its end would commit";
    io::Error::new(io::ErrorKind::InvalidData, words)
}

#[cfg(test)]
mod properties;

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

    /// The answers of so many writes, of which these bytes have come.
    fn answers(writes: usize, bytes: &[u8]) -> Answers {
        let awaited = vec![Awaited { asked: Asked::Write, parses: false }; writes].into();
        Answers { received: BytesMut::from(bytes), awaited, ..Answers::default() }
    }

    fn error_of(answer: &LoadAnswer) -> &ServerError {
        match &answer.proof {
            Proof::Error(error) => error,
            other => panic!("{other:?}"),
        }
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
        let evidence = error_of(&answer).evidence();
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
        assert!(error_of(&refused.last().unwrap()).evidence().proves_rejection());
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
        assert!(error_of(&answers.last().unwrap()).evidence().proves_rejection());
        assert_eq!(answers.last(), None, "the second request has no answer");
    }

    #[test]
    fn after_bytes_that_are_no_answer_nothing_is_one_any_more() {
        // A refusal, a message that belongs to no answer, and the end of the answer.
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

    /// A write's answer with this tag and status, and an id if any.
    fn answer_of(id: Option<i64>, tag: &str, status: u8) -> Vec<u8> {
        let complete = message(b'C', format!("{tag}\0").as_bytes());
        let row = id.map(row).unwrap_or_default();
        [message(b'2', b""), row, complete, message(b'Z', &[status])].concat()
    }

    #[test]
    fn only_one_row_its_tag_and_the_end_of_its_transaction_acknowledge_a_write() {
        let taken = |bytes: &[u8]| answers(1, bytes).take();
        let whole = taken(&answer_of(Some(7), "INSERT 0 1", b'I')).unwrap().unwrap();
        assert_eq!((whole.proof.clone(), whole.ids()), (Proof::Done, &[7][..]));

        for (id, tag) in [(None, "INSERT 0 0"), (None, "INSERT 0 1"), (Some(7), "INSERT 0 0")] {
            let swallowed = taken(&answer_of(id, tag, b'I')).unwrap().unwrap();
            assert_eq!(swallowed.proof, Proof::NoRow, "{id:?} {tag}");
        }
        for status in [b'T', b'E', b'?', 0, b'i'] {
            assert!(taken(&answer_of(Some(7), "INSERT 0 1", status)).is_err(), "{status}");
        }
        for tag in ["ROLLBACK", "SELECT 1", "UPDATE 1", "INSERT 0", "INSERT 0 1 ", "", "insert 0 1"]
        {
            assert!(taken(&answer_of(Some(7), tag, b'I')).is_err(), "{tag:?}");
        }
        let untold = message(b'C', b"INSERT 0 1\0");
        let twice = [row(7), untold.clone(), untold.clone(), message(b'Z', b"I")].concat();
        assert!(taken(&twice).is_err(), "two ends");
        let late = [untold.clone(), row(7), message(b'Z', b"I")].concat();
        assert!(taken(&late).is_err(), "a row after the end");
        let two = [row(7), row(8), untold, message(b'Z', b"I")].concat();
        assert!(taken(&two).is_err(), "two rows");
    }

    #[test]
    fn an_error_is_one_in_its_place_alone() {
        let untold = [row(1), message(b'C', b"INSERT 0 1\0")].concat();
        let refusal = error(b'E', "ERROR", "23503");
        let ready = message(b'Z', b"I");
        let at_commit = [untold.clone(), refusal.clone(), ready.clone()].concat();
        let answer = answers(1, &at_commit).take().unwrap().unwrap();
        assert!(error_of(&answer).evidence().proves_rejection(), "a deferred constraint");
        let before = [refusal.clone(), untold, ready.clone()].concat();
        assert!(answers(1, &before).take().is_err(), "what follows an error is no answer");
        let aborted = [refusal, message(b'Z', b"E")].concat();
        assert!(answers(1, &aborted).take().is_err(), "an open transaction tells nothing");
    }

    #[test]
    fn an_answer_is_held_against_what_was_asked() {
        let read = [row(3), row(2), message(b'C', b"SELECT 2\0"), message(b'Z', b"I")].concat();
        let parsed = [message(b'1', b""), message(b'Z', b"I")].concat();
        let all = [parsed.clone(), write_answer(4), read.clone()].concat();
        let mut answers_to = answers(0, &all);
        for asked in [Asked::Prepare, Asked::Write, Asked::Read] {
            answers_to.asked(asked);
            assert_eq!(answers_to.take().unwrap().unwrap().proof, Proof::Done, "{asked:?}");
        }
        assert!(answers(1, &read).take().is_err());
        assert!(answers(1, &parsed).take().is_err());
    }

    #[test]
    fn a_warning_of_a_wait_without_the_end_of_its_answer_proves_nothing() {
        let warning = message(b'N', b"VWARNING\0C01000\0Mwait\0RSyncRepWaitForLSN\0\0");
        let cut = [warning, row(1), message(b'C', b"INSERT 0 1\0")].concat();
        let mut answers = answers(1, &cut);
        assert_eq!(answers.take().unwrap(), None);
        assert_eq!(answers.last(), None);
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

    #[test]
    fn an_end_that_a_warning_announces_is_known_by_it() {
        for code in ["57P01", "57P02"] {
            let mut answers = answers(1, &error(b'N', "WARNING", code));
            assert_eq!(answers.take().unwrap(), None);
            let evidence = answers.announced().unwrap().evidence();
            assert_eq!(evidence.sqlstate.as_ref().unwrap().0, code);
            assert!(!evidence.proves_rejection(), "{evidence:?}");
            assert_eq!(answers.last_words(), None, "it has not ended yet");
        }
        let mut other = answers(1, &error(b'N', "WARNING", "01000"));
        assert_eq!(other.take().unwrap(), None);
        assert_eq!(other.announced(), None);
    }

    #[test]
    fn an_orphan_is_known_by_the_function_that_speaks() {
        let words = |routine: &str| {
            let body = format!("VFATAL\0C57P01\0Mбез разницы\0R{routine}\0\0");
            let mut answers = answers(1, &message(b'E', body.as_bytes()));
            assert_eq!(answers.take().unwrap(), None);
            answers.last_words().unwrap().evidence().postmaster_died
        };
        assert!(words("secure_read"));
        assert!(words("secure_write"));
        assert!(!words("ProcessInterrupts"), "an administrator's command");
    }
}
