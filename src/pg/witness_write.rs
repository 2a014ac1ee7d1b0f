//! A witness's write: a row in a run of its own, to a member that is no replica.

use tokio_postgres::Error;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::model::cluster::server::ServerProcess;
use crate::pg::sessions::session::{Session, Typed};

/// Its event, which is one of no user.
const EVENT_TYPE: &str = "witness";
const NO_USER: i32 = 0;

const INSERT: &str = "\
INSERT INTO pgchaos.user_events (run_id, writer, seq, user_id, event_type)
VALUES ($1, $2, $3, $4, $5) RETURNING id::bigint";

/// A hidden start counts as the same: not to write is better than many writes that hang.
const IS_THERE: &str = "\
SELECT EXISTS (SELECT FROM pg_stat_activity
                WHERE pid = $1 AND coalesce(backend_start = $2, true))";

/// Its token: run, member, seq.
#[derive(Debug, Clone, Copy)]
pub struct WitnessToken {
    /// The run of the witnesses.
    pub run_id: Uuid,
    /// The member's number.
    pub writer: i32,
    /// Ascending.
    pub seq: i64,
}

impl Session {
    /// Whether this server process is still there.
    ///
    /// # Errors
    /// The driver's.
    pub async fn is_there(&self, process: &ServerProcess) -> Result<bool, Error> {
        let parameters: Typed<2> =
            [(&process.pid, Type::INT4), (&process.start, Type::TIMESTAMPTZ)];
        self.client.query_typed_one(IS_THERE, &parameters).await?.try_get(0)
    }

    /// Writes a row, as the session commits: returns once it is committed. Whether it was: exactly one row, with its
    /// id.
    ///
    /// # Errors
    /// The driver's.
    pub async fn write_as_witness(&self, token: WitnessToken) -> Result<bool, Error> {
        let parameters: Typed<5> = [
            (&token.run_id, Type::UUID),
            (&token.writer, Type::INT4),
            (&token.seq, Type::INT8),
            (&NO_USER, Type::INT4),
            (&EVENT_TYPE, Type::TEXT),
        ];
        Ok(self.client.query_typed(INSERT, &parameters).await?.len() == 1)
    }
}
