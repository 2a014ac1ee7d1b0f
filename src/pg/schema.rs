//! The database objects: schema `pgchaos` with its users and their events, from `seeds/`.

use tokio_postgres::Error;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::session::Session;

const SCHEMA: &str = include_str!("../../seeds/schema.sql");
const USERS: &str = include_str!("../../seeds/users.sql");

/// Two generators that start together must not both make the schema. The key is "pgchaos" in
/// ASCII.
const LOCK: &str = "SELECT pg_advisory_xact_lock(31638874042232691)";

/// Looks into the catalogue, as a role that may only write cannot see what it may not use.
const EXISTS: &str = "\
SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'pgchaos' AND c.relname IN ('users', 'user_events', 'user_events_token')";

/// A write that is rolled back: whether this role may do what the load does. Its id is given, so
/// that the first event of a new table still has id 1.
const TRIAL: &str = "\
BEGIN;
INSERT INTO pgchaos.user_events (id, run_id, writer, seq, user_id, event_type)
OVERRIDING SYSTEM VALUE
VALUES (-1, '00000000-0000-0000-0000-000000000000', 0, 0, 0, 'trial');
SELECT id FROM pgchaos.user_events ORDER BY id DESC LIMIT 1;
ROLLBACK";

/// What was found of the objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objects {
    /// All of them are there.
    Complete,
    /// None of them is.
    Missing,
    /// Some are: somebody else's schema, or one that was tampered with.
    Partial,
}

impl Session {
    /// Which of the objects are there.
    ///
    /// # Errors
    /// The driver's.
    pub async fn objects(&self) -> Result<Objects, Error> {
        let found: i64 = self.client.query_one(EXISTS, &[]).await?.try_get(0)?;
        Ok(match found {
            0 => Objects::Missing,
            3 => Objects::Complete,
            _ => Objects::Partial,
        })
    }

    /// Makes the objects that are missing, all in one transaction, or none. Whether it made them.
    ///
    /// # Errors
    /// The driver's; then nothing was made.
    pub async fn create_objects(&self) -> Result<bool, Error> {
        let made = self.create_in_transaction().await;
        if made.is_err() && !self.client.is_closed() {
            // The first error is what matters; a session that cannot roll back is closed.
            let _ = self.client.batch_execute("ROLLBACK").await;
        }
        made
    }

    async fn create_in_transaction(&self) -> Result<bool, Error> {
        self.client.batch_execute("BEGIN").await?;
        self.client.batch_execute(LOCK).await?;
        let missing = self.objects().await? == Objects::Missing;
        if missing {
            self.client.batch_execute(SCHEMA).await?;
            self.client.batch_execute(USERS).await?;
        }
        self.client.batch_execute("COMMIT").await?;
        Ok(missing)
    }

    /// Tries the load's write and read, and rolls them back.
    ///
    /// # Errors
    /// The driver's, such as the permission that is missing.
    pub async fn try_load(&self) -> Result<(), Error> {
        let tried = self.client.batch_execute(TRIAL).await;
        if tried.is_err() && !self.client.is_closed() {
            let _ = self.client.batch_execute("ROLLBACK").await;
        }
        tried
    }

    /// The users whose events are written: `(id, name)`.
    ///
    /// # Errors
    /// The driver's.
    pub async fn users(&self) -> Result<Vec<(i32, String)>, Error> {
        let rows = self.client.query("SELECT id, name FROM pgchaos.users ORDER BY id", &[]).await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
    }

    /// Removes the rows of one run, a batch at a time so that no statement runs for long, and
    /// says how many they were. Call until it says 0.
    ///
    /// # Errors
    /// The driver's.
    pub async fn remove_some_rows(&self, run_id: Uuid, at_most: i64) -> Result<u64, Error> {
        let parameters: [&(dyn ToSql + Sync); 2] = [&run_id, &at_most];
        self.client
            .execute(
                "DELETE FROM pgchaos.user_events WHERE ctid = ANY (ARRAY(
                   SELECT ctid FROM pgchaos.user_events WHERE run_id = $1 LIMIT $2))",
                &parameters,
            )
            .await
    }

    /// Removes the schema with all that pgchaos made in it.
    ///
    /// Objects of others in the schema make it fail, and then nothing is removed.
    ///
    /// # Errors
    /// The driver's.
    pub async fn drop_objects(&self) -> Result<(), Error> {
        let dropped = self
            .client
            .batch_execute(
                "BEGIN; DROP TABLE IF EXISTS pgchaos.user_events, pgchaos.users;
                 DROP SCHEMA IF EXISTS pgchaos; COMMIT",
            )
            .await;
        if dropped.is_err() && !self.client.is_closed() {
            let _ = self.client.batch_execute("ROLLBACK").await;
        }
        dropped
    }
}
