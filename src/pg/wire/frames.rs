//! Limits on the server's messages, counted as their bytes pass to their reader: the driver, or a
//! session of the load.
//!
//! Both readers buffer a message until it is complete, and the driver buffers what comes before its
//! first answer. What they must buffer is limited here, below both: the bytes of one message, and the
//! bytes and messages of one answer. Beyond a limit the session ends, as after a protocol error.
//!
//! The process id in `BackendKeyData` is read on the way, as the driver does not expose it. A server
//! sends the id of its own backend. A pooler invents one, as the backend changes under the session: an
//! id that is not `pg_backend_pid()` proves a pooler.

use std::io;

use thiserror::Error;

use crate::model::foreign::said;

/// The longest message. pgchaos asks for rows of some hundred bytes; an error with its context may
/// have some kilobytes.
pub(in crate::pg) const MESSAGE_BYTES_MAX: u32 = 1024 * 1024;

/// The longest answer, and the most between two answers. The recent writes after an outage, where
/// every second one is refused, take about 1 MB.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The most messages of an answer, unless more are allowed ([`Frames::allow_messages`]): a row costs
/// its reader more than its bytes.
const ANSWER_MESSAGES_MAX: u32 = 65_536;

/// What the server sent that ends the session.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(in crate::pg) enum FrameError {
    /// A message that is too long.
    #[error(
        "the server announced a message of {bytes} bytes, where none of PostgreSQL's to pgchaos has \
         more than {MESSAGE_BYTES_MAX}"
    )]
    Message {
        /// As announced.
        bytes: u32,
    },
    /// A message that is shorter than its length field.
    #[error("the server announced a message of {bytes} bytes, less than its length alone takes")]
    NoLength {
        /// As announced.
        bytes: u32,
    },
    /// An answer of too many bytes.
    #[error(
        "the server sent more than {} MiB without coming to the end of an answer",
        ANSWER_BYTES_MAX / 1024 / 1024
    )]
    AnswerBytes,
    /// An answer of too many messages.
    #[error("the server sent more than {most} messages without coming to the end of an answer")]
    AnswerMessages {
        /// The most that are let through.
        most: u32,
    },
    /// A password was asked for in a way that shows it, where it is to be sent in none.
    #[error(
        "the server asks for the password in clear text, or as MD5, and only Patroni names this host: it gets none so \
         (with SCRAM, with TLS and sslmode=verify-full, or named with --members NAME=DSN it is sent)"
    )]
    BarePassword,
    /// The postmaster cannot fork a process for the session. It says so in the only message without a
    /// length.
    #[error("{words}")]
    NoProcess {
        /// Its words.
        words: String,
    },
}

impl From<FrameError> for io::Error {
    fn from(error: FrameError) -> Self {
        let kind = match error {
            FrameError::NoProcess { .. } => io::ErrorKind::Other,
            _ => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}

/// Whether bytes go on to the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pg) enum Passage {
    /// They do.
    Passed,
    /// Not yet: they begin a message that the reader cannot parse, and more must be read first.
    HeldBack,
}

/// The limits on one session's messages, and how far these came.
#[derive(Debug)]
pub(in crate::pg) struct Frames {
    /// Tag and length of the message that begins, as far as they came; in a greeting also the process
    /// id behind them.
    head: Vec<u8>,
    /// Bytes left of the current message, which are not looked at.
    skip: usize,
    /// No message has begun yet.
    first: bool,
    /// The message without a length, as far as it came.
    words: Option<Vec<u8>>,
    greeting: Greeting,
    /// A request for a password that would show it ends the session.
    refuses_bare_password: bool,
    /// Of the current answer.
    bytes: usize,
    messages: u32,
    messages_max: u32,
}

/// What comes before the first query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Greeting {
    GoesOn { pid: Option<i32> },
    Over { pid: Option<i32> },
}

/// Tag, then a length that counts itself.
const HEAD_BYTES: usize = 5;

/// How much is kept of a message without a length.
const WORDS_BYTES_MAX: usize = 1_000;

const BACKEND_KEY_DATA: u8 = b'K';
const AUTHENTICATION: u8 = b'R';
/// Its methods that show the password: in clear text, and as a hash that is as good as it.
const BARE_METHODS: [u32; 2] = [3, 5];
const ERROR_RESPONSE: u8 = b'E';
const READY_FOR_QUERY: u8 = b'Z';

impl Default for Frames {
    fn default() -> Self {
        Self {
            head: Vec::with_capacity(HEAD_BYTES + 4),
            skip: 0,
            first: true,
            words: None,
            greeting: Greeting::GoesOn { pid: None },
            refuses_bare_password: false,
            bytes: 0,
            messages: 0,
            messages_max: ANSWER_MESSAGES_MAX,
        }
    }
}

impl Frames {
    /// Takes in what the server sent next; an empty slice is the end of its stream.
    ///
    /// # Errors
    /// [`FrameError`]: the session is over.
    pub(in crate::pg) fn read(&mut self, mut bytes: &[u8]) -> Result<Passage, FrameError> {
        if self.words.is_some() {
            return self.more_words(bytes);
        }
        while !bytes.is_empty() {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            // The fast path: the head came in one piece, as nearly always under a load.
            if self.head.is_empty()
                && !self.greets()
                && let Some(([tag, length @ ..], rest)) = bytes.split_first_chunk::<HEAD_BYTES>()
            {
                bytes = rest;
                self.skip = self.begun(*tag, u32::from_be_bytes(*length))?;
                continue;
            }
            let has_number = self.greets()
                && match self.head.first() {
                    Some(&BACKEND_KEY_DATA) => true,
                    Some(&AUTHENTICATION) => self.refuses_bare_password,
                    _ => false,
                };
            let missing =
                (HEAD_BYTES + if has_number { 4 } else { 0 }).saturating_sub(self.head.len());
            let taken = missing.min(bytes.len());
            self.head.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            self.next_message()?;
            match self.words {
                // Only the first bytes of the message without a length are here.
                Some(_) if bytes.is_empty() => return Ok(Passage::HeldBack),
                Some(_) => return self.more_words(bytes),
                None => {}
            }
        }
        Ok(Passage::Passed)
    }

    /// The process id that the server greeted with.
    pub(in crate::pg) fn pid(&self) -> Option<i32> {
        match self.greeting {
            Greeting::GoesOn { pid } | Greeting::Over { pid } => pid,
        }
    }

    /// Lets so many messages of an answer through, from now on.
    pub(in crate::pg) fn allow_messages(&mut self, most: u32) {
        self.messages_max = most;
    }

    /// Ends the session where a password is asked for in a way that would show it.
    pub(in crate::pg) fn refuse_bare_password(&mut self) {
        self.refuses_bare_password = true;
    }

    fn greets(&self) -> bool {
        matches!(self.greeting, Greeting::GoesOn { .. })
    }

    /// Goes on to the next message once the head of this one is complete.
    fn next_message(&mut self) -> Result<(), FrameError> {
        let [tag, rest @ ..] = self.head.as_slice() else { return Ok(()) };
        let (tag, Some((length, body))) = (*tag, rest.split_first_chunk::<4>()) else {
            return Ok(());
        };
        let length_bytes = u32::from_be_bytes(*length);
        if self.first && tag == ERROR_RESPONSE && length.iter().all(|byte| is_of_words(*byte)) {
            self.words = Some(length.to_vec());
            return Ok(());
        }
        if tag == BACKEND_KEY_DATA && self.greets() && length_bytes >= 8 {
            // Waits for the id, unless the message is too long anyway.
            match body.first_chunk::<4>() {
                Some(pid) => {
                    self.greeting = Greeting::GoesOn { pid: Some(i32::from_be_bytes(*pid)) }
                }
                None if length_bytes <= MESSAGE_BYTES_MAX => return Ok(()),
                None => {}
            }
        }
        if tag == AUTHENTICATION && self.greets() && self.refuses_bare_password && length_bytes >= 8
        {
            match body.first_chunk::<4>() {
                Some(method) if BARE_METHODS.contains(&u32::from_be_bytes(*method)) => {
                    return Err(FrameError::BarePassword);
                }
                Some(_) => {}
                None if length_bytes <= MESSAGE_BYTES_MAX => return Ok(()),
                None => {}
            }
        }
        let seen = body.len();
        self.head.clear();
        self.skip = self.begun(tag, length_bytes)?.saturating_sub(seen);
        Ok(())
    }

    /// Begins a message. Returns how many bytes follow its head.
    fn begun(&mut self, tag: u8, length_bytes: u32) -> Result<usize, FrameError> {
        if length_bytes > MESSAGE_BYTES_MAX {
            return Err(FrameError::Message { bytes: length_bytes });
        }
        let length = usize::try_from(length_bytes).unwrap_or(usize::MAX);
        let rest = length.checked_sub(4).ok_or(FrameError::NoLength { bytes: length_bytes })?;
        self.first = false;
        self.counted(tag, length)?;
        Ok(rest)
    }

    /// Counts a message that begins. `ReadyForQuery` ends an answer, and the next begins at zero.
    fn counted(&mut self, tag: u8, length: usize) -> Result<(), FrameError> {
        if tag == READY_FOR_QUERY {
            self.greeting = Greeting::Over { pid: self.pid() };
            (self.bytes, self.messages) = (0, 0);
            return Ok(());
        }
        self.bytes = self.bytes.saturating_add(length);
        self.messages = self.messages.saturating_add(1);
        if self.bytes > ANSWER_BYTES_MAX {
            return Err(FrameError::AnswerBytes);
        }
        if self.messages > self.messages_max {
            return Err(FrameError::AnswerMessages { most: self.messages_max });
        }
        Ok(())
    }

    /// The message without a length ends with a zero byte, with the stream, or at its longest.
    fn more_words(&mut self, bytes: &[u8]) -> Result<Passage, FrameError> {
        let words = self.words.get_or_insert_default();
        let end = bytes.iter().position(|byte| *byte == 0);
        let room = WORDS_BYTES_MAX.saturating_sub(words.len());
        let taken = end.unwrap_or(bytes.len()).min(room);
        words.extend_from_slice(&bytes[..taken]);
        if bytes.is_empty() || end.is_some() || words.len() >= WORDS_BYTES_MAX {
            let words = said(&String::from_utf8_lossy(words));
            return Err(FrameError::NoProcess { words });
        }
        Ok(Passage::HeldBack)
    }
}

/// Whether text can have this byte at its start; a length that is within the limits cannot.
pub(super) fn is_of_words(byte: u8) -> bool {
    byte.is_ascii_graphic() || byte == b' '
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(tag: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap();
        [&[tag], &length.to_be_bytes()[..], body].concat()
    }

    fn greeting() -> Vec<u8> {
        let key = [4711_i32.to_be_bytes(), 99_i32.to_be_bytes()].concat();
        [
            message(b'R', &[0, 0, 0, 0]),
            message(b'S', b"server_version\x0015.4\0"),
            message(b'K', &key),
            message(b'Z', b"I"),
            // What follows is no greeting, whatever it looks like.
            message(b'K', &[0; 8]),
        ]
        .concat()
    }

    #[test]
    fn a_password_is_not_asked_for_bare_where_it_is_to_be_sent_in_none() {
        let asks = |method: u32| message(b'R', &[&method.to_be_bytes()[..], b"salt"].concat());
        for (method, is_bare) in [(0, false), (3, true), (5, true), (10, false), (11, false)] {
            let bytes = [asks(method), message(b'N', b"")].concat();
            for piece in 1..bytes.len() {
                let mut frames = Frames::default();
                assert!(read_all(&mut frames, &bytes, &[piece]).is_ok(), "{method} elsewhere");
                let mut frames = Frames::default();
                frames.refuse_bare_password();
                let told = read_all(&mut frames, &bytes, &[piece]);
                assert_eq!(told == Err(FrameError::BarePassword), is_bare, "{method}, {piece}");
                assert_eq!(told.is_err(), is_bare, "{method}, {piece}");
            }
        }
        let mut frames = Frames::default();
        frames.refuse_bare_password();
        assert!(read_all(&mut frames, &greeting(), &[]).is_ok());
        assert_eq!(frames.pid(), Some(4711));
    }

    /// All of it in pieces of these lengths, then at once; the first error ends it.
    fn read_all(
        frames: &mut Frames,
        bytes: &[u8],
        pieces: &[usize],
    ) -> Result<Passage, FrameError> {
        let mut left = bytes;
        for piece in pieces {
            let (now, later) = left.split_at((*piece).min(left.len()));
            if !now.is_empty() {
                frames.read(now)?;
            }
            left = later;
        }
        if left.is_empty() { Ok(Passage::Passed) } else { frames.read(left) }
    }

    proptest! {
        #[test]
        fn the_id_is_found_however_the_bytes_are_cut(pieces in prop::collection::vec(1..9_usize, 0..99)) {
            let mut frames = Frames::default();
            read_all(&mut frames, &greeting(), &pieces).unwrap();
            prop_assert_eq!(frames.pid(), Some(4711));
        }

        #[test]
        fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut frames = Frames::default();
            let _ = frames.read(&bytes);
            prop_assert!(frames.head.len() <= HEAD_BYTES + 4);
        }

        #[test]
        fn a_limit_is_the_same_however_the_bytes_are_cut(pieces in prop::collection::vec(1..9_usize, 0..30)) {
            let bytes = [&greeting()[..], b"D\x7f\xff\xff\xff", &[b'x'; 50]].concat();
            let ended = read_all(&mut Frames::default(), &bytes, &pieces);
            prop_assert_eq!(ended, Err(FrameError::Message { bytes: 0x7fff_ffff }));
            let words = b"Ecould not fork new process for connection: No\n\0";
            let ended = read_all(&mut Frames::default(), words, &pieces);
            let said = "could not fork new process for connection: No".to_owned();
            prop_assert_eq!(ended, Err(FrameError::NoProcess { words: said }));
        }
    }

    #[test]
    fn a_server_without_a_key_has_no_id() {
        let mut frames = Frames::default();
        let bytes = [message(b'R', &[0, 0, 0, 0]), message(b'Z', b"I")].concat();
        assert_eq!(frames.read(&bytes), Ok(Passage::Passed));
        assert_eq!(frames.pid(), None);
        let mut short = Frames::default();
        short.read(&[message(b'K', b"x"), message(b'Z', b"I")].concat()).unwrap();
        assert_eq!(short.pid(), None, "it has no room for one");
    }

    #[test]
    fn a_message_has_a_longest_and_a_shortest_length() {
        let longest = [&b"D"[..], &MESSAGE_BYTES_MAX.to_be_bytes()].concat();
        assert_eq!(Frames::default().read(&longest), Ok(Passage::Passed));
        let longer = [&b"D"[..], &(MESSAGE_BYTES_MAX + 1).to_be_bytes()].concat();
        let bytes = MESSAGE_BYTES_MAX + 1;
        assert_eq!(Frames::default().read(&longer), Err(FrameError::Message { bytes }));
        assert_eq!(Frames::default().read(b"C\0\0\0\x03"), Err(FrameError::NoLength { bytes: 3 }));
    }

    #[test]
    fn an_answer_has_an_end_and_every_answer_has_its_own() {
        let mut frames = Frames::default();
        let (notice, ready) = (message(b'N', &[b'n'; 1_000_000]), message(b'Z', b"I"));
        for _ in 0..3 {
            for _ in 0..4 {
                frames.read(&notice).unwrap();
            }
            frames.read(&ready).unwrap();
        }
        for _ in 0..4 {
            frames.read(&notice).unwrap();
        }
        assert_eq!(frames.read(&notice), Err(FrameError::AnswerBytes));
        let mut frames = Frames::default();
        frames.allow_messages(3);
        let row = message(b'D', &[0, 0]);
        for _ in 0..3 {
            frames.read(&row).unwrap();
        }
        assert_eq!(frames.read(&row), Err(FrameError::AnswerMessages { most: 3 }));
    }

    #[test]
    fn words_without_a_length_come_from_a_server_that_cannot_fork() {
        let mut frames = Frames::default();
        assert_eq!(frames.read(b"Ecould"), Ok(Passage::HeldBack));
        assert_eq!(frames.read(b" not fork"), Ok(Passage::HeldBack));
        let words = "could not fork".to_owned();
        assert_eq!(frames.read(b""), Err(FrameError::NoProcess { words }), "the end of the stream");
        let flood = [&b"Ecould"[..], &[b'x'; 100_000]].concat();
        let Err(FrameError::NoProcess { words }) = Frames::default().read(&flood) else { panic!() };
        assert_eq!(words.len(), WORDS_BYTES_MAX);
        // Later it would be an error of impossible length.
        let late = [&greeting()[..], b"Ecould"].concat();
        let bytes = u32::from_be_bytes(*b"coul");
        assert_eq!(Frames::default().read(&late), Err(FrameError::Message { bytes }));
    }
}
