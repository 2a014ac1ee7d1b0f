//! Two primaries, and what became of the load's writes on the losing side.

use std::collections::BTreeMap;
use std::ops::{Deref, RangeInclusive};

use serde::{Deserialize, Serialize};

use crate::model::cluster::server::Server;
use crate::model::cluster::two_primaries::{LosingSide, TwoPrimaries};
use crate::model::ledger::account::Account;
use crate::model::ledger::loss_times::LostWrites;
use crate::model::ledger::seq_set::SeqSet;
use crate::model::run::Run;

/// One server of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PairSide {
    /// The one that should have stopped.
    Old,
    /// The one that took over.
    New,
}

/// Two servers that acknowledged at the same time, and which of the writes on the losing side are lost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TwoPrimariesAccount {
    /// What was seen. Which writes they are is in the record.
    #[serde(flatten)]
    pub window: TwoPrimaries,
    /// The side with a history that the server that decided does not have: as a rule the old one. Where an old leader took
    /// the leadership back, history went backwards, and it is the new one. `None` where no server has decided, and where
    /// timelines do not tell.
    #[serde(default)]
    pub losing: Option<PairSide>,
    /// How many of the load's writes to the old one in the window are lost, of those that are listed; `None` where the
    /// verification is not complete, or the run was killed before its load ended.
    pub lost: Option<u64>,
    /// Which, as ranges, where `verification.lost_writes` has them; `verification.held` tells which servers still have lost writes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost_writes: Vec<LostWrites>,
}

impl Deref for TwoPrimariesAccount {
    type Target = TwoPrimaries;

    fn deref(&self) -> &TwoPrimaries {
        &self.window
    }
}

/// Of every window of a run.
pub(super) fn of(run: &Run) -> Vec<TwoPrimariesAccount> {
    let verification = run.verification.as_ref();
    let account = verification.and_then(|verification| verification.account.as_ref());
    let dated = verification.map(|one| one.lost_writes.as_slice()).unwrap_or_default();
    let decided_by = verification.and_then(|verification| verification.server.as_ref());
    let of_window = |window: &TwoPrimaries| {
        let of_old = losing_side(&window.which);
        // The dated ranges may have been cut to a line of the record; the account is whole.
        let lost = account.filter(|_| is_told(window, &of_old)).map(|one| lost(one, &of_old));
        let loser = account.and(decided_by).and_then(|decided_by| loser(window, decided_by));
        // Timelines alone do not tell which way a history went that went backwards, and then on.
        let is_sure = loser == Some(PairSide::New) || run.history_backwards.is_empty();
        TwoPrimariesAccount {
            losing: loser.filter(|_| is_sure),
            lost,
            lost_writes: dated.iter().flat_map(|lost| within(lost, &of_old)).collect(),
            window: TwoPrimaries { which: Vec::new(), ..window.clone() },
        }
    };
    run.two_primaries.values().map(of_window).collect()
}

/// The side with a history that the server that decided does not have, by its timeline: along a history that only rises.
fn loser(window: &TwoPrimaries, decided_by: &Server) -> Option<PairSide> {
    let (old, new) = (window.old.timeline?, window.new.timeline?);
    if old != new {
        return Some(if decided_by.timeline? < new { PairSide::New } else { PairSide::Old });
    }
    if decided_by.same_member(&window.new) == Some(true) {
        return Some(PairSide::Old);
    }
    (decided_by.same_member(&window.old) == Some(true)).then_some(PairSide::New)
}

/// By writer.
fn losing_side(which: &[LosingSide]) -> BTreeMap<i32, SeqSet> {
    let mut losing: BTreeMap<i32, SeqSet> = BTreeMap::new();
    for one in which {
        losing.entry(one.writer).or_default().insert(one.first_seq..=one.last_seq);
    }
    losing
}

/// Whether the load's writes were told one by one: a run that was killed counted them alone.
fn is_told(window: &TwoPrimaries, losing: &BTreeMap<i32, SeqSet>) -> bool {
    let listed = losing.values().map(SeqSet::len).fold(window.unlisted, u64::saturating_add);
    listed >= window.writes
}

/// How many of these are lost.
fn lost(account: &Account, losing: &BTreeMap<i32, SeqSet>) -> u64 {
    let of_writer = |(writer, seqs): (&i32, &SeqSet)| {
        account.lost_writes.get(writer).map_or(0, |lost| (lost & seqs).len())
    };
    losing.iter().map(of_writer).fold(0, u64::saturating_add)
}

/// The parts of a range of lost writes that are among these.
fn within(lost: &LostWrites, losing: &BTreeMap<i32, SeqSet>) -> Vec<LostWrites> {
    let Some(seqs) = losing.get(&lost.writer) else { return Vec::new() };
    let common = seqs & &SeqSet::range(lost.first_seq, lost.last_seq);
    let part = |seqs: RangeInclusive<i64>| LostWrites {
        first_seq: *seqs.start(),
        last_seq: *seqs.end(),
        ..lost.clone()
    };
    common.ranges().map(part).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn lost_range(writer: i32, first_seq: i64, last_seq: i64) -> LostWrites {
        LostWrites { writer, first_seq, last_seq, acknowledged_from: None, acknowledged_to: None }
    }

    fn losing(rows: &[(i64, i64)]) -> Vec<LosingSide> {
        let row = |(first_seq, last_seq): &(i64, i64)| LosingSide {
            writer: 1,
            first_seq: *first_seq,
            last_seq: *last_seq,
        };
        rows.iter().map(row).collect()
    }

    fn window(writes: u64, which: Vec<LosingSide>) -> TwoPrimaries {
        TwoPrimaries {
            n: 1,
            old: Server::default(),
            new: Server::default(),
            from: Duration::ZERO,
            to: Duration::ZERO,
            writes,
            witness_writes: 0,
            which,
            unlisted: 0,
            over: true,
        }
    }

    #[test]
    fn only_the_lost_writes_of_the_window_are_its_own() {
        let of_window = losing_side(&losing(&[(10, 20), (30, 40)]));
        assert_eq!(
            within(&lost_range(1, 15, 35), &of_window),
            [lost_range(1, 15, 20), lost_range(1, 30, 35)]
        );
        assert_eq!(within(&lost_range(1, 1, 9), &of_window), []);
        assert_eq!(within(&lost_range(2, 15, 35), &of_window), [], "another writer's");
    }

    /// What dates the lost writes is cut where a line of the record would be too long.
    #[test]
    fn lost_writes_are_counted_by_the_account_whatever_is_dated() {
        let lost_writes = [(1, [11..=12, 15..=16, 99..=99].into_iter().collect())].into();
        let account = Account { lost_writes, ..Account::default() };
        assert_eq!(lost(&account, &losing_side(&losing(&[(10, 15), (99, 99)]))), 4);
    }

    #[test]
    fn a_foreign_range_of_all_numbers_is_counted_without_an_overflow() {
        let all = || losing(&[(i64::MIN, i64::MAX), (i64::MIN, 5)]);
        let lost_writes = [(1, SeqSet::range(i64::MIN, i64::MAX))].into();
        let account = Account { lost_writes, ..Account::default() };
        assert_eq!(lost(&account, &losing_side(&all())), u64::MAX);
        assert!(is_told(&window(u64::MAX, all()), &losing_side(&all())));
    }

    #[test]
    fn of_a_run_that_was_killed_in_its_window_it_is_not_known() {
        assert!(!is_told(&window(3, Vec::new()), &losing_side(&[])));
        assert!(is_told(&window(0, Vec::new()), &losing_side(&[])), "the witnesses' alone");
        let cut = TwoPrimaries { unlisted: 2, ..window(3, losing(&[(5, 5)])) };
        assert!(is_told(&cut, &losing_side(&cut.which)));
    }

    /// A frozen leader that thaws may take the key back from the one that was elected meanwhile.
    #[test]
    fn history_that_went_back_is_the_new_ones_loss() {
        let server = |member: &str, timeline| Server {
            member: Some(member.to_owned()),
            timeline: Some(timeline),
            ..Server::default()
        };
        let pair = |old, new| TwoPrimaries { old, new, ..window(0, Vec::new()) };
        let thawed = pair(server("a", 25), server("b", 26));
        assert_eq!(loser(&thawed, &server("a", 25)), Some(PairSide::New));
        assert_eq!(loser(&thawed, &server("b", 26)), Some(PairSide::Old));
        assert_eq!(loser(&thawed, &server("c", 27)), Some(PairSide::Old));
        assert_eq!(loser(&thawed, &Server { timeline: None, ..Server::default() }), None);
        let one_timeline = pair(server("a", 2), server("b", 2));
        assert_eq!(loser(&one_timeline, &server("b", 2)), Some(PairSide::Old));
        assert_eq!(loser(&one_timeline, &server("a", 2)), Some(PairSide::New));
        assert_eq!(loser(&one_timeline, &server("c", 2)), None);
    }
}
