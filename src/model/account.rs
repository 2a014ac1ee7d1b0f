//! The account of a run: the ledger against what the converged primary holds.
//!
//! A pure function over two sets of books, so that it can be tested with literal and with random
//! histories whose truth is known.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::by_writer;
use super::ledger::{Book, Ledger};
use super::seq_set::SeqSet;

/// What the converged primary holds of one run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Presence {
    /// Sequence numbers that are there, by writer.
    pub present: BTreeMap<i32, SeqSet>,
    /// Those of them that are there more than once.
    pub duplicated: BTreeMap<i32, SeqSet>,
}

impl Presence {
    /// Adds what another look has seen.
    pub fn add(&mut self, other: Self) {
        for (writer, seqs) in other.present {
            self.present.entry(writer).or_default().extend(&seqs);
        }
        for (writer, seqs) in other.duplicated {
            self.duplicated.entry(writer).or_default().extend(&seqs);
        }
    }
}

/// Whether the client's record of the run was closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closing {
    /// Every write sent is in the ledger.
    Closed,
    /// The run was killed: after the last flush these writers may have sent more than the ledger
    /// knows.
    Torn(RangeInclusive<i32>),
}

/// What became of the run's writes. Counts are of writes (tokens), not of rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Sent by this run and there, once or more.
    pub present: u64,
    /// Acknowledged, and not there.
    pub lost: u64,
    /// In doubt, and there.
    pub recovered: u64,
    /// In doubt, and not there.
    pub absent: u64,
    /// There more than once.
    pub duplicated: u64,
    /// There under this run's id, though never sent or proven not committed.
    pub unexpected: u64,
    /// Sent or there, with an outcome that the ledger never heard of, as the run was killed.
    pub unaccounted: u64,
    /// The lost writes, by writer.
    #[serde(with = "by_writer")]
    pub lost_writes: BTreeMap<i32, SeqSet>,
    /// The recovered writes, by writer.
    #[serde(with = "by_writer")]
    pub recovered_writes: BTreeMap<i32, SeqSet>,
    /// The duplicated writes, by writer.
    #[serde(with = "by_writer")]
    pub duplicated_writes: BTreeMap<i32, SeqSet>,
    /// The unexpected ones, by writer.
    #[serde(with = "by_writer")]
    pub unexpected_writes: BTreeMap<i32, SeqSet>,
}

/// Compares a ledger with what is present.
#[must_use]
pub fn account(ledger: &Ledger, presence: &Presence, closing: &Closing) -> Account {
    let mut account = Account::default();
    let nothing = SeqSet::new();
    let no_book = Book::default();
    let mut writers: Vec<i32> = ledger.books().map(|(writer, _)| writer).collect();
    writers.extend(presence.present.keys().filter(|writer| ledger.book(**writer).is_none()));
    for writer in writers {
        let present = presence.present.get(&writer).unwrap_or(&nothing);
        let torn = matches!(closing, Closing::Torn(writers) if writers.contains(&writer));
        account.add_book(writer, ledger.book(writer).unwrap_or(&no_book), present, torn);
        let duplicated = presence.duplicated.get(&writer).unwrap_or(&nothing);
        account.duplicated += duplicated.len();
        note(&mut account.duplicated_writes, writer, duplicated.clone());
    }
    account
}

impl Account {
    fn add_book(&mut self, writer: i32, book: &Book, present: &SeqSet, torn: bool) {
        let acknowledged = book.acknowledged();
        let lost = &acknowledged - present;
        let recovered = &book.in_doubt & present;
        let mut unheard = book.open();
        if torn {
            unheard.extend(&(present & &SeqSet::range(book.attempted + 1, i64::MAX)));
        }
        let sent = &(&acknowledged | &book.in_doubt) | &unheard;
        let unexpected = present - &sent;
        self.present += (present & &sent).len();
        self.lost += lost.len();
        self.recovered += recovered.len();
        self.absent += (&book.in_doubt - present).len();
        self.unexpected += unexpected.len();
        self.unaccounted += unheard.len();
        note(&mut self.lost_writes, writer, lost);
        note(&mut self.recovered_writes, writer, recovered);
        note(&mut self.unexpected_writes, writer, unexpected);
    }
}

fn note(writes: &mut BTreeMap<i32, SeqSet>, writer: i32, seqs: SeqSet) {
    if !seqs.is_empty() {
        writes.insert(writer, seqs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::Progress;

    fn one_writer(attempted: i64, resolved: i64) -> Ledger {
        let mut ledger = Ledger::default();
        ledger.progress(Progress { writer: 1, attempted, resolved });
        ledger
    }

    fn present(ranges: &[RangeInclusive<i64>]) -> Presence {
        Presence {
            present: [(1, ranges.iter().cloned().collect())].into(),
            duplicated: BTreeMap::new(),
        }
    }

    #[test]
    fn each_fate_of_a_write_has_its_own_count() {
        let mut ledger = one_writer(10, 10);
        ledger.reject(1, &SeqSet::range(3, 3));
        ledger.doubt(1, &SeqSet::range(6, 7));
        // 2 and 9 are lost; 3 came though it was rejected, 11 was never sent.
        let mut presence = present(&[1..=1, 3..=6, 8..=8, 10..=11]);
        presence.duplicated.insert(1, SeqSet::range(4, 4));
        assert_eq!(
            account(&ledger, &presence, &Closing::Closed),
            Account {
                present: 6,
                lost: 2,
                recovered: 1,
                absent: 1,
                duplicated: 1,
                unexpected: 2,
                unaccounted: 0,
                lost_writes: [(1, [2..=2, 9..=9].into_iter().collect())].into(),
                recovered_writes: [(1, SeqSet::range(6, 6))].into(),
                duplicated_writes: [(1, SeqSet::range(4, 4))].into(),
                unexpected_writes: [(1, [3..=3, 11..=11].into_iter().collect())].into(),
            }
        );
    }

    #[test]
    fn after_a_kill_what_the_ledger_never_heard_of_is_unaccounted_and_never_lost() {
        let account =
            account(&one_writer(12, 10), &present(&[1..=11, 13..=15]), &Closing::Torn(1..=1));
        assert_eq!(account, Account { present: 14, unaccounted: 5, ..Account::default() });
    }

    #[test]
    fn a_writer_that_began_after_the_last_flush_is_unaccounted_and_a_foreign_one_unexpected() {
        let mut presence = present(&[1..=5]);
        presence.present.insert(2, SeqSet::range(1, 3));
        presence.present.insert(9, SeqSet::range(1, 2));
        let account = account(&one_writer(5, 5), &presence, &Closing::Torn(1..=2));
        assert_eq!((account.unaccounted, account.unexpected, account.lost), (3, 2, 0));
    }
}
