//! The task that moves a session's bytes for the driver, and how it ended.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::poll_fn;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_postgres::tls::TlsStream;
use tokio_postgres::{Connection, Error};

use super::driver_error;
use crate::pg::failure::SessionFailure;
use crate::pg::wire::first_bytes::FirstBytes;
use crate::pg::wire::reclaimable_socket::ReclaimableSocket;

/// How long the task may take to say why a call failed.
const REASON_DEADLINE: Duration = Duration::from_millis(250);

/// The task of a session. Dropped, it cuts the socket.
#[derive(Debug)]
pub(super) struct DriverTask {
    task: JoinHandle<()>,
    ended: watch::Receiver<Option<Arc<SessionFailure>>>,
    first_bytes: FirstBytes,
}

impl DriverTask {
    /// Starts to move the bytes of a connection.
    pub(super) fn start<T>(
        mut connection: Connection<ReclaimableSocket, T>,
        first_bytes: FirstBytes,
    ) -> Self
    where
        T: TlsStream + Unpin + Send + 'static,
    {
        let (ended_sender, ended) = watch::channel(None);
        let task = tokio::spawn(async move {
            let end = loop {
                match poll_fn(|context| connection.poll_message(context)).await {
                    Some(Ok(_)) => {}
                    Some(Err(error)) => break driver_error::failure(&error, true),
                    None => break SessionFailure::after_first_word("the session was closed"),
                }
            };
            ended_sender.send_replace(Some(Arc::new(end)));
        });
        Self { task, ended, first_bytes }
    }

    /// Why a call failed: the call often knows only that the session is closed, while the task knows
    /// why. An error of the server's is the call's own.
    pub(super) async fn reason(&self, error: &Error) -> SessionFailure {
        let own = driver_error::failure(error, self.first_bytes.spoke());
        if own.evidence().sqlstate.is_none()
            && let Ok(end) = tokio::time::timeout(REASON_DEADLINE, self.end()).await
        {
            return SessionFailure::clone(&end);
        }
        own
    }

    /// Waits for the end of the task.
    pub(super) async fn ended(&mut self) {
        // A task that was aborted or has panicked has ended, too.
        let _ = (&mut self.task).await;
    }

    async fn end(&self) -> Arc<SessionFailure> {
        let mut ended = self.ended.clone();
        match ended.wait_for(Option::is_some).await.map(|end| end.clone()) {
            Ok(Some(end)) => end,
            // The task ends without a word only when it was aborted.
            _ => Arc::new(SessionFailure::after_first_word("the session was given up")),
        }
    }
}

impl Drop for DriverTask {
    fn drop(&mut self) {
        self.task.abort();
    }
}
