//! A session through the driver: SQL under a deadline, and its failures.

use std::time::Duration;

use tokio::time::Instant;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error};

use super::driver_task::DriverTask;
use crate::model::cluster::server::Server;
use crate::model::cluster::server::ServerProcess;
use crate::model::fault::{Evidence, Fault, Phase};
use crate::model::load::options::Protocol;
use crate::pg::failure::SessionFailure;
use crate::pg::failure::guard::Guard;
use crate::pg::wire::endpoint::Endpoint;
use crate::pg::wire::load_session::{GOODBYE_DEADLINE, LoadSession};
use crate::pg::wire::reclaimable_socket::ReclaimableSocket;

/// Parameters with their types. With its types given, a statement needs no name on the server: a pooler
/// may send the next statement to another server session, and a name that stays on one is in the way of
/// the next client.
pub(in crate::pg) type Typed<'a, const N: usize> = [(&'a (dyn ToSql + Sync), Type); N];

/// A session with a known server. Dropped, it cuts the socket; [`Session::close`] says goodbye.
#[derive(Debug)]
pub struct Session {
    /// For the SQL of this floor.
    pub(in crate::pg) client: Client,
    socket: ReclaimableSocket,
    /// The server that answers.
    pub server: Server,
    /// The server's process for this session.
    pub backend: ServerProcess,
    endpoint: Endpoint,
    driver: DriverTask,
}

impl Session {
    pub(super) fn new(
        client: Client,
        socket: ReclaimableSocket,
        driver: DriverTask,
        server: Server,
        backend: ServerProcess,
        endpoint: Endpoint,
    ) -> Self {
        Self { client, socket, server, backend, endpoint, driver }
    }

    /// Where it leads: `host:port`, with the address that was dialled where the host is a name.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint.name
    }

    /// The process id that the server greeted with, if it did.
    pub(in crate::pg) fn greeted_pid(&self) -> Option<i32> {
        self.socket.greeted_pid()
    }

    /// Lets so many messages of an answer through, from now on: what answers with more is not what
    /// was asked for.
    pub(in crate::pg) fn allow_messages(&self, most: u32) {
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
        let Some(socket) = self.socket.take() else {
            let failure = SessionFailure::new(Evidence::default(), "it was taken");
            return Err(self.endpoint.fault(failure, Phase::Check));
        };
        let mut session = {
            let Self { server, backend, endpoint, .. } = self;
            LoadSession::new(socket, server, backend, endpoint, protocol)
        };
        session.prepare(deadline, connect_timeout).await?;
        Ok(session)
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
            Ok(Err(error)) => Err(self.fault(&error, phase).await),
            Err(_) => {
                Err(self.endpoint.fault(SessionFailure::deadline(Guard::Step, deadline), phase))
            }
        }
    }

    /// The fault behind a call's error.
    pub(super) async fn fault(&self, error: &Error, phase: Phase) -> Fault {
        self.endpoint.fault(self.driver.reason(error).await, phase)
    }

    /// Says goodbye to the server and waits a moment for it to be sent.
    pub async fn close(self) {
        let Self { client, mut driver, .. } = self;
        drop(client);
        // A server that does not take the goodbye gets the cut that dropping the driver is.
        let _ = tokio::time::timeout(GOODBYE_DEADLINE, driver.ended()).await;
    }
}
