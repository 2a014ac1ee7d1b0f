//! Asking a server who it is.

use chrono::{DateTime, Utc};
use tokio_postgres::{Client, Error, Row};

use crate::model::event::Backend;
use crate::model::server::Server;

/// A role may be set to hide warnings, but one of them says that a commit did not wait for its
/// standby, so it is asked for. The timeline that a primary writes is in the name of its current WAL file:
/// `pg_control_checkpoint()` lags after a promotion until the next checkpoint.
const FULL: &str = "\
SELECT pg_is_in_recovery() AS in_recovery,
       current_setting('transaction_read_only') = 'on' AS read_only,
       host(inet_server_addr()) AS address,
       inet_server_port() AS port,
       pg_postmaster_start_time() AS postmaster_start,
       CASE WHEN pg_is_in_recovery()
            THEN coalesce((SELECT received_tli FROM pg_stat_wal_receiver),
                          (SELECT timeline_id FROM pg_control_checkpoint()))
            ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int
       END AS timeline,
       (SELECT system_identifier::text FROM pg_control_system()) AS system_identifier,
       nullif(current_setting('pgchaos.member', true), '') AS member,
       pg_backend_pid() AS pid,
       (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()) AS backend_start,
       CASE WHEN current_setting('client_min_messages') = 'error'
            THEN set_config('client_min_messages', 'warning', false) END";

/// For servers that hide their control file or their WAL, as some managed services do.
const BASIC: &str = "\
SELECT pg_is_in_recovery() AS in_recovery,
       current_setting('transaction_read_only') = 'on' AS read_only,
       host(inet_server_addr()) AS address,
       inet_server_port() AS port,
       pg_postmaster_start_time() AS postmaster_start,
       NULL::int AS timeline,
       NULL::text AS system_identifier,
       nullif(current_setting('pgchaos.member', true), '') AS member,
       pg_backend_pid() AS pid,
       (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()) AS backend_start,
       CASE WHEN current_setting('client_min_messages') = 'error'
            THEN set_config('client_min_messages', 'warning', false) END";

/// Who answers on this session.
///
/// # Errors
/// The driver's, when the session fails or the server answers with an error to both questions.
pub async fn ask(client: &Client) -> Result<(Server, Backend), Error> {
    let row = match client.query_typed(FULL, &[]).await {
        Ok(rows) => rows.into_iter().next(),
        // A server that refuses the question stays usable; a session that ended does not.
        Err(error) if error.as_db_error().is_some() && !client.is_closed() => {
            client.query_typed(BASIC, &[]).await?.into_iter().next()
        }
        Err(error) => return Err(error),
    };
    match row {
        Some(row) => read(&row),
        // A SELECT without FROM has one row on any PostgreSQL; something else is answering.
        None => {
            Ok((Server { read_only: true, ..Server::default() }, Backend { pid: 0, start: None }))
        }
    }
}

fn read(row: &Row) -> Result<(Server, Backend), Error> {
    let in_recovery: bool = row.try_get("in_recovery")?;
    let read_only: bool = row.try_get("read_only")?;
    let port: Option<i32> = row.try_get("port")?;
    let timeline: Option<i32> = row.try_get("timeline")?;
    let start: Option<DateTime<Utc>> = row.try_get("backend_start")?;
    let server = Server {
        member: row.try_get("member")?,
        address: row.try_get("address")?,
        port: port.and_then(|port| u16::try_from(port).ok()),
        timeline: timeline.and_then(|timeline| u32::try_from(timeline).ok()),
        system_identifier: row.try_get("system_identifier")?,
        postmaster_start: row.try_get("postmaster_start")?,
        in_recovery,
        // In recovery every transaction is read-only; that is its own fact.
        read_only: read_only && !in_recovery,
    };
    Ok((server, Backend { pid: row.try_get("pid")?, start }))
}
