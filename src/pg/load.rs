//! A session of the load: it writes, and reads the last ids back.
//!
//! The driver opened it and asked who answers; from there on pgchaos speaks the protocol here
//! itself, with the driver's own library for its messages. A client, a connection and a future
//! for each write, which wake each other through channels, cost more than all that the books do.
//! Here a write is bytes in a buffer, and an answer is read in the task that waits for it.

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

use super::answers::{Answer, Answers, Asked, Proof};
use super::guards::{Dialled, Guard};
use super::server_error::ServerError;
use super::session::{DRIVER_DEADLINE, End};
use super::socket::Socket;
use super::user_events::{INSERT, READ_LAST_IDS, UserEvent};
use crate::model::cluster::server::Server;
use crate::model::cluster::server::ServerProcess;
use crate::model::fault::{Evidence, Fault, Phase};
use crate::model::load::options::Protocol;

/// The names of the prepared statements on the session.
const WRITE_STATEMENT: &str = "pgchaos_write";
const READ_STATEMENT: &str = "pgchaos_read";

/// The parameters of the write.
const INSERT_TYPES: [Type; 5] = [Type::UUID, Type::INT4, Type::INT8, Type::INT4, Type::TEXT];

/// Room for what one read may bring.
const READ_BYTES: usize = 4096;

/// A session that writes. Requests go out in the order in which they are made, each in a
/// transaction of its own, and answers come in the same order. Dropped, it cuts the socket;
/// [`LoadSession::close`] says goodbye.
#[derive(Debug)]
pub struct LoadSession {
    socket: Socket,
    /// Who answers.
    pub server: Server,
    /// The server's process for this session.
    pub backend: ServerProcess,
    dialled: Dialled,
    protocol: Protocol,
    /// Requests without an answer that were made by name before the session went over to
    /// statements without one.
    made_by_name: usize,
    to_send: BytesMut,
    answers: Answers,
    /// Why nothing goes out any more. What the server still says is read to its end.
    not_sent: Option<End>,
    ended: Option<End>,
}

impl LoadSession {
    /// A session that goes on with this socket.
    pub(super) fn new(
        socket: Socket,
        server: Server,
        backend: ServerProcess,
        dialled: Dialled,
        protocol: Protocol,
    ) -> Self {
        Self {
            socket,
            server,
            backend,
            dialled,
            protocol,
            made_by_name: 0,
            to_send: BytesMut::new(),
            answers: Answers::default(),
            not_sent: None,
            ended: None,
        }
    }

    /// How writes are put to the server: as it was asked for, unless a pooler shares out server
    /// sessions.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Prepares the statements of the load by the deadline of the connect, which was set for
    /// `connect_timeout` in all. Where a pooler shares out server sessions, the names are taken or
    /// not kept, and each request brings its statement along.
    ///
    /// # Errors
    /// The fault.
    pub(super) async fn prepare(
        &mut self,
        deadline: Instant,
        connect_timeout: Duration,
    ) -> Result<(), Fault> {
        if self.protocol == Protocol::Extended {
            return Ok(());
        }
        if let Err(error) = self.make_prepare() {
            return Err(self.fault(&Evidence::default(), Phase::Check, error.to_string()));
        }
        self.all_done(2, deadline, connect_timeout, Guard::ConnectTimeout).await
    }

    /// Reads the last ids once, and says only whether that works: whether what answers keeps to
    /// the protocol, and leaves no transaction open.
    ///
    /// # Errors
    /// The fault.
    pub async fn try_read(&mut self, deadline: Duration) -> Result<(), Fault> {
        self.read_last_ids();
        self.all_done(1, Instant::now() + deadline, deadline, Guard::Step).await
    }

    /// Waits until so many requests are done by a deadline that was set for `wait` in all.
    async fn all_done(
        &mut self,
        requests: usize,
        deadline: Instant,
        wait: Duration,
        guard: Guard,
    ) -> Result<(), Fault> {
        for _ in 0..requests {
            match tokio::time::timeout_at(deadline, self.answer()).await {
                Ok(Ok(Answer { proof: Proof::Error(error), .. })) => {
                    if !self.goes_without_names(&error) {
                        return Err(self.fault_of(&error, Phase::Check));
                    }
                }
                Ok(Ok(_)) => {}
                Ok(Err(end)) => return Err(self.fault_of_end(&end, Phase::Check)),
                Err(_) => return Err(self.deadline_fault(Phase::Check, wait, guard)),
            }
        }
        Ok(())
    }

    /// Each statement has its own Sync, as each write has: nothing on the way has a reason to take
    /// them for one transaction.
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

    /// Makes a write. It goes out when answers are next asked for.
    pub fn write(&mut self, event: &UserEvent) {
        let (writer, seq) = (event.writer.to_be_bytes(), event.seq.to_be_bytes());
        let user_id = event.user_id.to_be_bytes();
        let parameters: [&[u8]; 5] =
            [event.run_id.as_bytes(), &writer, &seq, &user_id, event.event_type.as_bytes()];
        self.execute(Asked::Write, (WRITE_STATEMENT, INSERT, &INSERT_TYPES), &parameters);
    }

    /// Makes a read of the last ids. It goes out when answers are next asked for.
    pub fn read_last_ids(&mut self) {
        self.execute(Asked::Read, (READ_STATEMENT, READ_LAST_IDS, &[]), &[]);
    }

    /// Whether this error, the last answer's, only says that a pooler gave the session's server
    /// session to other clients meanwhile. From then on each request brings its statement along.
    pub fn goes_without_names(&mut self, error: &ServerError) -> bool {
        let by_name = self.protocol == Protocol::Prepared || self.made_by_name > 0;
        if !by_name || !error.is_of_shared_sessions() {
            return false;
        }
        if self.protocol == Protocol::Prepared {
            self.protocol = Protocol::Extended;
            // One more, as each answer takes one away when the next is asked for.
            self.made_by_name = self.answers.awaited() + 1;
        }
        true
    }

    /// Everything in binary, parameters and result. The statement by its name, or with its text and
    /// the types of its parameters.
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
            // Only a name with a zero in it, or gigabytes, could be the reason.
            self.to_send.truncate(before);
            unreachable!("a bind of constants and numbers can be encoded");
        }
        frontend::sync(&mut self.to_send);
        match self.protocol {
            Protocol::Prepared => self.answers.asked(asked),
            Protocol::Extended => self.answers.asked_with_statement(asked),
        }
    }

    /// Each request has its own Sync: its transaction ends with it.
    fn end_of_request(&mut self, asked: Asked) {
        frontend::sync(&mut self.to_send);
        self.answers.asked(asked);
    }

    /// Sends what was made, and waits for the next answer or for the session's end. May be given
    /// up and called again.
    ///
    /// # Errors
    /// How the session ended, again at every call.
    pub async fn answer(&mut self) -> Result<Answer, End> {
        poll_fn(|context| self.poll_answer(context)).await
    }

    /// An answer that is there already, without asking the system.
    pub fn answer_if_there(&mut self) -> Option<Answer> {
        match self.answers.take() {
            Ok(answer) => {
                self.made_by_name = self.made_by_name.saturating_sub(usize::from(answer.is_some()));
                answer
            }
            Err(error) => {
                self.ended = Some(End::by_io(&error));
                None
            }
        }
    }

    fn poll_answer(&mut self, context: &mut Context<'_>) -> Poll<Result<Answer, End>> {
        self.poll_send(context);
        loop {
            if let Some(answer) = self.answer_if_there() {
                return Poll::Ready(Ok(answer));
            }
            if self.ended.is_none() {
                // A goodbye is the end, however long the socket stays open.
                self.ended = self.answers.last_words().map(End::by_server);
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

    /// A failure is no end yet: the server may have said why before it went.
    fn poll_send(&mut self, context: &mut Context<'_>) {
        while !self.to_send.is_empty() && self.not_sent.is_none() && self.ended.is_none() {
            self.not_sent = match Pin::new(&mut self.socket).poll_write(context, &self.to_send) {
                Poll::Ready(Ok(0)) => Some(End::by_io(&io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(count)) => {
                    self.to_send.advance(count);
                    None
                }
                Poll::Ready(Err(error)) => Some(End::by_io(&error)),
                Poll::Pending => return,
            };
        }
    }

    /// The best of the reasons: what the server announced, the read's error, the write's error.
    fn end_of_bytes(&mut self, error: Option<&io::Error>) -> End {
        let announced = self.answers.announced().map(End::by_server);
        announced
            .or_else(|| error.map(End::by_io))
            .or_else(|| self.not_sent.take())
            .unwrap_or_default()
    }

    /// Whether this answer to a write proves that it is not committed.
    #[must_use]
    pub fn proves_rejection(error: &ServerError) -> bool {
        error.evidence().proves_rejection()
    }

    /// The fault that the server's error is.
    #[must_use]
    pub fn fault_of(&self, error: &ServerError, phase: Phase) -> Fault {
        self.fault(&error.evidence(), phase, error.words())
    }

    /// The fault that the session's end is, for what was going on.
    #[must_use]
    pub fn fault_of_end(&self, end: &End, phase: Phase) -> Fault {
        self.fault(&end.evidence, phase, end.words.clone())
    }

    /// The fault of a write that was answered without its row.
    #[must_use]
    pub fn no_row_fault(&self) -> Fault {
        let evidence = Evidence {
            io: Some(io::ErrorKind::InvalidData),
            server_spoke: true,
            ..Evidence::default()
        };
        let words = "the INSERT was answered without its row: a trigger, a rule or a route takes \
                     it elsewhere or nowhere";
        self.fault(&evidence, Phase::Write, words.to_owned())
    }

    /// The fault of a wait that reached its client-side deadline.
    #[must_use]
    pub fn deadline_fault(&self, phase: Phase, deadline: Duration, guard: Guard) -> Fault {
        self.dialled.deadline_fault(phase, deadline, guard)
    }

    fn fault(&self, evidence: &Evidence, phase: Phase, message: String) -> Fault {
        self.dialled.fault(evidence, phase, message)
    }

    /// Says goodbye to the server and waits a moment for it to be sent.
    pub async fn close(mut self) {
        frontend::terminate(&mut self.to_send);
        let sent = poll_fn(|context| {
            self.poll_send(context);
            let done = self.to_send.is_empty() || self.not_sent.is_some() || self.ended.is_some();
            if done { Poll::Ready(()) } else { Poll::Pending }
        });
        // A server that does not take the goodbye gets the cut that the drop is.
        let _ = tokio::time::timeout(DRIVER_DEADLINE, sent).await;
    }
}
