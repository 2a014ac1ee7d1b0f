//! A session, and what its end was.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::poll_fn;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_postgres::tls::TlsStream;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Connection, Error};

use super::driver_error;
use super::guards::{Dialled, Guard};
use super::lent_socket::LentSocket;
use super::load::LoadSession;
use super::own_limits;
use super::server_error::ServerError;
use super::socket::Heard;
use crate::model::cluster::server::Server;
use crate::model::cluster::server::ServerProcess;
use crate::model::fault::{Evidence, Fault, Phase};
use crate::model::foreign::said;
use crate::model::load::options::Protocol;

/// How long a session's driver may take to say why a call failed, or to close.
pub(super) const DRIVER_DEADLINE: Duration = Duration::from_millis(250);

/// Parameters with their types. A statement whose types are said needs no name on the server: a
/// pooler may give the next statement to another server session, and a name that stays on one is
/// in the way of the next client's.
pub(super) type Typed<'a, const N: usize> = [(&'a (dyn ToSql + Sync), Type); N];

/// A session with a known server. Dropped, it cuts the socket; [`Session::close`] says goodbye.
#[derive(Debug)]
pub struct Session {
    /// For the SQL of this floor.
    pub(super) client: Client,
    socket: LentSocket,
    /// Who answers.
    pub server: Server,
    /// The server's process for this session.
    pub backend: ServerProcess,
    dialled: Dialled,
    driver: Driver,
}

/// The task that moves the session's bytes, and what it heard.
#[derive(Debug)]
pub(super) struct Driver {
    task: JoinHandle<()>,
    ended: watch::Receiver<Option<Arc<End>>>,
    heard: Heard,
}

/// How a session ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    pub(super) evidence: Evidence,
    pub(super) words: String,
}

/// The server closed the connection, without a word.
impl Default for End {
    fn default() -> Self {
        let evidence = Evidence { server_spoke: true, ..Evidence::default() };
        Self { evidence, words: "server closed the connection".to_owned() }
    }
}

impl End {
    /// By an error of the system, or by bytes that nobody expected.
    pub(super) fn by_io(error: &io::Error) -> Self {
        let evidence = Evidence {
            io: Some(error.kind()),
            own_limit: own_limits::of_socket(error),
            server_spoke: true,
            ..Evidence::default()
        };
        Self { evidence, words: said(&error.to_string()) }
    }

    /// With these words of the server.
    pub(super) fn by_server(words: &ServerError) -> Self {
        Self { evidence: words.evidence(), words: words.words() }
    }
}

impl Driver {
    /// Starts to move the bytes of a connection.
    pub(super) fn start<T>(mut connection: Connection<LentSocket, T>, heard: Heard) -> Self
    where
        T: TlsStream + Unpin + Send + 'static,
    {
        let (ended_sender, ended) = watch::channel(None);
        let task = tokio::spawn(async move {
            let end = loop {
                match poll_fn(|context| connection.poll_message(context)).await {
                    Some(Ok(_)) => {}
                    Some(Err(error)) => {
                        break End {
                            evidence: driver_error::evidence(&error, true),
                            words: driver_error::words(&error),
                        };
                    }
                    None => {
                        break End {
                            evidence: Evidence { server_spoke: true, ..Evidence::default() },
                            words: "the session was closed".to_owned(),
                        };
                    }
                }
            };
            ended_sender.send_replace(Some(Arc::new(end)));
        });
        Self { task, ended, heard }
    }
}

async fn end_of(mut ended: watch::Receiver<Option<Arc<End>>>) -> Arc<End> {
    match ended.wait_for(Option::is_some).await.map(|end| end.clone()) {
        Ok(Some(end)) => end,
        // The task is gone without a word only when it was aborted.
        _ => Arc::new(End {
            evidence: Evidence { server_spoke: true, ..Evidence::default() },
            words: "the session was given up".to_owned(),
        }),
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Session {
    pub(super) fn new(
        client: Client,
        socket: LentSocket,
        driver: Driver,
        server: Server,
        backend: ServerProcess,
        dialled: Dialled,
    ) -> Self {
        Self { client, socket, server, backend, dialled, driver }
    }

    /// Where it leads: `host:port`, with the address that was dialled where the host is a name.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.dialled.endpoint
    }

    /// The process id that the server greeted with, if it did.
    pub(super) fn greeted_pid(&self) -> Option<i32> {
        self.socket.greeted_pid()
    }

    /// Lets so many messages of an answer through, from now on: what answers with more is not what
    /// was asked for.
    pub(super) fn allow_messages(&self, most: u32) {
        self.socket.allow_messages(most);
    }

    /// Makes it a session of the load. The driver says no goodbye: the socket goes on.
    ///
    /// What the server said on its own between its last answer and now, within microseconds, goes
    /// with the driver; were it a goodbye, the end of the session would still be seen.
    ///
    /// # Errors
    /// The fault, also when the deadline passes.
    pub async fn into_load(
        self,
        deadline: Instant,
        connect_timeout: Duration,
        protocol: Protocol,
    ) -> Result<LoadSession, Fault> {
        match self.socket.take() {
            Some(socket) => {
                let mut session = {
                    let Self { server, backend, dialled, .. } = self;
                    LoadSession::new(socket, server, backend, dialled, protocol)
                };
                session.prepare(deadline, connect_timeout).await?;
                Ok(session)
            }
            None => Err(self.fault(&Evidence::default(), Phase::Check, "it was taken".to_owned())),
        }
    }

    /// Runs some SQL under a deadline, with its failure classified.
    ///
    /// # Errors
    /// The fault, with the cause that the driver knows.
    pub async fn bounded<T>(
        &self,
        phase: Phase,
        deadline: Duration,
        sql: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Fault> {
        match tokio::time::timeout(deadline, sql).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(self.fault_of(&error, phase).await),
            Err(_) => Err(self.dialled.deadline_fault(phase, deadline, Guard::Step)),
        }
    }

    /// The fault behind a call's error: the call often knows only that the session is closed,
    /// while the driver knows why.
    pub async fn fault_of(&self, error: &Error, phase: Phase) -> Fault {
        let (evidence, words) = self.cause(error).await;
        self.fault(&evidence, phase, words)
    }

    /// Says goodbye to the server and waits a moment for it to be sent.
    pub async fn close(self) {
        let Self { client, mut driver, .. } = self;
        drop(client);
        // A server that does not take the goodbye gets the cut that dropping the driver is.
        let _ = tokio::time::timeout(DRIVER_DEADLINE, &mut driver.task).await;
    }

    async fn cause(&self, error: &Error) -> (Evidence, String) {
        let own = driver_error::evidence(error, self.driver.heard.something());
        if own.sqlstate.is_none()
            && let Ok(end) =
                tokio::time::timeout(DRIVER_DEADLINE, end_of(self.driver.ended.clone())).await
        {
            return (end.evidence.clone(), end.words.clone());
        }
        (own, driver_error::words(error))
    }

    fn fault(&self, evidence: &Evidence, phase: Phase, message: String) -> Fault {
        self.dialled.fault(evidence, phase, message)
    }
}
