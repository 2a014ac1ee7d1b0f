//! The database objects: schema `pgchaos` with its users and their events, from `seeds/`.

use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Error, Row, SimpleQueryMessage, SimpleQueryRow};
use uuid::Uuid;

use super::identifier::identifier;
use super::setting_origin::{self, Setting};
use super::tables::{self, Ids, Table};
use crate::model::foreign;
use crate::pg::sessions::session::{Session, Typed};
use crate::pg::sessions::statements::each;
use crate::pg::user_events::{EVENT_TYPES, READ_LAST_IDS};

const SCHEMA: &str = include_str!("../../../seeds/schema.sql");
const USERS: &str = include_str!("../../../seeds/users.sql");
const USERS_ASCII: &str = include_str!("../../../seeds/users_ascii.sql");

/// In the schema's file, for where the schema is there already: a role may be allowed to make
/// tables in it, and no schema.
const CREATE_SCHEMA: &str = "CREATE SCHEMA pgchaos;";

/// Two generators that start together must not both make the schema. The key is "pgchaos" in
/// ASCII.
const LOCK: &str = "SELECT pg_advisory_xact_lock(31638874042232691)";

/// A transaction that sees what others committed before each statement. Limits that the server has
/// for its sessions are meant for the load, and not for what is done before it; what the client has
/// given up ends there too, later than any of its deadlines.
const BEGIN: [&str; 5] = [
    "BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SET LOCAL statement_timeout = 60000",
    "SET LOCAL lock_timeout = 0",
    "SET LOCAL idle_in_transaction_session_timeout = 0",
    "SELECT set_config(name, '0', true) FROM pg_catalog.pg_settings \
     WHERE name = 'transaction_timeout'",
];

/// Looks into the catalogue, as a role that may only write cannot see what it may not use.
const EXISTS: &str = "\
SELECT (SELECT count(*) FROM pg_catalog.pg_namespace WHERE nspname = 'pgchaos'),
       (SELECT count(*)
          FROM pg_catalog.pg_class c
          JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = 'pgchaos' AND c.relname IN ('users', 'user_events'))";

/// What the kinds of relations are called to drop one.
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

/// The load's write, to be rolled back: whether this role may do it, and whether it reports its
/// row. With an id of its own it uses none up, so that the first event of a new table still has
/// id 1.
fn trial_write(event_type: &str, own_id: bool) -> String {
    let (column, overriding, id) =
        if own_id { ("id, ", "OVERRIDING SYSTEM VALUE ", "-1, ") } else { ("", "", "") };
    format!(
        "INSERT INTO pgchaos.user_events ({column}run_id, writer, seq, user_id, event_type) \
         {overriding}VALUES ({id}'00000000-0000-0000-0000-000000000000', 1, 1, 1, '{event_type}') \
         RETURNING id"
    )
}

/// The row of a trial write, and any other, where the verification would look for it.
const TRIAL_LOOK: &str = "\
SELECT id FROM pgchaos.user_events
 WHERE run_id = '00000000-0000-0000-0000-000000000000' AND writer = 1 AND seq = 1";

/// Enough for events of different users, however large the table is; and of a name, which may be
/// as long as the server's memory, more than is shown.
const SOME_USERS: &str = "\
SELECT id::int4, textsend(left(coalesce(name::text, ''), 101)) FROM pgchaos.users
 WHERE id IS NOT NULL
 ORDER BY users.id LIMIT 1000";

/// What was found of the objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objects {
    /// All of them are there.
    Complete,
    /// Not even the schema.
    Missing,
    /// The schema, and none of them in it.
    Empty,
    /// Some are: somebody else's schema, or one that was tampered with.
    Partial,
}

/// What became of a row that was written on trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tried {
    /// It was there.
    Kept,
    /// The write reported no row.
    NoRow,
    /// It was reported and not there, or not alone, or was another one: a trigger or a rule has it
    /// elsewhere.
    Elsewhere,
}

/// What became of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// It is gone, with what pgchaos made in it.
    Everything,
    /// What pgchaos made in it is gone; it stays, as others have something in it.
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

    /// With names that the database's encoding can hold.
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

    /// Tries the load's write and read, and rolls them back: what becomes of the row that the write
    /// makes.
    ///
    /// One row says nothing of others, so each kind of event is tried. That one is refused, or no
    /// row is reported, is told by the answer to each write; a row that is reported and is not
    /// there is told by nothing. `gives_ids` are those that no identity gives: the role must be
    /// allowed to have one.
    ///
    /// # Errors
    /// The driver's, such as the permission that is missing, where no kind of event can be written.
    pub async fn try_load(&self, gives_ids: bool) -> Result<Tried, Error> {
        self.in_transaction(self.try_rows(gives_ids)).await
    }

    async fn try_rows(&self, gives_ids: bool) -> Result<Tried, Error> {
        let mut best: Option<Result<Tried, Error>> = None;
        for event_type in EVENT_TYPES {
            // The first one tells whether the role may have an id; they are not used up for more.
            let own_id = !gives_ids || matches!(best, Some(Ok(Tried::Kept)));
            let mut tried = self.try_row(event_type, own_id).await;
            // What does not take an id from outside may take its own.
            if own_id && !matches!(tried, Ok(Tried::Kept)) && is_of_the_row(&tried) {
                tried = self.try_row(event_type, false).await;
            }
            let kept = matches!(tried, Ok(Tried::Kept));
            let elsewhere = matches!(tried, Ok(Tried::Elsewhere));
            let is_last = elsewhere || !is_of_the_row(&tried);
            if is_last || kept || best.is_none() {
                best = Some(tried);
            }
            if is_last {
                break;
            }
        }
        let tried = best.unwrap_or(Ok(Tried::NoRow))?;
        self.client.batch_execute(READ_LAST_IDS).await?;
        Ok(tried)
    }

    /// All in one round trip. What a constraint or a trigger would do at the end of the transaction
    /// is done at once.
    async fn try_row(&self, event_type: &str, own_id: bool) -> Result<Tried, Error> {
        let write = trial_write(event_type, own_id);
        let (begun, written, constraints, there, undone) = tokio::join!(
            self.client.batch_execute("SAVEPOINT trial"),
            self.client.simple_query(&write),
            self.client.batch_execute("SET CONSTRAINTS ALL IMMEDIATE"),
            self.client.simple_query(TRIAL_LOOK),
            self.client.batch_execute("ROLLBACK TO SAVEPOINT trial"),
        );
        begun?;
        let written = rows(written?);
        constraints?;
        let there = rows(there?);
        undone?;
        let [row] = written.as_slice() else { return Ok(Tried::NoRow) };
        let id = row.try_get(0)?;
        let ids: Vec<Option<&str>> = there.iter().map(|row| row.get(0)).collect();
        Ok(if id.is_some() && ids == [id] { Tried::Kept } else { Tried::Elsewhere })
    }

    /// In a transaction that is rolled back.
    async fn in_transaction<T>(
        &self,
        statements: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        each(&self.client, &BEGIN).await?;
        let done = statements.await;
        if !self.client.is_closed() {
            let ended = self.client.batch_execute("ROLLBACK").await;
            // The first error is what matters.
            return done.and_then(|done| ended.map(|()| done));
        }
        done
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

    /// The role whose rights hold: another one than logged in where `role` is set for that one.
    ///
    /// # Errors
    /// The driver's.
    pub async fn acting_role(&self) -> Result<String, Error> {
        self.client.query_typed_one("SELECT current_user::text", &[]).await?.try_get(0)
    }

    /// The users whose events are written: `(id, name)`, a thousand at most. A name that is no
    /// UTF-8, as a database without an encoding may hold it, is shown as far as it is.
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

    /// Removes the rows of one run, a batch at a time so that no statement runs for long, and
    /// says how many they were. Call until it says 0.
    ///
    /// # Errors
    /// The driver's.
    pub async fn remove_some_rows(&self, run_id: Uuid, at_most: i64) -> Result<u64, Error> {
        let parameters: Typed<2> = [(&run_id, Type::UUID), (&at_most, Type::INT8)];
        self.client
            .execute_typed(
                // Partitions have a ctid each of the same name.
                "DELETE FROM pgchaos.user_events WHERE run_id = $1 AND ctid = ANY (ARRAY(
                   SELECT ctid FROM pgchaos.user_events WHERE run_id = $1 LIMIT $2))",
                &parameters,
            )
            .await
    }

    /// Removes what pgchaos made in the schema, whatever stands under its names, and the schema
    /// unless others have something in it.
    ///
    /// # Errors
    /// The driver's, then nothing was removed.
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

fn rows(answer: Vec<SimpleQueryMessage>) -> Vec<SimpleQueryRow> {
    let row = |message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    };
    answer.into_iter().filter_map(row).collect()
}

/// Whether this came of the row that was tried, or may have.
fn is_of_the_row(tried: &Result<Tried, Error>) -> bool {
    match tried {
        Ok(_) => true,
        Err(error) => error.code().is_some_and(|code| {
            ["22", "23", "42", "44", "P0"].iter().any(|class| code.code().starts_with(class))
        }),
    }
}
