//! The account of a run: the ledger against what the server that decides holds.
//!
//! A pure function of the ledger and the rows found, so that it can be tested with literal and
//! with random histories that have a known outcome.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::model::ledger::books::{Book, Ledger};
use crate::model::ledger::by_writer;
use crate::model::ledger::seq_set::SeqSet;

/// What the server that decides holds of one run.
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

/// What became of writes, by the ledger and the server that decides. Counts are of writes, not of
/// rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Sent by this run and there, once or more.
    pub present: u64,
    /// Acknowledged, and not there.
    pub lost: u64,
    /// Of the lost ones, those that were acknowledged without their synchronous standby.
    #[serde(default)]
    pub lost_locally: u64,
    /// In doubt, and there.
    pub recovered: u64,
    /// In doubt, and not there.
    pub absent: u64,
    /// In doubt, not there, and something could still commit them: they stay in doubt.
    #[serde(default)]
    pub undecided: u64,
    /// Found present after an outage, and absent now: that finding is withdrawn. Acknowledged ones
    /// are counted among the lost as well.
    #[serde(default)]
    pub withdrawn: u64,
    /// There more than once.
    pub duplicated: u64,
    /// There under this run's id, though never sent or proven not committed.
    pub unexpected: u64,
}

/// What became of the run's writes. Counts are of writes (tokens), not of rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// How many of each.
    #[serde(flatten)]
    pub counts: Counts,
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
    /// The withdrawn ones, by writer.
    #[serde(default, with = "by_writer")]
    pub withdrawn_writes: BTreeMap<i32, SeqSet>,
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
        add(&mut account.counts.duplicated, duplicated.len());
        note(&mut account.duplicated_writes, writer, duplicated.clone());
    }
    account
}

impl Account {
    /// The contradiction within the account or with its ledger, if any; a damaged record can have
    /// one.
    #[must_use]
    pub fn contradiction(&self, ledger: &Ledger) -> Option<String> {
        let count = |writes: &BTreeMap<i32, SeqSet>| {
            writes.values().fold(0_u64, |sum, seqs| sum.saturating_add(seqs.len()))
        };
        let counts = [
            ("lost", self.counts.lost, &self.lost_writes),
            ("recovered", self.counts.recovered, &self.recovered_writes),
            ("duplicated", self.counts.duplicated, &self.duplicated_writes),
            ("unexpected", self.counts.unexpected, &self.unexpected_writes),
        ];
        for (name, said, writes) in counts {
            let listed = count(writes);
            if said != listed {
                return Some(format!("{said} writes are {name}, and {listed} are listed"));
            }
        }
        let outside = |writes: &BTreeMap<i32, SeqSet>, of: fn(&Book) -> SeqSet| {
            writes.iter().any(|(writer, seqs)| {
                let known = ledger.book(*writer).map(of).unwrap_or_default();
                !(seqs - &known).is_empty()
            })
        };
        if outside(&self.lost_writes, Book::acknowledged) {
            return Some("writes are lost that no line before acknowledges".to_owned());
        }
        if outside(&self.recovered_writes, |book| book.in_doubt.clone()) {
            return Some("writes are recovered that no line before has in doubt".to_owned());
        }
        None
    }

    fn add_book(&mut self, writer: i32, book: &Book, present: &SeqSet, torn: bool) {
        let acknowledged = book.acknowledged();
        let lost = &acknowledged - present;
        let recovered = &book.in_doubt & present;
        let mut unheard = book.open();
        if let Some(next) = book.attempted.checked_add(1).filter(|_| torn) {
            unheard.extend(&(present & &SeqSet::range(next, i64::MAX)));
        }
        let sent = &(&acknowledged | &book.in_doubt) | &unheard;
        let unexpected = present - &sent;
        let withdrawn = &(&book.seen | &book.recovered) - present;
        add(&mut self.counts.present, (present & &sent).len());
        add(&mut self.counts.lost, lost.len());
        add(&mut self.counts.lost_locally, (&lost & &book.acknowledged_locally).len());
        add(&mut self.counts.recovered, recovered.len());
        add(&mut self.counts.absent, (&book.in_doubt - present).len());
        add(&mut self.counts.unexpected, unexpected.len());
        add(&mut self.unaccounted, unheard.len());
        add(&mut self.counts.withdrawn, withdrawn.len());
        note(&mut self.withdrawn_writes, writer, withdrawn);
        note(&mut self.lost_writes, writer, lost);
        note(&mut self.recovered_writes, writer, recovered);
        note(&mut self.unexpected_writes, writer, unexpected);
    }
}

/// More than there can be stays the most that there can be.
fn add(sum: &mut u64, count: u64) {
    *sum = sum.saturating_add(count);
}

fn note(writes: &mut BTreeMap<i32, SeqSet>, writer: i32, seqs: SeqSet) {
    if !seqs.is_empty() {
        writes.insert(writer, seqs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ledger::progress::Progress;

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
        ledger.commit_locally(1, &SeqSet::range(8, 9));
        // 2 and 9 are lost; 3 came though it was rejected, 11 was never sent.
        let mut presence = present(&[1..=1, 3..=6, 8..=8, 10..=11]);
        presence.duplicated.insert(1, SeqSet::range(4, 4));
        assert_eq!(
            account(&ledger, &presence, &Closing::Closed),
            Account {
                counts: Counts {
                    present: 6,
                    lost: 2,
                    lost_locally: 1,
                    recovered: 1,
                    absent: 1,
                    undecided: 0,
                    withdrawn: 0,
                    duplicated: 1,
                    unexpected: 2
                },
                unaccounted: 0,
                lost_writes: [(1, [2..=2, 9..=9].into_iter().collect())].into(),
                recovered_writes: [(1, SeqSet::range(6, 6))].into(),
                duplicated_writes: [(1, SeqSet::range(4, 4))].into(),
                withdrawn_writes: BTreeMap::new(),
                unexpected_writes: [(1, [3..=3, 11..=11].into_iter().collect())].into(),
            }
        );
    }

    #[test]
    fn what_was_said_to_be_there_and_is_gone_is_withdrawn() {
        let mut ledger = one_writer(6, 6);
        ledger.doubt(1, &SeqSet::range(5, 6));
        ledger.see(1, &SeqSet::range(1, 4));
        ledger.recover(1, &SeqSet::range(5, 5));
        let account = account(&ledger, &present(&[1..=3]), &Closing::Closed);
        assert_eq!(
            (account.counts.lost, account.counts.absent, account.counts.withdrawn),
            (1, 2, 2)
        );
        assert_eq!(account.withdrawn_writes, [(1, SeqSet::range(4, 5))].into());
    }

    #[test]
    fn after_a_kill_what_the_ledger_never_heard_of_is_unaccounted_and_never_lost() {
        let account =
            account(&one_writer(12, 10), &present(&[1..=11, 13..=15]), &Closing::Torn(1..=1));
        assert_eq!(
            account,
            Account {
                counts: Counts { present: 14, ..Counts::default() },
                unaccounted: 5,
                ..Account::default()
            }
        );
    }

    #[test]
    fn a_writer_that_began_after_the_last_flush_is_unaccounted_and_a_foreign_one_unexpected() {
        let mut presence = present(&[1..=5]);
        presence.present.insert(2, SeqSet::range(1, 3));
        presence.present.insert(9, SeqSet::range(1, 2));
        let account = account(&one_writer(5, 5), &presence, &Closing::Torn(1..=2));
        assert_eq!(
            (account.unaccounted, account.counts.unexpected, account.counts.lost),
            (3, 2, 0)
        );
    }
}
