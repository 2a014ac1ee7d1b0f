//! What the proxy sees of the load's writes, and the answers that it makes up: the truth about acknowledgements, read
//! from the wire and not from the program under test.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use uuid::Uuid;

use super::frames::{Answer, error, message_of};
use super::shared::Shared;

/// The SQLSTATEs of an ERROR that leaves open whether the write is committed.
const NO_PROOF: [&str; 8] = ["08", "58", "XX", "57P01", "57P02", "57P05", "40003", ""];

/// A write: run, writer, seq.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Token {
    pub run: Uuid,
    pub writer: i32,
    pub seq: i64,
}

/// The writes that came by, and what the client was told of them. A write that is only sent got no proof.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wire {
    /// Their Bind reached the proxy.
    pub sent: BTreeSet<Token>,
    /// `INSERT 0 1`, one row, and `ReadyForQuery` with status `I` went out to the client.
    pub acknowledged: BTreeSet<Token>,
    /// Of these, with a warning before them.
    pub warned: BTreeSet<Token>,
    /// An ERROR that proves it went out to the client.
    pub rejected: BTreeSet<Token>,
}

/// What is made of the answer to a write that the server has taken, or never got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Twist {
    /// `ReadyForQuery` has this status.
    Status(u8),
    /// `CommandComplete` has this tag; when it says that there is no row, none comes.
    Tag(String),
    /// An ERROR of this SQLSTATE stands in place of the answer.
    Error(String),
    /// These bytes stand in place of the answer, before its `ReadyForQuery`.
    Raw(Vec<u8>),
    /// The server never gets the write: the proxy says `INSERT 0 1` by itself.
    Swallow,
}

/// The token in a Bind of the load's INSERT: the first three of five parameters, in binary.
pub(super) fn token(bind: &[u8]) -> Option<Token> {
    let mut rest = bind.get(5..)?;
    for _name in 0..2 {
        let end = rest.iter().position(|byte| *byte == 0)?;
        rest = &rest[end + 1..];
    }
    let codes = take_u16(&mut rest)?;
    rest = rest.get(2 * usize::from(codes)..)?;
    if take_u16(&mut rest)? != 5 {
        return None;
    }
    let run = Uuid::from_slice(parameter(&mut rest)?).ok()?;
    let writer = i32::from_be_bytes(parameter(&mut rest)?.try_into().ok()?);
    let seq = i64::from_be_bytes(parameter(&mut rest)?.try_into().ok()?);
    Some(Token { run, writer, seq })
}

fn take_u16(rest: &mut &[u8]) -> Option<u16> {
    let (number, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(u16::from_be_bytes(*number))
}

fn parameter<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk()?;
    let (value, after) = after.split_at_checked(u32::from_be_bytes(*length).try_into().ok()?)?;
    *rest = after;
    Some(value)
}

/// The rounds of one connection that the server still owes a `ReadyForQuery`.
pub(super) struct Rounds<'a> {
    shared: &'a Shared,
    /// The one that has not had its Sync yet.
    open: Round,
    waiting: VecDeque<Round>,
    /// Outcomes that are queued for the client, and how many bytes go out before each is told.
    queued: VecDeque<(usize, Outcome, Token)>,
    told: Option<(Outcome, Token, bool)>,
}

#[derive(Default)]
struct Round {
    token: Option<Token>,
    twist: Option<Twist>,
    rows: usize,
    tag: Vec<u8>,
    error: Option<BTreeMap<u8, String>>,
    has_warning: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Acknowledged,
    Rejected,
}

impl<'a> Rounds<'a> {
    pub(super) fn new(shared: &'a Shared) -> Self {
        let (open, waiting) = (Round::default(), VecDeque::new());
        Self { shared, open, waiting, queued: VecDeque::new(), told: None }
    }

    /// A write of the load has come.
    pub(super) fn write(&mut self, token: Token) {
        self.shared.wire().sent.insert(token);
        self.open.token = Some(token);
        self.open.twist = self.shared.take_twist();
    }

    /// Whether the request that is coming stays here.
    pub(super) fn is_swallowed(&self) -> bool {
        self.open.twist == Some(Twist::Swallow)
    }

    /// The request is complete, and on its way to the server.
    pub(super) fn sent(&mut self) {
        self.waiting.push_back(std::mem::take(&mut self.open));
    }

    /// The proxy's own answer to a write that it has swallowed, once it is its turn.
    pub(super) fn own_answer(&mut self) -> Option<Vec<u8>> {
        if self.waiting.front()?.twist != Some(Twist::Swallow) {
            return None;
        }
        let token = self.waiting.pop_front()?.token?;
        self.shared.wire().acknowledged.insert(token);
        let row = [&[0, 1, 0, 0, 0, 8], (1_000_000 + token.seq).to_be_bytes().as_slice()].concat();
        let messages = [
            message_of(b'2', &[]),
            message_of(b'D', &row),
            message_of(b'C', b"INSERT 0 1\0"),
            message_of(b'Z', b"I"),
        ];
        Some(messages.concat())
    }

    /// A message of the server, as it goes on to the client: a twist changes it, or holds it back.
    pub(super) fn answer(&mut self, answer: Answer, message: Vec<u8>) -> Vec<u8> {
        let Some(round) = self.waiting.front_mut() else { return message };
        let message = round.twisted(message);
        if !message.is_empty() && round.token.is_some() {
            round.hear(&message);
        }
        if answer == Answer::Ready {
            let round = self.waiting.pop_front().expect("it is the one at the front");
            let status = message.last().copied();
            self.told =
                round.outcome(status).zip(round.token).map(|(o, t)| (o, t, round.has_warning));
        }
        message
    }

    /// The message stands in the client's queue, which is now this long.
    pub(super) fn passed_on(&mut self, answer: Answer, queue_bytes: usize) {
        if answer != Answer::Ready {
            return;
        }
        if let Some((outcome, token, has_warning)) = self.told.take() {
            self.queued.push_back((queue_bytes, outcome, token));
            if has_warning {
                self.shared.wire().warned.insert(token);
            }
        }
    }

    /// The client's socket has taken so many bytes of its queue.
    pub(super) fn delivered(&mut self, bytes: usize) {
        let mut told = 0;
        for (before, outcome, token) in &mut self.queued {
            *before = before.saturating_sub(bytes);
            if *before == 0 {
                told += 1;
                let mut wire = self.shared.wire();
                match outcome {
                    Outcome::Acknowledged => wire.acknowledged.insert(*token),
                    Outcome::Rejected => wire.rejected.insert(*token),
                };
            }
        }
        self.queued.drain(..told);
    }
}

impl Round {
    fn twisted(&self, message: Vec<u8>) -> Vec<u8> {
        match (&self.twist, message[0]) {
            (Some(Twist::Status(status)), b'Z') => message_of(b'Z', &[*status]),
            (Some(Twist::Tag(tag)), b'D') if tag.ends_with(" 0") => Vec::new(),
            (Some(Twist::Tag(tag)), b'C') => message_of(b'C', &[tag.as_bytes(), b"\0"].concat()),
            (Some(Twist::Error(sqlstate)), b'Z') => {
                [error("ERROR", sqlstate, "made up by the proxy"), message].concat()
            }
            (Some(Twist::Raw(bytes)), b'Z') => [bytes.as_slice(), &message].concat(),
            (Some(Twist::Error(_) | Twist::Raw(_)), _) => Vec::new(),
            _ => message,
        }
    }

    /// What the client hears; an answer that is made up may be several messages.
    fn hear(&mut self, mut messages: &[u8]) {
        while let Some((&tag, rest)) = messages.split_first() {
            let length = rest.first_chunk().map_or(4, |bytes| u32::from_be_bytes(*bytes)) as usize;
            let (message, after) = rest.split_at(length.min(rest.len()));
            let body = &message[4.min(message.len())..];
            match tag {
                b'D' => self.rows += 1,
                b'C' => self.tag = body.to_vec(),
                b'E' => self.error = Some(fields(body)),
                b'N' => self.has_warning |= fields(body).get(&b'V').is_some_and(|v| v == "WARNING"),
                _ => {}
            }
            messages = after;
        }
    }

    fn outcome(&self, status: Option<u8>) -> Option<Outcome> {
        if let Some(error) = &self.error {
            let field = |name| error.get(&name).map_or("", String::as_str);
            let code = field(b'C');
            let is_proof = field(b'V') == "ERROR"
                && !NO_PROOF
                    .iter()
                    .any(|no| if no.len() == 2 { code.starts_with(no) } else { code == *no });
            return is_proof.then_some(Outcome::Rejected);
        }
        let is_proof = self.rows == 1 && self.tag == b"INSERT 0 1\0" && status == Some(b'I');
        is_proof.then_some(Outcome::Acknowledged)
    }
}

/// The fields of an error or a notice, by their letters.
fn fields(body: &[u8]) -> BTreeMap<u8, String> {
    let texts = body.split(|byte| *byte == 0).filter(|text| !text.is_empty());
    texts.map(|text| (text[0], String::from_utf8_lossy(&text[1..]).into_owned())).collect()
}
