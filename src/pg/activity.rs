//! Who still works for a run on this server, and who streams from it.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio_postgres::Error;

use super::session::Session;
use crate::model::event::Backend;

/// Whether one of these server processes is still there.
///
/// A process is known by its id and its start, as ids are reused. Where the start is hidden, the
/// id alone counts: a wait that is too long is better than a write that comes after the account.
const STILL_THERE: &str = "\
SELECT count(*) FROM pg_stat_activity a
  JOIN unnest($1::int[], $2::timestamptz[]) AS b(pid, backend_start) ON a.pid = b.pid
 WHERE coalesce(a.backend_start = b.backend_start, true)";

const REPLICAS: &str = "\
SELECT application_name, host(client_addr) FROM pg_stat_replication
 WHERE clock_timestamp() - backend_start >= make_interval(secs => $1)";

impl Session {
    /// How many of these server processes are still there.
    ///
    /// # Errors
    /// The driver's.
    pub async fn backends_still_there(&self, backends: &BTreeSet<Backend>) -> Result<i64, Error> {
        let pids: Vec<i32> = backends.iter().map(|backend| backend.pid).collect();
        let starts: Vec<_> = backends.iter().map(|backend| backend.start).collect();
        self.client.query_one(STILL_THERE, &[&pids, &starts]).await?.try_get(0)
    }

    /// Whether the server is in recovery now: a replica that was promoted keeps its sessions.
    ///
    /// # Errors
    /// The driver's.
    pub async fn in_recovery(&self) -> Result<bool, Error> {
        self.client.query_one("SELECT pg_is_in_recovery()", &[]).await?.try_get(0)
    }

    /// Names and addresses of the replicas that have streamed from this server for at least
    /// `streaming_for`, by its clock. Empty also when the role may not see them.
    ///
    /// # Errors
    /// The driver's.
    pub async fn replicas(&self, streaming_for: Duration) -> Result<BTreeSet<String>, Error> {
        let mut replicas = BTreeSet::new();
        for row in self.client.query(REPLICAS, &[&streaming_for.as_secs_f64()]).await? {
            replicas.extend(row.try_get::<_, Option<String>>(0)?);
            replicas.extend(row.try_get::<_, Option<String>>(1)?);
        }
        Ok(replicas)
    }
}
