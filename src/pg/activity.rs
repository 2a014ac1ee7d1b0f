//! The sessions of a run on a server, what they wait for, and the replicas that stream from it.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_postgres::types::Type;
use tokio_postgres::{Error, Row};

use crate::model::cluster::server::ServerProcess;
use crate::model::foreign;
use crate::model::outage::kind::Replicas;
use crate::model::outage::stall_cause::StallCause;
use crate::pg::sessions::session::{Session, Typed};

/// Which of these server processes are still there; those that are idle are ended.
///
/// Pids are reused, so a process is known by its pid and its start. Where the start is hidden, the pid
/// alone counts as being there: waiting too long is better than a write after the account. A session
/// is ended only where everything identifies it as the run's, by the same statement that sees it idle:
/// a session of others, or one at work, is never ended.
const END_IDLE: &str = "\
SELECT a.pid, a.state, a.wait_event,
       CASE WHEN a.backend_start = b.backend_start AND a.usename = session_user
                 AND a.state = 'idle' AND a.pid <> pg_backend_pid()
            THEN pg_terminate_backend(a.pid) ELSE false END
  FROM pg_stat_activity a
  JOIN unnest($1::int[], $2::timestamptz[]) AS b(pid, backend_start) ON a.pid = b.pid
 WHERE coalesce(a.backend_start = b.backend_start, true)";

/// What these server processes do. A process that is idle only for a moment may be between two writes.
const DOING: &str = "\
SELECT a.pid, a.state, a.wait_event_type, a.wait_event,
       coalesce(clock_timestamp() - a.state_change < make_interval(secs => $3), false)
  FROM pg_stat_activity a
  JOIN unnest($1::int[], $2::timestamptz[]) AS b(pid, backend_start) ON a.pid = b.pid
 WHERE coalesce(a.backend_start = b.backend_start, true)";

/// The session at the head of the queue in which a process waits for a lock: it blocks others and
/// waits for no lock itself. A prepared transaction has the pid 0 and no row.
const BLOCKER: &str = "\
WITH RECURSIVE queue(pid, depth) AS (
    SELECT unnest(pg_blocking_pids($1)), 1
    UNION
    SELECT unnest(pg_blocking_pids(queue.pid)), queue.depth + 1
      FROM queue WHERE queue.depth < 8 AND queue.pid <> 0)
SELECT queue.pid, coalesce(nullif(a.application_name, ''), a.usename::text) AS name, a.state
  FROM queue LEFT JOIN pg_stat_activity a ON a.pid = queue.pid
 WHERE a.wait_event_type IS DISTINCT FROM 'Lock'
 ORDER BY queue.depth DESC LIMIT 1";

/// A role without the right to see when a replica began to stream still sees its name, which counts
/// where no age is asked for.
const REPLICAS: &str = "\
SELECT application_name, host(client_addr) FROM pg_stat_replication
 WHERE coalesce(clock_timestamp() - backend_start >= make_interval(secs => $1), $1 = 0)";

/// The types of the parameters for processes.
const PIDS: Type = Type::INT4_ARRAY;
const STARTS: Type = Type::TIMESTAMPTZ_ARRAY;

/// Sessions of a run that are still on the server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftBehind {
    /// Idle ones, which were ended just now.
    pub ended: u64,
    /// The pids of those that could still commit.
    pub at_work: BTreeSet<i32>,
    /// The wait event of one of these: `SyncRep`, `transactionid`, …
    pub waits_for: Option<String>,
}

impl LeftBehind {
    /// Whether none is left.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.ended == 0 && self.at_work.is_empty()
    }
}

/// What one server process does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doing {
    /// The process.
    pub pid: i32,
    /// What it does; `None` where that is hidden.
    pub what: Option<StallCause>,
    /// Its state is younger than the moment that was given.
    pub just_now: bool,
}

/// The session that holds a lock for which others wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its process; 0 of a prepared transaction.
    pub pid: i32,
    /// Its `application_name`, else its role.
    pub name: Option<String>,
    /// Its state, in PostgreSQL's word.
    pub state: Option<String>,
}

impl Session {
    /// Which of these server processes are still there. Those that are idle are ended, and are
    /// gone when this is asked again.
    ///
    /// # Errors
    /// The driver's.
    pub async fn end_idle(&self, backends: &BTreeSet<ServerProcess>) -> Result<LeftBehind, Error> {
        let mut left = LeftBehind::default();
        let (pids, starts) = columns(backends.iter());
        for row in self.client.query_typed(END_IDLE, &[(&pids, PIDS), (&starts, STARTS)]).await? {
            let (state, wait): (Option<String>, Option<String>) =
                (row.try_get(1)?, row.try_get(2)?);
            if row.try_get(3)? {
                left.ended += 1;
            } else {
                left.at_work.insert(row.try_get(0)?);
                left.waits_for = left.waits_for.or(wait
                    .filter(|_| state.as_deref() == Some("active"))
                    .map(|wait| foreign::name(&wait)));
            }
        }
        Ok(left)
    }

    /// What those of these server processes do that are still there; [`Doing::just_now`] is relative to
    /// `moment`.
    ///
    /// # Errors
    /// The driver's.
    pub async fn doing(
        &self,
        backends: &[ServerProcess],
        moment: Duration,
    ) -> Result<Vec<Doing>, Error> {
        let (pids, starts) = columns(backends.iter());
        let moment = moment.as_secs_f64();
        let parameters: Typed<3> = [(&pids, PIDS), (&starts, STARTS), (&moment, Type::FLOAT8)];
        let rows = self.client.query_typed(DOING, &parameters).await?;
        rows.iter().map(doing).collect()
    }

    /// The session at the head of the queue in which this server process waits for a lock; `None` when
    /// it does not wait any more.
    ///
    /// # Errors
    /// The driver's.
    pub async fn blocker(&self, pid: i32) -> Result<Option<Holder>, Error> {
        let rows = self.client.query_typed(BLOCKER, &[(&pid, Type::INT4)]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let text = |place| row.try_get::<_, Option<&str>>(place);
        let (pid, name, state) = (row.try_get(0)?, text(1)?, text(2)?);
        let (name, state) = (name.map(foreign::name), state.map(foreign::name));
        Ok(Some(Holder { pid, name, state }))
    }

    /// Whether the server is in recovery now: a replica that was promoted keeps its sessions.
    ///
    /// # Errors
    /// The driver's.
    pub async fn in_recovery(&self) -> Result<bool, Error> {
        self.client.query_typed_one("SELECT pg_is_in_recovery()", &[]).await?.try_get(0)
    }

    /// Names and addresses of the replicas that have streamed from this server for at least
    /// `streaming_for`, by its clock. Empty also when the role may not see them.
    ///
    /// # Errors
    /// The driver's.
    pub async fn replicas(&self, streaming_for: Duration) -> Result<Replicas, Error> {
        let mut replicas = Replicas::default();
        let streaming_for = streaming_for.as_secs_f64();
        for row in self.client.query_typed(REPLICAS, &[(&streaming_for, Type::FLOAT8)]).await? {
            let text = |place| row.try_get::<_, Option<&str>>(place);
            replicas.names.extend(text(0)?.map(foreign::name));
            replicas.addresses.extend(text(1)?.map(foreign::name));
        }
        Ok(replicas)
    }
}

/// Pids and starts, as an array each.
fn columns<'a>(
    backends: impl Iterator<Item = &'a ServerProcess>,
) -> (Vec<i32>, Vec<Option<DateTime<Utc>>>) {
    backends.map(|backend| (backend.pid, backend.start)).unzip()
}

fn doing(row: &Row) -> Result<Doing, Error> {
    let column = |place| Ok(row.try_get::<_, Option<&str>>(place)?.map(foreign::name));
    let (state, kind, event) = (column(1)?, column(2)?, column(3)?);
    let what = StallCause::of(state.as_deref(), Option::zip(kind.as_deref(), event.as_deref()));
    Ok(Doing { pid: row.try_get(0)?, what, just_now: row.try_get(4)? })
}
