//! Which writes of a run are there: sets compared in the server, never rows loaded.
//!
//! The server walks the token's index once and answers only where the sequence breaks, so the
//! answer is as long as the exceptions are many. `lag()` over the index is the fastest exact form
//! that was measured.

use std::collections::BTreeMap;
use std::pin::pin;

use futures_util::TryStreamExt;
use tokio_postgres::Error;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::session::Session;
use crate::model::account::Presence;
use crate::model::seq_set::SeqSet;

/// Every place where a writer's sequence does not go on by one: its first row, a gap, a row that
/// is there again. Both neighbours close and open an island; `highest` closes the last one.
pub const BREAKS: &str = "\
SELECT writer, before, seq FROM (
  SELECT writer, seq, lag(seq) OVER (PARTITION BY writer ORDER BY seq) AS before
    FROM pgchaos.user_events
   WHERE run_id = $1 AND writer BETWEEN $2 AND $3) AS walked
 WHERE before IS NULL OR seq <> before + 1
 ORDER BY writer, seq";

/// One moment for all questions. The deadline is the client's own, and rows that a policy would
/// hide must be an error, as hidden rows would look lost. A table that was just filled has no
/// statistics yet: without these settings the planner takes a bitmap and a sort for it, which
/// needs the disk and twice the time.
pub const BEGIN: &str = "\
BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;
SET LOCAL statement_timeout = 0;
SET LOCAL row_security = off;
SET LOCAL enable_seqscan = off;
SET LOCAL enable_bitmapscan = off";

const HIGHEST: &str = "\
SELECT w.writer, (SELECT max(e.seq) FROM pgchaos.user_events e
                   WHERE e.run_id = $1 AND e.writer = w.writer)
  FROM unnest($2::int[]) AS w(writer)";

/// Islands of some writers' recent writes only.
const WINDOWS: &str = "\
SELECT writer, min(seq), max(seq) FROM (
  SELECT writer, seq, seq - dense_rank() OVER (PARTITION BY writer ORDER BY seq) AS island
    FROM (SELECT DISTINCT e.writer, e.seq
            FROM unnest($2::int[], $3::bigint[], $4::bigint[]) AS w(writer, first, last)
            JOIN pgchaos.user_events e
              ON e.run_id = $1 AND e.writer = w.writer AND e.seq BETWEEN w.first AND w.last
         ) AS there) AS numbered
 GROUP BY writer, island";

impl Session {
    /// Everything that is there of a run and of these writers, as of one moment.
    ///
    /// Opens a transaction so that both questions see the same rows.
    ///
    /// # Errors
    /// The driver's.
    pub async fn presence(&self, run_id: Uuid, own_writers: (i32, i32)) -> Result<Presence, Error> {
        self.client.batch_execute(BEGIN).await?;
        let presence = self.presence_in_transaction(run_id, own_writers).await;
        self.client.batch_execute("ROLLBACK").await?;
        presence
    }

    async fn presence_in_transaction(
        &self,
        run_id: Uuid,
        (first, last): (i32, i32),
    ) -> Result<Presence, Error> {
        let mut islands = Islands::default();
        let parameters: [&(dyn ToSql + Sync); 3] = [&run_id, &first, &last];
        let mut rows = pin!(self.client.query_raw(BREAKS, parameters).await?);
        while let Some(row) = rows.try_next().await? {
            islands.add_break(row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        }
        let writers: Vec<i32> = islands.open.keys().copied().collect();
        for (writer, highest) in self.highest_seqs(run_id, &writers).await? {
            islands.close(writer, highest);
        }
        Ok(islands.presence)
    }

    /// The highest seq of each writer that has any row.
    ///
    /// # Errors
    /// The driver's.
    pub async fn highest_seqs(
        &self,
        run_id: Uuid,
        writers: &[i32],
    ) -> Result<BTreeMap<i32, i64>, Error> {
        let mut highest = BTreeMap::new();
        for row in self.client.query(HIGHEST, &[&run_id, &writers]).await? {
            if let Some(seq) = row.try_get(1)? {
                highest.insert(row.try_get(0)?, seq);
            }
        }
        Ok(highest)
    }

    /// Which of these writes are there: `(writer, first, last)` windows in, sets by writer out.
    ///
    /// # Errors
    /// The driver's.
    pub async fn presence_in_windows(
        &self,
        run_id: Uuid,
        windows: &[(i32, i64, i64)],
    ) -> Result<BTreeMap<i32, SeqSet>, Error> {
        let writers: Vec<i32> = windows.iter().map(|window| window.0).collect();
        let first: Vec<i64> = windows.iter().map(|window| window.1).collect();
        let last: Vec<i64> = windows.iter().map(|window| window.2).collect();
        let mut present: BTreeMap<i32, SeqSet> = BTreeMap::new();
        let rows = self.client.query(WINDOWS, &[&run_id, &writers, &first, &last]).await?;
        for row in rows {
            let (first, last): (i64, i64) = (row.try_get(1)?, row.try_get(2)?);
            present.entry(row.try_get(0)?).or_default().insert(first..=last);
        }
        Ok(present)
    }
}

/// Islands of seq, put together from their breaks.
#[derive(Debug, Default)]
struct Islands {
    presence: Presence,
    /// The first seq of each writer's island that is not closed yet.
    open: BTreeMap<i32, i64>,
}

impl Islands {
    fn add_break(&mut self, writer: i32, before: Option<i64>, seq: i64) {
        match before {
            Some(before) if before == seq => {
                self.presence.duplicated.entry(writer).or_default().insert(seq..=seq);
            }
            Some(before) => {
                self.close(writer, before);
                self.open.insert(writer, seq);
            }
            None => {
                self.open.insert(writer, seq);
            }
        }
    }

    fn close(&mut self, writer: i32, last: i64) {
        if let Some(first) = self.open.remove(&writer) {
            self.presence.present.entry(writer).or_default().insert(first..=last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaks_become_islands() {
        let mut islands = Islands::default();
        // 1 2 3 3 3 4 7 8 | 5
        for (writer, before, seq) in
            [(1, None, 1), (1, Some(3), 3), (1, Some(3), 3), (1, Some(4), 7), (2, None, 5)]
        {
            islands.add_break(writer, before, seq);
        }
        islands.close(1, 8);
        islands.close(2, 5);
        assert_eq!(
            islands.presence,
            Presence {
                present: [(1, [1..=4, 7..=8].into_iter().collect()), (2, SeqSet::range(5, 5)),]
                    .into(),
                duplicated: [(1, SeqSet::range(3, 3))].into(),
            }
        );
    }
}
