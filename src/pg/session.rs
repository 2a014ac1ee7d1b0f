//! A session, and what its end was.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::poll_fn;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_postgres::tls::TlsStream;
use tokio_postgres::{Client, Connection, Error};

use super::driver_error;
use super::lent_socket::LentSocket;
use super::load::LoadSession;
use super::server_error::ServerError;
use crate::model::event::Backend;
use crate::model::fault::{Evidence, Fault, Phase};
use crate::model::server::Server;

/// How long a session's driver may take to say why a call failed, or to close.
pub(super) const DRIVER_DEADLINE: Duration = Duration::from_millis(250);

/// A session with a known server. Dropped, it cuts the socket; [`Session::close`] says goodbye.
#[derive(Debug)]
pub struct Session {
    /// For the SQL of this floor.
    pub(super) client: Client,
    socket: LentSocket,
    /// Who answers.
    pub server: Server,
    /// The server's process for this session.
    pub backend: Backend,
    /// `host:port` as the client dialled it.
    pub endpoint: String,
    driver: Driver,
}

/// The task that moves the session's bytes, and what it heard.
#[derive(Debug)]
pub(super) struct Driver {
    task: JoinHandle<()>,
    ended: watch::Receiver<Option<Arc<End>>>,
    spoke: Arc<AtomicBool>,
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
        let evidence =
            Evidence { io: Some(error.kind()), server_spoke: true, ..Evidence::default() };
        Self { evidence, words: error.to_string() }
    }

    /// With these words of the server.
    pub(super) fn by_server(words: &ServerError) -> Self {
        Self { evidence: words.evidence(), words: words.words() }
    }
}

impl Driver {
    /// Starts to move the bytes of a connection.
    pub(super) fn start<T>(
        mut connection: Connection<LentSocket, T>,
        spoke: Arc<AtomicBool>,
    ) -> Self
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
        Self { task, ended, spoke }
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
        backend: Backend,
        endpoint: String,
    ) -> Self {
        Self { client, socket, server, backend, endpoint, driver }
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
    ) -> Result<LoadSession, Fault> {
        match self.socket.take() {
            Some(socket) => {
                let mut session = {
                    let Self { server, backend, endpoint, .. } = self;
                    LoadSession::new(socket, server, backend, endpoint)
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
            Err(_) => Err(self.deadline_fault(phase, deadline)),
        }
    }

    /// The fault behind a call's error: the call often knows only that the session is closed,
    /// while the driver knows why.
    pub async fn fault_of(&self, error: &Error, phase: Phase) -> Fault {
        let (evidence, words) = self.cause(error).await;
        self.fault(&evidence, phase, words)
    }

    /// The fault of a wait that reached its client-side deadline.
    #[must_use]
    pub fn deadline_fault(&self, phase: Phase, deadline: Duration) -> Fault {
        let evidence = Evidence { deadline: true, server_spoke: true, ..Evidence::default() };
        self.fault(&evidence, phase, deadline_words(deadline))
    }

    /// Says goodbye to the server and waits a moment for it to be sent.
    pub async fn close(self) {
        let Self { client, mut driver, .. } = self;
        drop(client);
        // A server that does not take the goodbye gets the cut that dropping the driver is.
        let _ = tokio::time::timeout(DRIVER_DEADLINE, &mut driver.task).await;
    }

    async fn cause(&self, error: &Error) -> (Evidence, String) {
        let own = driver_error::evidence(error, self.driver.spoke.load(Ordering::Relaxed));
        if own.sqlstate.is_none()
            && let Ok(end) =
                tokio::time::timeout(DRIVER_DEADLINE, end_of(self.driver.ended.clone())).await
        {
            return (end.evidence.clone(), end.words.clone());
        }
        (own, driver_error::words(error))
    }

    fn fault(&self, evidence: &Evidence, phase: Phase, message: String) -> Fault {
        Fault::of(evidence, phase, self.endpoint.clone(), message)
    }
}

/// What passed, for people.
pub(super) fn deadline_words(deadline: Duration) -> String {
    format!("no answer within {:.1} s", deadline.as_secs_f64())
}
