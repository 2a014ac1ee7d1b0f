//! What became of every write, as the client knows it.
//!
//! A writer's sequence numbers are sent in order and answered in order, so a writer's book is two
//! numbers and its exceptions: everything up to `resolved` is acknowledged, but for what is
//! rejected or in doubt. Memory goes by exceptions, not by writes.

use std::collections::BTreeMap;

use crate::model::ledger::progress::Progress;
use crate::model::ledger::seq_set::SeqSet;

/// The books of all writers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    books: BTreeMap<i32, Book>,
}

/// One writer's writes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Book {
    /// The highest sequence number that was sent.
    pub attempted: i64,
    /// Up to here every write has an outcome; between here and `attempted` it is not known.
    pub resolved: i64,
    /// Proven not committed.
    pub rejected: SeqSet,
    /// Sent, and no proof came.
    pub in_doubt: SeqSet,
    /// In doubt, and seen in the database since.
    pub recovered: SeqSet,
    /// Acknowledged, and seen in the database since.
    pub seen: SeqSet,
    /// Acknowledged, and committed without the synchronous standby.
    pub acknowledged_locally: SeqSet,
}

impl Book {
    /// Every acknowledged write.
    #[must_use]
    pub fn acknowledged(&self) -> SeqSet {
        &(&SeqSet::range(1, self.resolved) - &self.rejected) - &self.in_doubt
    }

    /// Sent, with an outcome that the ledger never heard of.
    #[must_use]
    pub fn open(&self) -> SeqSet {
        let Some(first) = self.resolved.checked_add(1) else { return SeqSet::new() };
        let beyond = SeqSet::range(first, self.attempted);
        &(&beyond - &self.rejected) - &self.in_doubt
    }
}

impl Ledger {
    /// A writer was this far.
    pub fn progress(&mut self, progress: Progress) {
        let book = self.books.entry(progress.writer).or_default();
        book.attempted = book.attempted.max(progress.attempted);
        book.resolved = book.resolved.max(progress.resolved);
    }

    /// Writes that an answer proves not committed.
    pub fn reject(&mut self, writer: i32, seqs: &SeqSet) {
        let book = self.books.entry(writer).or_default();
        book.rejected.extend(seqs);
        book.attempted = book.attempted.max(seqs.last().unwrap_or(0));
    }

    /// Writes that were sent without a proof of what became of them.
    pub fn doubt(&mut self, writer: i32, seqs: &SeqSet) {
        let book = self.books.entry(writer).or_default();
        book.in_doubt.extend(seqs);
        book.attempted = book.attempted.max(seqs.last().unwrap_or(0));
    }

    /// Acknowledged writes that are committed without the synchronous standby.
    pub fn commit_locally(&mut self, writer: i32, seqs: &SeqSet) {
        self.books.entry(writer).or_default().acknowledged_locally.extend(seqs);
    }

    /// Writes in doubt that were seen in the database.
    pub fn recover(&mut self, writer: i32, seqs: &SeqSet) {
        let book = self.books.entry(writer).or_default();
        let known = seqs & &book.in_doubt;
        book.recovered.extend(&known);
    }

    /// Acknowledged writes that were seen in the database.
    pub fn see(&mut self, writer: i32, seqs: &SeqSet) {
        self.books.entry(writer).or_default().seen.extend(seqs);
    }

    /// The books, by writer.
    pub fn books(&self) -> impl Iterator<Item = (i32, &Book)> {
        self.books.iter().map(|(writer, book)| (*writer, book))
    }

    /// One writer's book.
    #[must_use]
    pub fn book(&self, writer: i32) -> Option<&Book> {
        self.books.get(&writer)
    }

    /// The counts of the summary.
    #[must_use]
    pub fn counts(&self) -> LedgerCounts {
        let mut counts = LedgerCounts::default();
        for (_, book) in self.books() {
            // A write that a damaged record has as both is in doubt: the parts add up to the sum.
            let rejected = &book.rejected - &book.in_doubt;
            let acknowledged = book.acknowledged();
            let locally = (&acknowledged & &book.acknowledged_locally).len();
            let attempted = u64::try_from(book.attempted).unwrap_or(0);
            counts.attempted = counts.attempted.saturating_add(attempted);
            counts.acknowledged = counts.acknowledged.saturating_add(acknowledged.len());
            counts.acknowledged_locally = counts.acknowledged_locally.saturating_add(locally);
            counts.rejected = counts.rejected.saturating_add(rejected.len());
            counts.in_doubt = counts.in_doubt.saturating_add(book.in_doubt.len());
            counts.open = counts.open.saturating_add(book.open().len());
        }
        counts
    }
}

/// Writes by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LedgerCounts {
    /// Sent.
    pub attempted: u64,
    /// The server said that they are committed.
    pub acknowledged: u64,
    /// Of these, committed without the synchronous standby.
    pub acknowledged_locally: u64,
    /// Proven not committed.
    pub rejected: u64,
    /// Sent, and no proof came.
    pub in_doubt: u64,
    /// Sent, with an outcome that the ledger never heard of.
    pub open: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_resolved_is_acknowledged_but_for_the_exceptions() {
        let mut ledger = Ledger::default();
        ledger.progress(Progress { writer: 1, attempted: 12, resolved: 10 });
        ledger.reject(1, &SeqSet::range(3, 4));
        ledger.doubt(1, &SeqSet::range(10, 10));
        let book = ledger.book(1).unwrap();
        assert_eq!(book.acknowledged(), [1..=2, 5..=9].into_iter().collect());
        assert_eq!(book.open(), SeqSet::range(11, 12));
        assert_eq!(
            ledger.counts(),
            LedgerCounts {
                attempted: 12,
                acknowledged: 7,
                acknowledged_locally: 0,
                rejected: 2,
                in_doubt: 1,
                open: 2
            }
        );
    }

    #[test]
    fn a_write_is_acknowledged_locally_once_it_is_acknowledged() {
        let mut ledger = Ledger::default();
        ledger.commit_locally(1, &SeqSet::range(2, 3));
        assert_eq!(ledger.counts().acknowledged_locally, 0);
        ledger.progress(Progress { writer: 1, attempted: 3, resolved: 2 });
        assert_eq!(ledger.counts().acknowledged_locally, 1);
    }

    #[test]
    fn only_what_was_in_doubt_can_be_recovered() {
        let mut ledger = Ledger::default();
        ledger.progress(Progress { writer: 1, attempted: 5, resolved: 5 });
        ledger.doubt(1, &SeqSet::range(5, 5));
        ledger.recover(1, &SeqSet::range(1, 5));
        assert_eq!(ledger.book(1).unwrap().recovered, SeqSet::range(5, 5));
    }
}
