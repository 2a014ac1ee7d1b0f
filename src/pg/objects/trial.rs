//! A trial of the load's write and read, before the load: what becomes of a row.

use tokio_postgres::{Error, SimpleQueryMessage, SimpleQueryRow};

use crate::pg::sessions::session::Session;
use crate::pg::user_events::{EVENT_TYPES, READ_LAST_IDS};

/// The load's write, to be rolled back: whether the role may do it, and whether it returns its row.
/// With an id of its own it takes none from the sequence: the first event of a new table still has
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

/// The rows that the verification would find for a trial write.
const TRIAL_LOOK: &str = "\
SELECT id FROM pgchaos.user_events
 WHERE run_id = '00000000-0000-0000-0000-000000000000' AND writer = 1 AND seq = 1";

/// What became of a row that was written on trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tried {
    /// It was there.
    Kept,
    /// The write returned no row.
    NoRow,
    /// The row that the write returned was not there, not the only one, or another one: a trigger or a
    /// rule moved it.
    Elsewhere,
}

impl Session {
    /// Tries the load's write and read, and rolls them back. Returns what became of the row.
    ///
    /// One row proves nothing about others, so each kind of event is tried. In the load, the answer to a
    /// write tells a refusal and a missing row; nothing tells that a returned row is not there.
    /// `gives_ids` is whether a default gives the ids: the role needs a right to it.
    ///
    /// # Errors
    /// The driver's, such as the permission that is missing, where no kind of event can be written.
    pub async fn try_load(&self, gives_ids: bool) -> Result<Tried, Error> {
        self.in_transaction(self.try_rows(gives_ids)).await
    }

    async fn try_rows(&self, gives_ids: bool) -> Result<Tried, Error> {
        let mut best: Option<Result<Tried, Error>> = None;
        for event_type in EVENT_TYPES {
            // The first write tells whether the role may take an id; the others take none.
            let own_id = !gives_ids || matches!(best, Some(Ok(Tried::Kept)));
            let mut tried = self.try_row(event_type, own_id).await;
            // A table that refuses a given id may give one.
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

    /// Tries one write, in one round trip. Constraints and triggers that are deferred to the commit act
    /// at once.
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
}

fn rows(answer: Vec<SimpleQueryMessage>) -> Vec<SimpleQueryRow> {
    let row = |message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    };
    answer.into_iter().filter_map(row).collect()
}

/// Whether the row may be the cause, so that another row could fare differently.
fn is_of_the_row(tried: &Result<Tried, Error>) -> bool {
    match tried {
        Ok(_) => true,
        Err(error) => error.code().is_some_and(|code| {
            ["22", "23", "42", "44", "P0"].iter().any(|class| code.code().starts_with(class))
        }),
    }
}
