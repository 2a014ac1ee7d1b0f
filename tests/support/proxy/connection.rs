//! One connection through the proxy: two sockets, and what is on its way between them.

use std::io;
use std::io::ErrorKind;
use std::time::Instant;

use tokio::net::TcpStream;
use tokio::sync::watch;

use super::frames::{Answer, Answers, Request, Requests};
use super::mode::{End, Flow, Trap, When};
use super::shared::Shared;
use super::wire::{Rounds, token};

const CHUNK: usize = 16 * 1024;
/// A side that does not take its bytes is not read for more than these: it feels the back-pressure of a real path.
const HELD_BYTES_MAX: usize = 256 * 1024;

/// Carries bytes both ways until a side ends or a trap springs, and says how the client's side is to end.
pub(super) struct Connection<'a> {
    client: &'a TcpStream,
    server: &'a TcpStream,
    shared: &'a Shared,
    to_server: Vec<u8>,
    to_client: Vec<u8>,
    requests: Requests,
    answers: Answers,
    /// `ReadyForQuery` messages that the server owes for what was forwarded, since the start.
    rounds_sent: u64,
    rounds_answered: u64,
    /// No more is taken from the client: it has ended, or its connection is about to be cut.
    is_client_done: bool,
    /// How the server's side has ended; what it said before is still delivered.
    server_end: Option<End>,
    /// The server has stopped taking bytes, though it may still have something to say.
    is_server_deaf: bool,
    sprung: Option<Sprung>,
    /// The rounds on their way, and the load's writes in them.
    rounds: Rounds<'a>,
}

/// A trap that has found its write.
struct Sprung {
    trap: Trap,
    /// The round that the write belongs to: its answers are swallowed.
    round: u64,
}

impl<'a> Connection<'a> {
    pub(super) fn new(client: &'a TcpStream, server: &'a TcpStream, shared: &'a Shared) -> Self {
        Self {
            client,
            server,
            shared,
            to_server: Vec::new(),
            to_client: Vec::new(),
            requests: Requests::default(),
            answers: Answers::default(),
            rounds_sent: 0,
            rounds_answered: 0,
            is_client_done: false,
            server_end: None,
            is_server_deaf: false,
            sprung: None,
            rounds: Rounds::new(shared),
        }
    }

    /// Dropping this future stops everything at once, with nothing half done.
    pub(super) async fn run(mut self, mut flow: watch::Receiver<Flow>) -> End {
        loop {
            if let Some(end) = self.end() {
                return end;
            }
            let open = *flow.borrow_and_update();
            // Nothing below moves a byte before the loop has looked at the flow again: readiness alone is awaited.
            tokio::select! {
                changed = flow.changed() => if changed.is_err() { return End::Fin },
                _ = self.client.readable(), if open.to_server && self.wants_requests() => self.read_client(),
                _ = self.server.readable(), if self.wants_answers(open) => self.read_server(),
                _ = self.server.writable(), if open.to_server && !self.to_server.is_empty() => self.write_server(),
                _ = self.client.writable(), if open.to_client && !self.to_client.is_empty() => {
                    if let Some(end) = self.write_client() { return end }
                }
            }
        }
    }

    fn wants_requests(&self) -> bool {
        !self.is_client_done && self.to_server.len() < HELD_BYTES_MAX
    }

    fn wants_answers(&self, open: Flow) -> bool {
        let is_awaited = self.sprung.is_some();
        self.server_end.is_none()
            && (open.to_client || is_awaited)
            && self.to_client.len() < HELD_BYTES_MAX
    }

    /// Whether all is done that could be.
    fn end(&mut self) -> Option<End> {
        if let Some(end) = self.server_end
            && self.to_client.is_empty()
        {
            return Some(end);
        }
        if !self.is_client_done || !self.to_server.is_empty() {
            return None;
        }
        match &self.sprung {
            None => Some(End::Fin),
            Some(sprung) => self.is_over(sprung).then(|| {
                // The test may have stopped listening.
                let _ = sprung.trap.fired.send(Instant::now());
                End::Fin
            }),
        }
    }

    fn is_over(&self, sprung: &Sprung) -> bool {
        match sprung.trap.when {
            When::Before => true,
            When::After => self.rounds_answered >= sprung.round,
        }
    }

    fn read_client(&mut self) {
        let mut chunk = [0; CHUNK];
        match self.client.try_read(&mut chunk) {
            Ok(0) => self.is_client_done = true,
            Ok(count) => {
                self.requests.feed(&chunk[..count]);
                self.take_requests();
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => self.is_client_done = true,
        }
    }

    fn take_requests(&mut self) {
        while !self.is_client_done
            && let Some((request, bytes)) = self.requests.next()
        {
            match request {
                Request::Encryption => self.answers.expect_single_byte(),
                Request::Startup => {
                    self.rounds_sent += 1;
                    self.rounds.sent();
                }
                Request::Insert => {
                    self.spring();
                    if let Some(token) = token(&bytes) {
                        self.rounds.write(token);
                    }
                }
                Request::Round if self.rounds.is_swallowed() => {
                    self.rounds.sent();
                    self.answer_what_was_swallowed();
                    continue;
                }
                Request::Round => {
                    self.rounds_sent += 1;
                    self.rounds.sent();
                    // The write's own round is complete. What was pipelined after it stays here.
                    self.is_client_done = self.sprung.is_some();
                }
                Request::Other => {}
            }
            let is_cut_before = self.is_sprung(When::Before);
            self.is_client_done |= is_cut_before;
            if !is_cut_before && !self.is_server_deaf && !self.rounds.is_swallowed() {
                self.to_server.extend_from_slice(&bytes);
            }
        }
    }

    fn spring(&mut self) {
        if self.sprung.is_none()
            && let Some(trap) = self.shared.take_trap()
        {
            let round = self.rounds_sent + 1;
            self.sprung = Some(Sprung { trap, round });
        }
    }

    fn is_sprung(&self, when: When) -> bool {
        let sprung = self.sprung.as_ref();
        sprung.is_some_and(|sprung| sprung.trap.when == when)
    }

    fn read_server(&mut self) {
        let mut chunk = [0; CHUNK];
        match self.server.try_read(&mut chunk) {
            Ok(0) => self.server_end = Some(End::Fin),
            Ok(count) => {
                self.answers.feed(&chunk[..count]);
                self.take_answers();
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            // As it is on a way without a proxy.
            Err(_) => self.server_end = Some(End::Reset),
        }
    }

    fn take_answers(&mut self) {
        while let Some((answer, bytes)) = self.answers.next() {
            let round = self.rounds_answered + 1;
            match answer {
                Answer::Ready => self.rounds_answered = round,
                Answer::Encrypted => self.requests.stop_cutting(),
                Answer::Other => {}
            }
            let is_swallowed = self.sprung.as_ref().is_some_and(|sprung| round >= sprung.round);
            let bytes = self.rounds.answer(answer, bytes);
            if !is_swallowed {
                self.to_client.extend_from_slice(&bytes);
                self.rounds.passed_on(answer, self.to_client.len());
                self.answer_what_was_swallowed();
            }
        }
    }

    fn answer_what_was_swallowed(&mut self) {
        while let Some(bytes) = self.rounds.own_answer() {
            self.to_client.extend_from_slice(&bytes);
        }
    }

    fn write_server(&mut self) {
        if write(self.server, &mut self.to_server).is_err() {
            self.to_server.clear();
            self.is_server_deaf = true;
        }
    }

    fn write_client(&mut self) -> Option<End> {
        let before = self.to_client.len();
        let written = write(self.client, &mut self.to_client);
        self.rounds.delivered(before - self.to_client.len());
        written.err().map(|_| End::Fin)
    }
}

/// As much as the socket takes now.
fn write(socket: &TcpStream, bytes: &mut Vec<u8>) -> io::Result<()> {
    match socket.try_write(bytes) {
        Ok(count) => {
            bytes.drain(..count);
            Ok(())
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
        Err(error) => Err(error),
    }
}
