//! A look at one member at its own address, a few times a second: its role, timeline, start and how far its write-ahead
//! log is. It costs the server one short query.

use chrono::{DateTime, Utc};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Error, Row};

use crate::model::cluster::server::Server;
use crate::pg::sessions::session::Session;

/// A replica that receives is on the timeline that it receives, which is hidden from a role that is no member of
/// `pg_read_all_stats`. The control file has that of its last restartpoint: all that there is of one that receives none.
/// `transaction_read_only` is what `default_transaction_read_only` was when this statement began.
const FULL: &str = "\
SELECT pg_is_in_recovery() AS in_recovery,
       current_setting('transaction_read_only') = 'on' AS read_only,
       pg_postmaster_start_time() AS postmaster_start,
       CASE WHEN pg_is_in_recovery()
            THEN (SELECT CASE WHEN receiver.pid IS NULL THEN timeline_id ELSE received_tli END
                    FROM pg_control_checkpoint() LEFT JOIN pg_stat_wal_receiver receiver ON true)
            ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int
       END AS timeline,
       pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
                            ELSE pg_current_wal_lsn() END, '0/0')::bigint AS lsn";

/// For servers that hide their control file or their WAL.
const BASIC: &str = "\
SELECT pg_is_in_recovery() AS in_recovery,
       current_setting('transaction_read_only') = 'on' AS read_only,
       pg_postmaster_start_time() AS postmaster_start,
       NULL::int AS timeline, NULL::bigint AS lsn";

/// How much a member lets this role look at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LookDepth {
    /// All of it, as far as it is known.
    #[default]
    Full,
    /// Neither timeline nor position.
    Basic,
}

/// What a look finds.
#[derive(Debug, Clone)]
pub struct MemberLook {
    /// The server of the session, as it is now.
    pub server: Server,
    /// How far its write-ahead log is: replayed by a replica, else written.
    pub lsn: Option<u64>,
}

/// Whether a server answers so to what it will never let this role look at: no right to, a managed server without it,
/// not in this state, no such function.
fn hides(code: &SqlState) -> bool {
    [
        SqlState::INSUFFICIENT_PRIVILEGE,
        SqlState::FEATURE_NOT_SUPPORTED,
        SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
        SqlState::UNDEFINED_FUNCTION,
    ]
    .contains(code)
}

impl Session {
    /// Looks at the server of this session again. One that hides something is asked for the rest, from then on; one
    /// that fails for another reason, such as a want of memory, for this once.
    ///
    /// # Errors
    /// The driver's.
    pub async fn look_again(&self, depth: &mut LookDepth) -> Result<MemberLook, Error> {
        if *depth == LookDepth::Full {
            match self.client.query_typed_one(FULL, &[]).await {
                Err(error) if error.as_db_error().is_some() && !self.client.is_closed() => {
                    if error.code().is_some_and(hides) {
                        *depth = LookDepth::Basic;
                    }
                }
                row => return self.read_look(&row?),
            }
        }
        self.read_look(&self.client.query_typed_one(BASIC, &[]).await?)
    }

    fn read_look(&self, row: &Row) -> Result<MemberLook, Error> {
        let (in_recovery, read_only): (bool, bool) =
            (row.try_get("in_recovery")?, row.try_get("read_only")?);
        let start: DateTime<Utc> = row.try_get("postmaster_start")?;
        let timeline: Option<i32> = row.try_get("timeline")?;
        let lsn: Option<i64> = row.try_get("lsn")?;
        let server = Server {
            in_recovery,
            // In recovery every transaction is read-only; that is its own fact.
            read_only: read_only && !in_recovery,
            postmaster_start: Some(start),
            timeline: timeline.and_then(|timeline| u32::try_from(timeline).ok()),
            ..self.server.clone()
        };
        Ok(MemberLook { server, lsn: lsn.and_then(|lsn| u64::try_from(lsn).ok()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_that_fails_for_a_while_hides_nothing() {
        for code in ["42501", "0A000", "55000", "42883"] {
            assert!(hides(&SqlState::from_code(code)), "{code}");
        }
        for code in ["57014", "53200", "57P01", "XX000", "40001"] {
            assert!(!hides(&SqlState::from_code(code)), "{code}");
        }
    }
}
