//! The query of the presence scan: which writes of a range of tokens are there. It compares sets in
//! the server and loads no rows.
//!
//! The server walks the token's index once, a [`TokenRange`] at a time, and makes one set of bits of
//! every 64 neighbours: a block is whole when it has 64 rows and all 64 bits. Adjacent whole blocks make
//! one line of the answer, so that its length is that of the exceptions. The scan is exact, and was
//! measured to take half the time of `lag()` over the same index.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use futures_util::TryStreamExt;
use tokio_postgres::Error;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::model::ledger::account::Presence;
use crate::model::ledger::seq_set::SeqSet;
use crate::model::ledger::token_range::TokenRange;
use crate::pg::sessions::session::{Session, Typed};
use crate::pg::sessions::statements::each;

/// Seqs in a block: as many as a bigint has bits.
const BLOCK: i64 = 64;

/// The bits of a whole block.
const WHOLE: i64 = -1;

/// The scan of a stretch. A line is a range of adjacent whole blocks, or one block that is not whole,
/// with its rows and the bits of its seqs.
pub const WALK: &str = "\
SELECT writer, min(block), max(block), bit_or(bits), sum(rows)::bigint FROM (
  SELECT writer, block, bits, rows, bits = -1 AND rows = 64 AS whole,
         block - row_number() OVER (PARTITION BY writer, bits = -1 AND rows = 64 ORDER BY block)
         AS island
    FROM (SELECT writer, seq >> 6 AS block, bit_or(1::bigint << (seq & 63)::int) AS bits,
                 count(*) AS rows
            FROM pgchaos.user_events
           WHERE run_id = $1 AND (writer, seq) >= ($2, $3) AND (writer, seq) <= ($4, $5)
           GROUP BY writer, seq >> 6) AS blocks) AS numbered
 GROUP BY writer, whole, CASE WHEN whole THEN island ELSE block END";

/// Lines that the answer about any stretch may have.
const LINES_SPARE: u32 = 16_384;

/// Blocks in one query for seqs that are there more than once.
const BLOCKS_AT_ONCE: usize = 128;

/// One snapshot for all queries of a scan.
const BEGIN: &str = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY";

/// The settings of a scan's transaction. The server's limits on sessions are not meant for it: each
/// statement gets a timeout of its own, so that none outlives the client's deadline. Rows that a policy
/// hides must be an error, as they would look lost. A table that was just filled has no statistics yet:
/// without these settings the planner takes a bitmap scan and sorts all rows, where a hash of the blocks
/// needs no disk and half the time; and JIT compilation costs more than it saves.
///
/// The third statement is volatile, so that a pooler that distributes reads takes it for a write, and
/// keeps to the primary for the rest of the transaction.
pub const SETTINGS: [&str; 9] = [
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL idle_in_transaction_session_timeout = 0",
    "SELECT set_config(name, '0', true) FROM pg_settings WHERE name = 'transaction_timeout'",
    "SET LOCAL row_security = off",
    "SET LOCAL enable_seqscan = off",
    "SET LOCAL enable_bitmapscan = off",
    "SET LOCAL enable_sort = off",
    "SET LOCAL enable_incremental_sort = off",
    "SET LOCAL jit = off",
];

/// Which seqs of some blocks are there more than once.
const DUPLICATED: &str = "\
SELECT e.writer, e.seq
  FROM unnest($2::int[], $3::bigint[]) AS w(writer, block)
  JOIN pgchaos.user_events e
    ON e.run_id = $1 AND e.writer = w.writer
       AND e.seq BETWEEN w.block << 6 AND (w.block << 6) + 63
 GROUP BY e.writer, e.seq
HAVING count(*) > 1";

const HIGHEST: &str = "\
SELECT w.writer, (SELECT max(e.seq) FROM pgchaos.user_events e
                   WHERE e.run_id = $1 AND e.writer = w.writer)
  FROM unnest($2::int[]) AS w(writer)";

/// Other sessions' rows in a jump of ids.
const OTHER_ROWS: &str = "\
SELECT count(*), count(*) FILTER (WHERE run_id = $4)
  FROM (SELECT run_id FROM pgchaos.user_events
         WHERE id > $2 AND id < $3 AND run_id <> $1 LIMIT 1000) AS others";

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
    /// Begins a scan: opens a transaction on an exported snapshot, or on a new one.
    /// [`Session::end_look`] closes it.
    ///
    /// # Errors
    /// The driver's; also when the snapshot does not exist any more.
    pub async fn begin_look(&self, snapshot: Option<&str>) -> Result<(), Error> {
        // Only possible before the first query.
        let moment =
            snapshot.map(|snapshot| format!("SET TRANSACTION SNAPSHOT '{}'", quoted(snapshot)));
        let mut statements = vec![BEGIN];
        statements.extend(moment.as_deref());
        statements.extend(SETTINGS);
        each(&self.client, &statements).await
    }

    /// The name of this scan's snapshot, for other sessions while the transaction lasts.
    ///
    /// # Errors
    /// The driver's.
    pub async fn export_snapshot(&self) -> Result<String, Error> {
        self.client.query_typed_one("SELECT pg_export_snapshot()", &[]).await?.try_get(0)
    }

    /// Ends the scan: closes its transaction.
    ///
    /// # Errors
    /// The driver's.
    pub async fn end_look(&self) -> Result<(), Error> {
        self.client.batch_execute("ROLLBACK").await
    }

    /// Scans a stretch. The server cancels the statement after `at_most`.
    ///
    /// # Errors
    /// The driver's.
    pub async fn presence(
        &self,
        run_id: Uuid,
        stretch: &TokenRange,
        at_most: Duration,
    ) -> Result<Presence, Error> {
        self.limit_statements(at_most).await?;
        let TokenRange { first, last, .. } = stretch;
        self.allow_messages(lines_max(stretch));
        let parameters: Typed<5> = [
            (&run_id, Type::UUID),
            (&first.0, Type::INT4),
            (&first.1, Type::INT8),
            (&last.0, Type::INT4),
            (&last.1, Type::INT8),
        ];
        let mut presence = Presence::default();
        let mut repeating = Vec::new();
        let mut rows = pin!(self.client.query_typed_raw(WALK, parameters).await?);
        while let Some(row) = rows.try_next().await? {
            let writer = row.try_get(0)?;
            let blocks = Blocks {
                first: row.try_get(1)?,
                last: row.try_get(2)?,
                bits: row.try_get(3)?,
                rows: row.try_get(4)?,
            };
            let present = presence.present.entry(writer).or_default();
            blocks.seqs(|first, last| present.insert(first..=last));
            if blocks.has_repeated() {
                repeating.push((writer, blocks.first));
            }
        }
        for blocks in repeating.chunks(BLOCKS_AT_ONCE) {
            for (writer, seqs) in self.duplicated(run_id, blocks).await? {
                presence.duplicated.entry(writer).or_default().extend(&seqs);
            }
        }
        Ok(presence)
    }

    /// Sets the timeout of each statement in this transaction.
    async fn limit_statements(&self, at_most: Duration) -> Result<(), Error> {
        let limit = format!("SET LOCAL statement_timeout = {}", at_most.as_millis());
        self.client.batch_execute(&limit).await
    }

    /// The seqs of these blocks that are there more than once.
    async fn duplicated(
        &self,
        run_id: Uuid,
        blocks: &[(i32, i64)],
    ) -> Result<BTreeMap<i32, SeqSet>, Error> {
        let (writers, blocks): (Vec<i32>, Vec<i64>) = blocks.iter().copied().unzip();
        let mut duplicated: BTreeMap<i32, SeqSet> = BTreeMap::new();
        let parameters: Typed<3> =
            [(&run_id, Type::UUID), (&writers, Type::INT4_ARRAY), (&blocks, Type::INT8_ARRAY)];
        for row in self.client.query_typed(DUPLICATED, &parameters).await? {
            let seq: i64 = row.try_get(1)?;
            duplicated.entry(row.try_get(0)?).or_default().insert(seq..=seq);
        }
        Ok(duplicated)
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
        let parameters: Typed<2> = [(&run_id, Type::UUID), (&writers, Type::INT4_ARRAY)];
        for row in self.client.query_typed(HIGHEST, &parameters).await? {
            if let Some(seq) = row.try_get(1)? {
                highest.insert(row.try_get(0)?, seq);
            }
        }
        Ok(highest)
    }

    /// Which of these writes are there: `(writer, first, last)` windows in, sets by writer out. A scan of
    /// its own, so that rows which a policy hides are an error, not missing. The server cancels the
    /// statement after `at_most`.
    ///
    /// # Errors
    /// The driver's.
    pub async fn look_at_windows(
        &self,
        run_id: Uuid,
        windows: &[(i32, i64, i64)],
        at_most: Duration,
    ) -> Result<BTreeMap<i32, SeqSet>, Error> {
        self.begin_look(None).await?;
        self.limit_statements(at_most).await?;
        let present = self.presence_in_windows(run_id, windows).await?;
        self.end_look().await?;
        Ok(present)
    }

    /// How many rows of other runs have an id between these two, of them how many of this run's witnesses; a thousand at
    /// most are counted.
    ///
    /// # Errors
    /// The driver's.
    pub async fn other_rows_between(
        &self,
        (run_id, witness): (Uuid, Option<Uuid>),
        before: i64,
        after: i64,
    ) -> Result<(u64, u64), Error> {
        let parameters: Typed<4> = [
            (&run_id, Type::UUID),
            (&before, Type::INT8),
            (&after, Type::INT8),
            (&witness, Type::UUID),
        ];
        let row = self.client.query_typed_one(OTHER_ROWS, &parameters).await?;
        let (others, witnesses): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        Ok((others.unsigned_abs(), witnesses.unsigned_abs()))
    }

    async fn presence_in_windows(
        &self,
        run_id: Uuid,
        windows: &[(i32, i64, i64)],
    ) -> Result<BTreeMap<i32, SeqSet>, Error> {
        let writers: Vec<i32> = windows.iter().map(|window| window.0).collect();
        let first: Vec<i64> = windows.iter().map(|window| window.1).collect();
        let last: Vec<i64> = windows.iter().map(|window| window.2).collect();
        let mut present: BTreeMap<i32, SeqSet> = BTreeMap::new();
        let parameters: Typed<4> = [
            (&run_id, Type::UUID),
            (&writers, Type::INT4_ARRAY),
            (&first, Type::INT8_ARRAY),
            (&last, Type::INT8_ARRAY),
        ];
        for row in self.client.query_typed(WINDOWS, &parameters).await? {
            let (first, last): (i64, i64) = (row.try_get(1)?, row.try_get(2)?);
            present.entry(row.try_get(0)?).or_default().insert(first..=last);
        }
        Ok(present)
    }
}

/// How many lines the answer about a stretch may have: far more than its writes can need, also with
/// the writes that a killed run could not record.
fn lines_max(stretch: &TokenRange) -> u32 {
    let of_writes = u32::try_from(stretch.attempted / 16).unwrap_or(u32::MAX);
    LINES_SPARE.saturating_add(of_writes)
}

/// Escapes a text for the inside of a literal.
fn quoted(text: &str) -> String {
    text.replace('\'', "''")
}

/// A line of the answer: whole blocks in a row, or one that is not whole.
#[derive(Debug, Clone, Copy)]
struct Blocks {
    first: i64,
    last: i64,
    bits: i64,
    rows: i64,
}

impl Blocks {
    /// The seqs that are there, as ranges.
    fn seqs(&self, mut add: impl FnMut(i64, i64)) {
        // Saturating: only something that is not PostgreSQL could answer more, and it must not panic here.
        let start = self.first.saturating_mul(BLOCK);
        if self.bits == WHOLE {
            return add(start, self.last.saturating_mul(BLOCK).saturating_add(BLOCK - 1));
        }
        let mut left = self.bits.cast_unsigned();
        while left != 0 {
            let first = left.trailing_zeros();
            let length = (left >> first).trailing_ones();
            let seq = |bit| start.saturating_add(i64::from(bit));
            add(seq(first), seq(first + length - 1));
            left &= !(((1 << length) - 1) << first);
        }
    }

    /// Whether there are more rows than seqs.
    fn has_repeated(&self) -> bool {
        let blocks = self.last.saturating_sub(self.first).saturating_add(1);
        self.rows > i64::from(self.bits.count_ones()).saturating_mul(blocks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seqs(blocks: Blocks) -> Vec<(i64, i64)> {
        let mut seqs = Vec::new();
        blocks.seqs(|first, last| seqs.push((first, last)));
        seqs
    }

    #[test]
    fn bits_become_ranges_of_seqs() {
        let one = |bits| Blocks { first: 2, last: 2, bits, rows: 1 };
        assert_eq!(seqs(one(0b1)), [(128, 128)]);
        assert_eq!(seqs(one(0b0110_1110)), [(129, 131), (133, 134)]);
        assert_eq!(seqs(one(i64::MIN)), [(191, 191)]);
        assert_eq!(seqs(one(WHOLE ^ 0b1)), [(129, 191)]);
        assert_eq!(seqs(Blocks { first: 0, last: 3, bits: WHOLE, rows: 256 }), [(0, 255)]);
    }

    #[test]
    fn the_ends_of_all_numbers_are_seqs_like_others() {
        let blocks = |block| Blocks { first: block, last: block, bits: WHOLE, rows: 64 };
        assert_eq!(seqs(blocks(i64::MIN >> 6)), [(i64::MIN, i64::MIN + 63)]);
        assert_eq!(seqs(blocks(i64::MAX >> 6)), [(i64::MAX - 63, i64::MAX)]);
    }

    #[test]
    fn a_block_with_more_rows_than_seqs_repeats_one() {
        let of = |last, bits, rows| Blocks { first: 5, last, bits, rows }.has_repeated();
        assert!(!of(5, 0b101, 2));
        assert!(of(5, 0b101, 3));
        assert!(!of(6, WHOLE, 128));
        assert!(of(5, WHOLE, 65));
    }
}
