//! The write of the load, one user event in its own transaction, and the read of the last ids.

use std::sync::Arc;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Statement};
use uuid::Uuid;

/// The kinds of user events.
pub const EVENT_TYPES: [&str; 6] = ["login", "logout", "click", "view_page", "purchase", "error"];

/// How many ids are read back.
pub const LAST_IDS: usize = 3;

const INSERT: &str = "\
INSERT INTO pgchaos.user_events (run_id, writer, seq, user_id, event_type)
VALUES ($1, $2, $3, $4, $5) RETURNING id";

const READ_LAST_IDS: &str = "SELECT id FROM pgchaos.user_events ORDER BY id DESC LIMIT 3";

/// One write: its token and what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserEvent {
    /// The token: run, writer, seq.
    pub run_id: Uuid,
    /// The token: run, writer, seq.
    pub writer: i32,
    /// The token: run, writer, seq.
    pub seq: i64,
    /// Whose event.
    pub user_id: i32,
    /// What happened, one of [`EVENT_TYPES`].
    pub event_type: &'static str,
}

/// The statements of the load on one session. Futures that are polled together are pipelined,
/// each write in a transaction of its own.
#[derive(Debug, Clone)]
pub struct Load {
    client: Arc<Client>,
    insert: Statement,
    read_last_ids: Statement,
}

pub(super) async fn prepare_insert(client: &Client) -> Result<Statement, Error> {
    let types = [Type::UUID, Type::INT4, Type::INT8, Type::INT4, Type::TEXT];
    client.prepare_typed(INSERT, &types).await
}

pub(super) async fn prepare_read_last_ids(client: &Client) -> Result<Statement, Error> {
    client.prepare(READ_LAST_IDS).await
}

impl Load {
    pub(super) fn new(client: Arc<Client>, insert: Statement, read_last_ids: Statement) -> Self {
        Self { client, insert, read_last_ids }
    }

    /// Sends the write and waits for its commit; the id that the server gave.
    ///
    /// The answer is read to its end: in the extended protocol the commit comes after the row.
    ///
    /// # Errors
    /// The driver's.
    pub async fn insert(self, event: UserEvent) -> Result<i64, Error> {
        let row = self
            .client
            .query_one(
                &self.insert,
                &[&event.run_id, &event.writer, &event.seq, &event.user_id, &event.event_type],
            )
            .await?;
        row.try_get(0)
    }

    /// The last ids, highest first.
    ///
    /// # Errors
    /// The driver's.
    pub async fn read_last_ids(self) -> Result<Vec<i64>, Error> {
        let rows = self.client.query(&self.read_last_ids, &[]).await?;
        rows.iter().map(|row| row.try_get(0)).collect()
    }
}
