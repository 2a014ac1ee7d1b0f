//! A server's identity, asked over a session.

use chrono::{DateTime, Utc};
use tokio::time::Instant;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error, Row};

use super::statements::each;
use crate::model::cluster::server::ServerProcess;
use crate::model::cluster::server::{Database, LimitOf, Server, SessionLimit};
use crate::model::foreign;

/// The server that answers on a session.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The server.
    pub server: Server,
    /// Its process for the session.
    pub backend: ServerProcess,
    /// Its clock, if it was told.
    pub clock: Option<ClockReading>,
}

/// A reading of a server's clock, taken between a question and its answer.
#[derive(Debug, Clone, Copy)]
pub struct ClockReading {
    /// The server's time.
    pub server: DateTime<Utc>,
    /// When it was asked.
    pub asked: Instant,
    /// When the answer was there.
    pub answered: Instant,
}

/// Everything at once. A role may be set to hide warnings; the statement turns them on, as one tells
/// that a commit did not wait for its standby. The timeline that a primary writes is in the name of its
/// current WAL file: `pg_control_checkpoint()` lags after a promotion until the next checkpoint.
/// `pg_stat_activity` is read once for both starts. The limits of role and database do not hold for a
/// superuser, and the server's reserved places are for superusers; since PostgreSQL 16 some of them are also for
/// the members of a role.
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
       current_database()::text AS database,
       (SELECT oid FROM pg_database WHERE datname = current_database()) AS database_oid,
       nullif(current_setting('pgchaos.member', true), '') AS member,
       pg_backend_pid() AS pid,
       a.backend_start, a.checkpointer_start,
       r.rolname::text AS role, r.role_limit, d.database_limit,
       current_setting('max_connections')::int
           - CASE WHEN r.rolsuper THEN 0
                  ELSE current_setting('superuser_reserved_connections')::int
                       + CASE WHEN EXISTS (SELECT FROM pg_roles
                                             WHERE rolname = 'pg_use_reserved_connections'
                                               AND pg_has_role(session_user, oid, 'USAGE')) THEN 0
                              ELSE coalesce(current_setting('reserved_connections', true)::int, 0)
                         END
             END AS server_limit,
       CASE WHEN current_setting('client_min_messages') = 'error'
            THEN set_config('client_min_messages', 'warning', false) END,
       current_setting('server_version_num')::int AS version,
       clock_timestamp() AS now
  FROM (SELECT max(backend_start) FILTER (WHERE pid = pg_backend_pid()) AS backend_start,
               max(backend_start) FILTER (WHERE backend_type = 'checkpointer')
                   AS checkpointer_start
          FROM pg_stat_activity) a
  LEFT JOIN (SELECT rolname, rolsuper,
                    CASE WHEN rolconnlimit >= 0 AND NOT rolsuper THEN rolconnlimit END AS role_limit
               FROM pg_roles WHERE rolname = session_user) r ON true
  LEFT JOIN (SELECT CASE WHEN datconnlimit >= 0 THEN datconnlimit END AS database_limit
               FROM pg_database WHERE datname = current_database()) d ON NOT r.rolsuper";

/// For servers that hide their control file or their WAL, as some managed services do.
const BASIC: &str = "\
SELECT pg_is_in_recovery() AS in_recovery,
       current_setting('transaction_read_only') = 'on' AS read_only,
       host(inet_server_addr()) AS address,
       inet_server_port() AS port,
       pg_postmaster_start_time() AS postmaster_start,
       NULL::int AS timeline,
       NULL::text AS system_identifier,
       current_database()::text AS database,
       (SELECT oid FROM pg_database WHERE datname = current_database()) AS database_oid,
       nullif(current_setting('pgchaos.member', true), '') AS member,
       pg_backend_pid() AS pid,
       (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()) AS backend_start,
       NULL::timestamptz AS checkpointer_start,
       NULL::text AS role, NULL::int AS role_limit, NULL::int AS database_limit,
       NULL::int AS server_limit,
       CASE WHEN current_setting('client_min_messages') = 'error'
            THEN set_config('client_min_messages', 'warning', false) END,
       current_setting('server_version_num')::int AS version,
       clock_timestamp() AS now";

/// Asks for the identity of the server on this session, and reads its clock.
///
/// # Errors
/// The driver's, when the session fails or the server answers with an error to both questions.
pub async fn ask(client: &Client) -> Result<Identity, Error> {
    let mut asked = Instant::now();
    let row = match client.query_typed(FULL, &[]).await {
        Ok(rows) => rows.into_iter().next(),
        // A timeout that is set for the role or the database is meant for the load: try without it.
        Err(error) if error.code() == Some(&SqlState::QUERY_CANCELED) && !client.is_closed() => {
            asked = Instant::now();
            without_limit(client).await?
        }
        // A server that refuses the question can still be used; a session that ended cannot.
        Err(error) if error.as_db_error().is_some() && !client.is_closed() => {
            asked = Instant::now();
            client.query_typed(BASIC, &[]).await?.into_iter().next()
        }
        Err(error) => return Err(error),
    };
    let answered = Instant::now();
    match row {
        Some(row) => read(&row, asked, answered),
        // A SELECT without FROM has one row on any PostgreSQL; something else is answering.
        None => Ok(Identity {
            server: Server { read_only: true, ..Server::default() },
            backend: ServerProcess::default(),
            clock: None,
        }),
    }
}

async fn without_limit(client: &Client) -> Result<Option<Row>, Error> {
    let unlimited = ["BEGIN", "SET LOCAL statement_timeout = 0"];
    each(client, &unlimited).await?;
    let rows = match client.query_typed(FULL, &[]).await {
        Err(error) if error.as_db_error().is_some() && !client.is_closed() => {
            client.batch_execute("ROLLBACK").await?;
            each(client, &unlimited).await?;
            client.query_typed(BASIC, &[]).await?
        }
        rows => rows?,
    };
    client.batch_execute("COMMIT").await?;
    Ok(rows.into_iter().next())
}

/// A name in the answer, shortened and made printable: for people and comparisons, not for SQL.
fn name(row: &Row, column: &str) -> Result<Option<String>, Error> {
    Ok(row.try_get::<_, Option<&str>>(column)?.map(foreign::name))
}

fn read(row: &Row, asked: Instant, answered: Instant) -> Result<Identity, Error> {
    let in_recovery: bool = row.try_get("in_recovery")?;
    let read_only: bool = row.try_get("read_only")?;
    let port: Option<i32> = row.try_get("port")?;
    let timeline: Option<i32> = row.try_get("timeline")?;
    let version: Option<i32> = row.try_get("version")?;
    let (database, oid) = (name(row, "database")?, row.try_get("database_oid")?);
    let session_limit = lowest_limit(row, database.clone())?;
    let start: Option<DateTime<Utc>> = row.try_get("backend_start")?;
    let server = Server {
        member: name(row, "member")?,
        address: name(row, "address")?,
        port: port.and_then(|port| u16::try_from(port).ok()),
        timeline: timeline.and_then(|timeline| u32::try_from(timeline).ok()),
        system_identifier: name(row, "system_identifier")?,
        database: Option::zip(database, oid).map(|(name, oid)| Database { name, oid }),
        postmaster_start: row.try_get("postmaster_start")?,
        checkpointer_start: row.try_get("checkpointer_start")?,
        session_limit,
        version: version.and_then(|version| u32::try_from(version).ok()),
        in_recovery,
        // In recovery every transaction is read-only; that is its own fact.
        read_only: read_only && !in_recovery,
    };
    let backend = ServerProcess { pid: row.try_get("pid")?, start, pooled: false };
    let clock = Some(ClockReading { server: row.try_get("now")?, asked, answered });
    Ok(Identity { server, backend, clock })
}

fn lowest_limit(row: &Row, database: Option<String>) -> Result<Option<SessionLimit>, Error> {
    let role = name(row, "role")?;
    let limits: [(Option<LimitOf>, Option<i32>); 3] = [
        (role.map(LimitOf::Role), row.try_get("role_limit")?),
        (database.map(LimitOf::Database), row.try_get("database_limit")?),
        (Some(LimitOf::Server), row.try_get("server_limit")?),
    ];
    let known = limits.into_iter().filter_map(|(of, max)| {
        Some(SessionLimit { of: of?, max: max.and_then(|max| u32::try_from(max).ok())? })
    });
    Ok(known.min_by_key(|limit| limit.max))
}
