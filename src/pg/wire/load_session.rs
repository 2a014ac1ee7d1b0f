//! A session of the load: it writes, and reads the last ids back.
//!
//! The driver opens it and asks for the server's identity; from then on pgchaos speaks the protocol
//! itself, with the driver's own library for the messages. In the driver a client, a connection and a
//! future for each write wake each other through channels, which costs more than all of pgchaos's
//! bookkeeping. Here a write is bytes in a buffer, and the task that waits for an answer reads it.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use postgres_protocol::IsNull;
use postgres_protocol::message::frontend;
use tokio::io::AsyncWrite;
use tokio::time::Instant;
use tokio_postgres::types::Type;
use tokio_util::io::poll_read_buf;

use super::answers::{Answers, Asked, LoadAnswer, Proof};
use super::endpoint::Endpoint;
use super::socket::Socket;
use crate::model::cluster::server::Server;
use crate::model::cluster::server::ServerProcess;
use crate::model::fault::{Evidence, Fault, Phase};
use crate::model::load::options::Protocol;
use crate::pg::failure::SessionFailure;
use crate::pg::failure::guard::Guard;
use crate::pg::failure::server_error::ServerError;
use crate::pg::user_events::{INSERT, READ_LAST_IDS, UserEvent};

/// The names of the prepared statements on the session.
const WRITE_STATEMENT: &str = "pgchaos_write";
const READ_STATEMENT: &str = "pgchaos_read";

/// The parameters of the write.
const INSERT_TYPES: [Type; 5] = [Type::UUID, Type::INT4, Type::INT8, Type::INT4, Type::TEXT];

/// How long a goodbye may take to be sent.
pub(in crate::pg) const GOODBYE_DEADLINE: Duration = Duration::from_millis(250);

/// Room for what one read may bring.
const READ_BYTES: usize = 4096;

/// A session that writes. Requests go out in the order in which they are made, each in a
/// transaction of its own, and answers come in the same order. Dropped, it cuts the socket;
/// [`LoadSession::close`] says goodbye.
#[derive(Debug)]
pub struct LoadSession {
    socket: Socket,
    /// The server that answers.
    pub server: Server,
    /// The server's process for this session.
    pub backend: ServerProcess,
    endpoint: Endpoint,
    protocol: Protocol,
    /// Unanswered requests that named a prepared statement, made before the session went over to
    /// unnamed statements.
    made_by_name: usize,
    to_send: BytesMut,
    /// The socket has taken bytes that it may still hold: TLS does, where the kernel takes no more.
    is_to_flush: bool,
    answers: Answers,
    /// Why nothing can be sent any more. What the server still sends is read to its end.
    not_sent: Option<SessionFailure>,
    ended: Option<SessionFailure>,
}

impl LoadSession {
    /// A session on this socket, which the driver has authenticated.
    pub(in crate::pg) fn new(
        socket: Socket,
        server: Server,
        backend: ServerProcess,
        endpoint: Endpoint,
        protocol: Protocol,
    ) -> Self {
        Self {
            socket,
            server,
            backend,
            endpoint,
            protocol,
            made_by_name: 0,
            to_send: BytesMut::new(),
            is_to_flush: false,
            answers: Answers::default(),
            not_sent: None,
            ended: None,
        }
    }

    /// How writes are sent: as asked for, unless a pooler shares server sessions between clients.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Prepares the statements of the load by the deadline of the connect, which has `connect_timeout`
    /// in all. Where a pooler shares server sessions between clients, the names are taken or lost, and
    /// each request carries its statement.
    ///
    /// # Errors
    /// The fault.
    pub(in crate::pg) async fn prepare(
        &mut self,
        deadline: Instant,
        connect_timeout: Duration,
    ) -> Result<(), Fault> {
        if self.protocol == Protocol::Extended {
            return Ok(());
        }
        if let Err(error) = self.make_prepare() {
            let failure = SessionFailure::new(Evidence::default(), error.to_string());
            return Err(self.fault(failure, Phase::Check));
        }
        self.all_done(2, deadline, connect_timeout, Guard::ConnectTimeout).await
    }

    /// Reads the last ids once, to check that the other side keeps to the protocol and leaves no
    /// transaction open.
    ///
    /// # Errors
    /// The fault.
    pub async fn try_read(&mut self, deadline: Duration) -> Result<(), Fault> {
        self.read_last_ids();
        self.all_done(1, Instant::now() + deadline, deadline, Guard::Step).await
    }

    /// Waits until so many requests are answered. The fault of the deadline tells `wait` as its length.
    async fn all_done(
        &mut self,
        requests: usize,
        deadline: Instant,
        wait: Duration,
        guard: Guard,
    ) -> Result<(), Fault> {
        for _ in 0..requests {
            match tokio::time::timeout_at(deadline, self.answer()).await {
                Ok(Ok(LoadAnswer { proof: Proof::Error(error), .. })) => {
                    if !self.goes_without_names(&error) {
                        return Err(self.fault(&*error, Phase::Check));
                    }
                }
                Ok(Ok(_)) => {}
                Ok(Err(end)) => return Err(self.fault(end, Phase::Check)),
                Err(_) => {
                    return Err(self.fault(SessionFailure::deadline(guard, wait), Phase::Check));
                }
            }
        }
        Ok(())
    }

    /// Each statement has its own Sync, as each write has, so that no pooler takes them for one
    /// transaction.
    fn make_prepare(&mut self) -> io::Result<()> {
        frontend::parse(
            WRITE_STATEMENT,
            INSERT,
            INSERT_TYPES.iter().map(Type::oid),
            &mut self.to_send,
        )?;
        self.end_of_request(Asked::Prepare);
        frontend::parse(READ_STATEMENT, READ_LAST_IDS, [], &mut self.to_send)?;
        self.end_of_request(Asked::Prepare);
        Ok(())
    }

    /// Buffers a write. [`LoadSession::answer`] sends it.
    pub fn write(&mut self, event: &UserEvent) {
        let (writer, seq) = (event.writer.to_be_bytes(), event.seq.to_be_bytes());
        let user_id = event.user_id.to_be_bytes();
        let parameters: [&[u8]; 5] =
            [event.run_id.as_bytes(), &writer, &seq, &user_id, event.event_type.as_bytes()];
        self.execute(Asked::Write, (WRITE_STATEMENT, INSERT, &INSERT_TYPES), &parameters);
    }

    /// Buffers a read of the last ids. [`LoadSession::answer`] sends it.
    pub fn read_last_ids(&mut self) {
        self.execute(Asked::Read, (READ_STATEMENT, READ_LAST_IDS, &[]), &[]);
    }

    /// Whether this error, the last answer's, only tells that a pooler gave the server session to other
    /// clients meanwhile. From then on each request carries its statement.
    pub fn goes_without_names(&mut self, error: &ServerError) -> bool {
        let by_name = self.protocol == Protocol::Prepared || self.made_by_name > 0;
        if !by_name || !error.is_of_shared_sessions() {
            return false;
        }
        if self.protocol == Protocol::Prepared {
            self.protocol = Protocol::Extended;
            // One more for the current answer: each answer takes one away when it is taken.
            self.made_by_name = self.answers.awaited() + 1;
        }
        true
    }

    /// Buffers an execution, with parameters and result in binary. The statement goes by its name, or
    /// with its text and the types of its parameters.
    fn execute(
        &mut self,
        asked: Asked,
        (name, sql, types): (&str, &str, &[Type]),
        parameters: &[&[u8]],
    ) {
        let before = self.to_send.len();
        let statement = match self.protocol {
            Protocol::Prepared => name,
            Protocol::Extended => "",
        };
        let parsed = match self.protocol {
            Protocol::Prepared => Ok(()),
            Protocol::Extended => {
                frontend::parse(statement, sql, types.iter().map(Type::oid), &mut self.to_send)
            }
        };
        let bound = frontend::bind(
            "",
            statement,
            [1],
            parameters,
            |parameter, bytes| {
                bytes.extend_from_slice(parameter);
                Ok(IsNull::No)
            },
            [1],
            &mut self.to_send,
        );
        let executed = frontend::execute("", 0, &mut self.to_send);
        if parsed.is_err() || bound.is_err() || executed.is_err() {
            // Only a name with a zero byte, or gigabytes, could be refused.
            self.to_send.truncate(before);
            unreachable!("a bind of constants and numbers can be encoded");
        }
        frontend::sync(&mut self.to_send);
        match self.protocol {
            Protocol::Prepared => self.answers.asked(asked),
            Protocol::Extended => self.answers.asked_with_statement(asked),
        }
    }

    /// Ends a request with a Sync of its own, which ends its transaction.
    fn end_of_request(&mut self, asked: Asked) {
        frontend::sync(&mut self.to_send);
        self.answers.asked(asked);
    }

    /// Sends what is buffered, and waits for the next answer or for the end of the session. Cancel
    /// safe: may be dropped and called again.
    ///
    /// # Errors
    /// How the session ended, again at every call.
    pub async fn answer(&mut self) -> Result<LoadAnswer, SessionFailure> {
        poll_fn(|context| self.poll_answer(context)).await
    }

    /// An answer that was read already, without a system call.
    pub fn answer_if_there(&mut self) -> Option<LoadAnswer> {
        match self.answers.take() {
            Ok(answer) => {
                self.made_by_name = self.made_by_name.saturating_sub(usize::from(answer.is_some()));
                answer
            }
            Err(error) => {
                self.ended = Some(SessionFailure::of_io(&error));
                None
            }
        }
    }

    fn poll_answer(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<LoadAnswer, SessionFailure>> {
        self.poll_send(context);
        loop {
            if let Some(answer) = self.answer_if_there() {
                return Poll::Ready(Ok(answer));
            }
            if self.ended.is_none() {
                // A FATAL error is the end, however long the socket stays open.
                self.ended = self.answers.last_words().map(SessionFailure::from);
            }
            if let Some(end) = &self.ended {
                let end = end.clone();
                return Poll::Ready(self.answers.last().ok_or(end));
            }
            self.answers.buffer().reserve(READ_BYTES);
            let read = poll_read_buf(Pin::new(&mut self.socket), context, self.answers.buffer());
            self.ended = match ready!(read) {
                Ok(0) => Some(self.end_of_bytes(None)),
                Ok(_) => None,
                Err(error) => Some(self.end_of_bytes(Some(&error))),
            };
        }
    }

    /// Sends what is buffered. A failure is not the end yet: the server may have sent the reason before
    /// it closed.
    fn poll_send(&mut self, context: &mut Context<'_>) {
        while !self.to_send.is_empty() && self.not_sent.is_none() && self.ended.is_none() {
            self.not_sent = match Pin::new(&mut self.socket).poll_write(context, &self.to_send) {
                Poll::Ready(Ok(0)) => Some(SessionFailure::of_io(&io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(count)) => {
                    self.to_send.advance(count);
                    self.is_to_flush = true;
                    None
                }
                Poll::Ready(Err(error)) => Some(SessionFailure::of_io(&error)),
                Poll::Pending => break,
            };
        }
        self.poll_flush(context);
    }

    /// Sends what the socket holds back: no read would do it, and the server would wait as we do.
    fn poll_flush(&mut self, context: &mut Context<'_>) {
        if !self.is_to_flush || self.not_sent.is_some() || self.ended.is_some() {
            return;
        }
        match Pin::new(&mut self.socket).poll_flush(context) {
            Poll::Ready(Ok(())) => self.is_to_flush = false,
            Poll::Ready(Err(error)) => self.not_sent = Some(SessionFailure::of_io(&error)),
            Poll::Pending => {}
        }
    }

    /// Why the bytes ended, by the first that is known: the server's announcement, the read's error, the
    /// write's error.
    fn end_of_bytes(&mut self, error: Option<&io::Error>) -> SessionFailure {
        let announced = self.answers.announced().map(SessionFailure::from);
        announced
            .or_else(|| error.map(SessionFailure::of_io))
            .or_else(|| self.not_sent.take())
            .unwrap_or_else(SessionFailure::closed_by_server)
    }

    /// The fault of a failure on this session in this phase: an error of the server, a deadline, or the
    /// end of the session.
    #[must_use]
    pub fn fault(&self, failure: impl Into<SessionFailure>, phase: Phase) -> Fault {
        self.endpoint.fault(failure, phase)
    }

    /// Says goodbye to the server and waits a moment for it to be sent.
    pub async fn close(mut self) {
        frontend::terminate(&mut self.to_send);
        let sent = poll_fn(|context| {
            self.poll_send(context);
            let all_sent = self.to_send.is_empty() && !self.is_to_flush;
            let done = all_sent || self.not_sent.is_some() || self.ended.is_some();
            if done { Poll::Ready(()) } else { Poll::Pending }
        });
        // Otherwise the drop cuts the socket.
        let _ = tokio::time::timeout(GOODBYE_DEADLINE, sent).await;
    }
}
