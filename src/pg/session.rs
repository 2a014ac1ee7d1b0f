//! A session, and what its end was.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::poll_fn;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_postgres::tls::TlsStream;
use tokio_postgres::{AsyncMessage, Client, Connection, Error, Statement};

use super::driver_error;
use super::socket::Socket;
use super::user_events;
use crate::model::event::Backend;
use crate::model::fault::{Evidence, Fault, Phase};
use crate::model::server::Server;

/// How long a session's driver may take to say why a call failed, or to close.
const DRIVER_DEADLINE: Duration = Duration::from_millis(250);

/// A session with a known server. Dropped, it cuts the socket; [`Session::close`] says goodbye.
#[derive(Debug)]
pub struct Session {
    /// For the SQL of this floor.
    pub(super) client: Arc<Client>,
    insert: Option<Statement>,
    read_last_ids: Option<Statement>,
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
    local_commits: Arc<AtomicU64>,
    spoke: Arc<AtomicBool>,
}

/// How a session ended.
#[derive(Debug, Clone)]
pub struct End {
    evidence: Evidence,
    words: String,
}

impl Driver {
    /// Starts to move the bytes of a connection.
    pub(super) fn start<T>(mut connection: Connection<Socket, T>, spoke: Arc<AtomicBool>) -> Self
    where
        T: TlsStream + Unpin + Send + 'static,
    {
        let (ended_sender, ended) = watch::channel(None);
        let local_commits = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&local_commits);
        let task = tokio::spawn(async move {
            let end = loop {
                match poll_fn(|context| connection.poll_message(context)).await {
                    Some(Ok(AsyncMessage::Notice(notice))) => {
                        if is_cancelled_synchronous_wait(&notice) {
                            counter.fetch_add(1, Ordering::Release);
                        }
                    }
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
        Self { task, ended, local_commits, spoke }
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

/// Whether the server warns that a commit did not wait for the synchronous standby.
///
/// The warning has no SQLSTATE of its own and its text is translated; the server's function that
/// says it is neither.
fn is_cancelled_synchronous_wait(notice: &tokio_postgres::error::DbError) -> bool {
    notice.routine() == Some("SyncRepWaitForLSN")
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Session {
    pub(super) fn new(
        client: Client,
        driver: Driver,
        server: Server,
        backend: Backend,
        endpoint: String,
    ) -> Self {
        Self {
            client: Arc::new(client),
            insert: None,
            read_last_ids: None,
            server,
            backend,
            endpoint,
            driver,
        }
    }

    /// Prepares the statements of the load.
    ///
    /// # Errors
    /// The fault, also when the deadline passes.
    pub async fn prepare_load(&mut self, deadline: Duration) -> Result<(), Fault> {
        let client = Arc::clone(&self.client);
        let (insert, read) = self
            .bounded(Phase::Check, deadline, async move {
                let insert = user_events::prepare_insert(&client).await?;
                let read = user_events::prepare_read_last_ids(&client).await?;
                Ok((insert, read))
            })
            .await?;
        self.insert = Some(insert);
        self.read_last_ids = Some(read);
        Ok(())
    }

    /// The statement that writes; prepared by [`Session::prepare_load`].
    #[must_use]
    pub fn load(&self) -> Option<user_events::Load> {
        Some(user_events::Load::new(
            Arc::clone(&self.client),
            self.insert.clone()?,
            self.read_last_ids.clone()?,
        ))
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

    /// Waits until the session ends by itself. Independent of the session's borrow, so that it
    /// can be waited for beside its use.
    pub fn ended(&self) -> impl Future<Output = Arc<End>> + Send + 'static {
        end_of(self.driver.ended.clone())
    }

    /// The fault that a session's end is, for what was going on.
    #[must_use]
    pub fn fault_of_end(&self, end: &End, phase: Phase) -> Fault {
        self.fault(&end.evidence, phase, end.words.clone())
    }

    /// The fault behind a call's error: the call often knows only that the session is closed,
    /// while the driver knows why.
    pub async fn fault_of(&self, error: &Error, phase: Phase) -> Fault {
        let (evidence, words) = self.cause(error).await;
        self.fault(&evidence, phase, words)
    }

    /// Whether this answer to a write proves that it is not committed.
    #[must_use]
    pub fn proves_rejection(&self, error: &Error) -> bool {
        driver_error::evidence(error, true).proves_rejection()
    }

    /// Whether the session can be used after this error.
    #[must_use]
    pub fn survives(&self, error: &Error) -> bool {
        self.proves_rejection(error) && !self.client.is_closed()
    }

    /// The fault of a wait that reached its client-side deadline.
    #[must_use]
    pub fn deadline_fault(&self, phase: Phase, deadline: Duration) -> Fault {
        let evidence = Evidence { deadline: true, server_spoke: true, ..Evidence::default() };
        let words = format!("no answer within {:.1} s", deadline.as_secs_f64());
        self.fault(&evidence, phase, words)
    }

    /// Commits so far that did not wait for the synchronous standby, as the wait was cancelled.
    #[must_use]
    pub fn local_commits(&self) -> u64 {
        self.driver.local_commits.load(Ordering::Acquire)
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
            && let Ok(end) = tokio::time::timeout(DRIVER_DEADLINE, self.ended()).await
        {
            return (end.evidence.clone(), end.words.clone());
        }
        (own, driver_error::words(error))
    }

    fn fault(&self, evidence: &Evidence, phase: Phase, message: String) -> Fault {
        Fault {
            class: evidence.class(phase),
            phase,
            sqlstate: evidence.sqlstate.as_ref().map(|(sqlstate, _)| sqlstate.clone()),
            endpoint: self.endpoint.clone(),
            message,
        }
    }
}
