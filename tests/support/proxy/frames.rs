//! Cutting PostgreSQL's byte stream into messages, as far as the proxy must know them.
//!
//! Not a parser of the protocol: it knows where messages end, which of them make the server say `ReadyForQuery`, and what
//! a write looks like. A stream that is encrypted, or is no PostgreSQL at all, passes through uncut.

use std::collections::HashSet;

const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;
const CANCEL_REQUEST: u32 = 80_877_102;
/// The longest first message that the server itself accepts.
const LONGEST_STARTUP: usize = 10_000;

/// What a message of the client means to the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// Asks for encryption; the answer is a single byte.
    Encryption,
    /// The startup packet; `ReadyForQuery` follows when the client is in.
    Startup,
    /// A Bind of a statement that was prepared as an INSERT.
    Insert,
    /// Sync, Query or `FunctionCall`: each is answered by one `ReadyForQuery`.
    Round,
    /// Anything else.
    Other,
}

/// The client's side of a stream.
#[derive(Default)]
pub struct Requests {
    pending: Vec<u8>,
    state: State,
    /// Names of prepared statements.
    inserts: HashSet<Vec<u8>>,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Startup,
    Messages,
    Uncut,
}

impl Requests {
    pub fn feed(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// What follows cannot be read any more: the server has agreed to encryption.
    pub fn stop_cutting(&mut self) {
        self.state = State::Uncut;
    }

    /// The next whole message.
    pub fn next(&mut self) -> Option<(Request, Vec<u8>)> {
        match self.state {
            State::Uncut => rest(&mut self.pending).map(|bytes| (Request::Other, bytes)),
            State::Startup => self.next_of_startup(),
            State::Messages => {
                let message = cut(&mut self.pending, 1)?;
                let request = match message[0] {
                    b'P' => {
                        self.prepared(&message);
                        Request::Other
                    }
                    b'B' if self.is_insert(&message) => Request::Insert,
                    b'S' | b'Q' | b'F' => Request::Round,
                    _ => Request::Other,
                };
                Some((request, message))
            }
        }
    }

    /// A Parse: the statement's name, and its text.
    fn prepared(&mut self, parse: &[u8]) {
        let mut texts = parse.get(5..).unwrap_or_default().split(|byte| *byte == 0);
        let (name, text) = (texts.next().unwrap_or_default(), texts.next().unwrap_or_default());
        if text.get(..6).is_some_and(|word| word.eq_ignore_ascii_case(b"INSERT")) {
            self.inserts.insert(name.to_vec());
        } else {
            self.inserts.remove(name);
        }
    }

    /// A Bind: the portal's name, and the statement's.
    fn is_insert(&self, bind: &[u8]) -> bool {
        let mut names = bind.get(5..).unwrap_or_default().split(|byte| *byte == 0);
        names.nth(1).is_some_and(|name| self.inserts.contains(name))
    }

    fn next_of_startup(&mut self) -> Option<(Request, Vec<u8>)> {
        if length(&self.pending, 0).is_some_and(|length| !(8..=LONGEST_STARTUP).contains(&length)) {
            self.state = State::Uncut;
            return self.next();
        }
        let message = cut(&mut self.pending, 0)?;
        let request = match u32_at(&message, 4)? {
            SSL_REQUEST | GSS_REQUEST => return Some((Request::Encryption, message)),
            CANCEL_REQUEST => Request::Other,
            _ => Request::Startup,
        };
        self.state = State::Messages;
        Some((request, message))
    }
}

/// What a message of the server means to the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// The server agrees to encryption: nothing can be read from here on.
    Encrypted,
    /// `ReadyForQuery`: all of one round is answered, and committed.
    Ready,
    /// Anything else.
    Other,
}

/// The server's side of a stream.
#[derive(Default)]
pub(super) struct Answers {
    pending: Vec<u8>,
    single_bytes_due: u32,
    is_uncut: bool,
}

impl Answers {
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// The client has asked for encryption.
    pub(super) fn expect_single_byte(&mut self) {
        self.single_bytes_due += 1;
    }

    /// The next whole message.
    pub(super) fn next(&mut self) -> Option<(Answer, Vec<u8>)> {
        if self.is_uncut {
            return rest(&mut self.pending).map(|bytes| (Answer::Other, bytes));
        }
        if self.single_bytes_due > 0 {
            let byte = *self.pending.first()?;
            self.pending.remove(0);
            self.single_bytes_due -= 1;
            self.is_uncut = byte != b'N';
            let answer = if self.is_uncut { Answer::Encrypted } else { Answer::Other };
            return Some((answer, vec![byte]));
        }
        let message = cut(&mut self.pending, 1)?;
        let answer = if message[0] == b'Z' { Answer::Ready } else { Answer::Other };
        Some((answer, message))
    }
}

/// An `ErrorResponse` of FATAL severity, as a server sends it to a client that it does not let in.
pub(super) fn fatal(sqlstate: &str, message: &str) -> Vec<u8> {
    error("FATAL", sqlstate, message)
}

/// An `ErrorResponse`.
pub(super) fn error(severity: &str, sqlstate: &str, message: &str) -> Vec<u8> {
    let fields = format!("S{severity}\0V{severity}\0C{sqlstate}\0M{message}\0\0");
    message_of(b'E', fields.as_bytes())
}

/// A message of this type.
pub(super) fn message_of(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [&[tag], length.to_be_bytes().as_slice(), body].concat()
}

/// A whole message from the front of `pending`; its length stands after `tag` bytes and counts itself, not the tag.
fn cut(pending: &mut Vec<u8>, tag: usize) -> Option<Vec<u8>> {
    let end = tag + length(pending, tag)?.max(4);
    (pending.len() >= end).then(|| pending.drain(..end).collect())
}

fn rest(pending: &mut Vec<u8>) -> Option<Vec<u8>> {
    (!pending.is_empty()).then(|| std::mem::take(pending))
}

fn length(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32_at(bytes, at)?).ok()
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}
