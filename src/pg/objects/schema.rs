//! Makes, reads and removes the schema `pgchaos` with its users and their events, from `seeds/`.

use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

use super::identifier::identifier;
use super::ids::Ids;
use super::setting_origin::{self, Setting};
use super::tables::{self, Table};
use super::transaction::BEGIN;
use crate::model::foreign;
use crate::pg::sessions::session::{Session, Typed};
use crate::pg::sessions::statements::each;
use crate::pg::user_events::READ_LAST_IDS;

const SCHEMA: &str = include_str!("../../../seeds/schema.sql");
const USERS: &str = include_str!("../../../seeds/users.sql");
const USERS_ASCII: &str = include_str!("../../../seeds/users_ascii.sql");

/// Left out where the schema is there already: a role may have the right to make tables in it, and
/// not to make a schema.
const CREATE_SCHEMA: &str = "CREATE SCHEMA pgchaos;";

/// Two generators that start together must not both make the schema. The key is "pgchaos" in
/// ASCII.
const LOCK: &str = "SELECT pg_advisory_xact_lock(31638874042232691)";

/// Asks the catalogue: `information_schema` hides what the role has no right to use.
const EXISTS: &str = "\
SELECT (SELECT count(*) FROM pg_catalog.pg_namespace WHERE nspname = 'pgchaos'),
       (SELECT count(*)
          FROM pg_catalog.pg_class c
          JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = 'pgchaos' AND c.relname IN ('users', 'user_events'))";

/// The relations of pgchaos's names, with their kinds as DROP calls them.
const DROPPED_AS: &str = "\
SELECT CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
                      WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'S' THEN 'SEQUENCE' WHEN 'c' THEN 'TYPE'
                      WHEN 'i' THEN 'INDEX' ELSE 'TABLE' END, c.relname::text
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'pgchaos' AND c.relname IN ('users', 'user_events')
 ORDER BY c.relname";

/// The sequence of the ids.
const IDS: &str = "\
SELECT n.nspname::text, c.relname::text, s.seqmax, s.seqincrement, s.seqcycle,
       CASE WHEN has_sequence_privilege(s.seqrelid, 'SELECT, USAGE')
            THEN pg_sequence_last_value(s.seqrelid) END
  FROM pg_catalog.pg_sequence s
  JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE s.seqrelid = pg_get_serial_sequence('pgchaos.user_events', 'id')::regclass";

/// Enough for events of different users, however large the table is. A name may be as long as the
/// server's memory: of each, one character more than is shown.
const SOME_USERS: &str = "\
SELECT id::int4, textsend(left(coalesce(name::text, ''), 101)) FROM pgchaos.users
 WHERE id IS NOT NULL
 ORDER BY users.id LIMIT 1000";

/// Which of the objects are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objects {
    /// All of them are there.
    Complete,
    /// Not even the schema.
    Missing,
    /// The schema, and none of them in it.
    Empty,
    /// Some are: the schema is not pgchaos's, or was changed.
    Partial,
}

/// What became of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// The schema is gone, with what pgchaos made in it.
    Everything,
    /// What pgchaos made in it is gone. The schema stays, as there are objects of others in it.
    Tables,
}

impl Session {
    /// Which of the objects are there.
    ///
    /// # Errors
    /// The driver's.
    pub async fn objects(&self) -> Result<Objects, Error> {
        self.in_transaction(self.objects_now()).await
    }

    async fn objects_now(&self) -> Result<Objects, Error> {
        let row = self.client.query_typed_one(EXISTS, &[]).await?;
        let (schema, tables): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        Ok(match (schema, tables) {
            (0, _) => Objects::Missing,
            (_, 0) => Objects::Empty,
            (_, 2) => Objects::Complete,
            _ => Objects::Partial,
        })
    }

    /// The tables that are there, without reading them.
    ///
    /// # Errors
    /// The driver's.
    pub async fn tables(&self) -> Result<Vec<Table>, Error> {
        self.in_transaction(tables::ask(&self.client)).await
    }

    /// Makes the objects that are missing, in one transaction. Returns whether it made them.
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
        each(&self.client, &BEGIN).await?;
        self.client.batch_execute(LOCK).await?;
        let missing = match self.objects_now().await? {
            Objects::Missing => {
                self.client.batch_execute(SCHEMA).await?;
                true
            }
            Objects::Empty => {
                self.client.batch_execute(&SCHEMA.replacen(CREATE_SCHEMA, "", 1)).await?;
                true
            }
            Objects::Complete | Objects::Partial => false,
        };
        if missing {
            self.add_users().await?;
        }
        self.client.batch_execute("COMMIT").await?;
        Ok(missing)
    }

    /// Adds users, with names that the database's encoding can hold.
    async fn add_users(&self) -> Result<(), Error> {
        self.client.batch_execute("SAVEPOINT names").await?;
        match self.client.batch_execute(USERS).await {
            Err(error) if error.code() == Some(&SqlState::UNTRANSLATABLE_CHARACTER) => {
                self.client.batch_execute("ROLLBACK TO SAVEPOINT names").await?;
                self.client.batch_execute(USERS_ASCII).await
            }
            added => added,
        }
    }

    /// The highest id that is there, and the sequence of the ids, where there is one.
    ///
    /// # Errors
    /// The driver's.
    pub async fn ids(&self) -> Result<(i64, Option<Ids>), Error> {
        self.in_transaction(async {
            let sequence = self.client.query_typed(IDS, &[]).await?;
            let ids = sequence.first().map(|row| {
                let (schema, name): (String, String) = (row.try_get(0)?, row.try_get(1)?);
                Ok::<_, Error>(Ids {
                    sequence: format!("{}.{}", identifier(&schema), identifier(&name)),
                    max: row.try_get(2)?,
                    step: row.try_get(3)?,
                    cycles: row.try_get(4)?,
                    last: row.try_get(5)?,
                })
            });
            let last_ids = self.client.query_typed(READ_LAST_IDS, &[]).await?;
            let highest = last_ids.first().map_or(Ok(0), |row| row.try_get(0))?;
            Ok((highest, ids.transpose()?))
        })
        .await
    }

    /// A setting of this session, and where it comes from.
    ///
    /// # Errors
    /// The driver's.
    pub async fn setting(&self, name: &str) -> Result<Option<Setting>, Error> {
        self.in_transaction(setting_origin::ask(&self.client, name)).await
    }

    /// The role that the session acts as: the one that `role` is set to, or the one that logged in.
    ///
    /// # Errors
    /// The driver's.
    pub async fn acting_role(&self) -> Result<String, Error> {
        self.client.query_typed_one("SELECT current_user::text", &[]).await?.try_get(0)
    }

    /// The users of the events: `(id, name)`, a thousand at most. A database without an encoding may
    /// hold names that are not UTF-8: the invalid bytes are replaced.
    ///
    /// # Errors
    /// The driver's.
    pub async fn users(&self) -> Result<Vec<(i32, String)>, Error> {
        let rows = self.in_transaction(self.client.query_typed(SOME_USERS, &[])).await?;
        let user = |row: &Row| {
            let name: &[u8] = row.try_get(1)?;
            Ok((row.try_get(0)?, foreign::name(&String::from_utf8_lossy(name))))
        };
        rows.iter().map(user).collect()
    }

    /// Removes some rows of one run, so that no statement runs for long. Returns how many; call until
    /// that is 0.
    ///
    /// # Errors
    /// The driver's.
    pub async fn remove_some_rows(&self, run_id: Uuid, at_most: i64) -> Result<u64, Error> {
        let parameters: Typed<2> = [(&run_id, Type::UUID), (&at_most, Type::INT8)];
        self.client
            .execute_typed(
                // Rows of two partitions may have the same ctid: the run is compared again.
                "DELETE FROM pgchaos.user_events WHERE run_id = $1 AND ctid = ANY (ARRAY(
                   SELECT ctid FROM pgchaos.user_events WHERE run_id = $1 LIMIT $2))",
                &parameters,
            )
            .await
    }

    /// Removes what has the names of pgchaos's objects, whatever it is, and the schema unless there are
    /// objects of others in it.
    ///
    /// # Errors
    /// The driver's; then nothing was removed.
    pub async fn drop_objects(&self) -> Result<Dropped, Error> {
        let dropped = self.drop_in_transaction().await;
        if dropped.is_err() && !self.client.is_closed() {
            let _ = self.client.batch_execute("ROLLBACK").await;
        }
        dropped
    }

    async fn drop_in_transaction(&self) -> Result<Dropped, Error> {
        each(&self.client, &BEGIN).await?;
        for row in self.client.query_typed(DROPPED_AS, &[]).await? {
            let (kind, name): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            self.client.batch_execute(&format!("DROP {kind} pgchaos.{name}")).await?;
        }
        self.client.batch_execute("SAVEPOINT tables").await?;
        let dropped = match self.client.batch_execute("DROP SCHEMA pgchaos").await {
            Err(error) if error.code() == Some(&SqlState::DEPENDENT_OBJECTS_STILL_EXIST) => {
                self.client.batch_execute("ROLLBACK TO SAVEPOINT tables").await?;
                Dropped::Tables
            }
            done => done.map(|()| Dropped::Everything)?,
        };
        self.client.batch_execute("COMMIT").await?;
        Ok(dropped)
    }
}
