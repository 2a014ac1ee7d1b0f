//! Two primaries, and what became of the load's writes on the losing side.

use std::collections::BTreeMap;
use std::ops::{Deref, RangeInclusive};

use serde::{Deserialize, Serialize};

use crate::model::cluster::server::Server;
use crate::model::cluster::two_primaries::{TwoPrimaries, WritesInARow};
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

/// Two servers of which the older one acknowledged after the newer one had, and which of the writes on the losing side are
/// lost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TwoPrimariesAccount {
    /// What was seen. Which writes they are is in the record.
    #[serde(flatten)]
    pub window: TwoPrimaries,
    /// The side with a history that the server that decided does not have: as a rule the old one. Where an old leader took
    /// the leadership back, history went backwards, and it is the new one. `None` where no server has decided, and where
    /// it is neither of the two and nothing that is lost tells.
    #[serde(default)]
    pub losing: Option<PairSide>,
    /// How many of the load's writes to the old one in the window are lost, of those that are listed; `None` where the
    /// verification is not complete, or the run was killed before its load ended.
    pub lost: Option<u64>,
    /// The same of the writes to the new one, all of its life.
    pub new_lost: Option<u64>,
    /// Which of the losing side's (of the old one's where none is known to lose), as ranges, where
    /// `verification.lost_writes` has them; `verification.held` tells which servers still have lost writes.
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
        let of_old = SideWrites::new(&window.which, window.unlisted, window.writes);
        let of_new = SideWrites::new(&window.new_which, window.new_unlisted, window.new_writes);
        let lost = account.and_then(|account| of_old.lost(account));
        let new_lost = account.and_then(|account| of_new.lost(account));
        let losing = account.and(decided_by).and_then(|decided_by| {
            loser(window, decided_by)
                .filter(|side| !is_contradicted(*side, lost, new_lost))
                .or_else(|| by_losses(lost, new_lost, decided_by, window))
        });
        let of_loser = if losing == Some(PairSide::New) { &of_new } else { &of_old };
        TwoPrimariesAccount {
            losing,
            // The dated ranges may have been cut to a line of the record; the account is whole.
            lost,
            new_lost,
            lost_writes: dated.iter().flat_map(|lost| of_loser.within(lost)).collect(),
            window: TwoPrimaries { which: Vec::new(), new_which: Vec::new(), ..window.clone() },
        }
    };
    run.two_primaries.values().map(of_window).collect()
}

/// The side with a history that the server that decided does not have, where it is one of the two itself.
fn loser(window: &TwoPrimaries, decided_by: &Server) -> Option<PairSide> {
    let is = |one: &Server| {
        one.timeline.is_some()
            && decided_by.timeline == one.timeline
            && decided_by.same_member(one) == Some(true)
    };
    match (is(&window.old), is(&window.new)) {
        (false, true) => Some(PairSide::Old),
        (true, false) => Some(PairSide::New),
        _ => None,
    }
}

/// Whether the losses say the contrary: a timeline's number comes again where history went back.
fn is_contradicted(losing: PairSide, lost: Option<u64>, new_lost: Option<u64>) -> bool {
    let (own, other) = match losing {
        PairSide::Old => (lost, new_lost),
        PairSide::New => (new_lost, lost),
    };
    own == Some(0) && other.is_some_and(|other| other > 0)
}

/// The same by what is lost, where another server decided, on a later timeline: which history it has its number does not
/// tell, as a history that went back goes on with the same numbers.
fn by_losses(
    lost: Option<u64>,
    new_lost: Option<u64>,
    decided_by: &Server,
    window: &TwoPrimaries,
) -> Option<PairSide> {
    let is_later = decided_by.timeline? > window.new.timeline.max(window.old.timeline)?;
    // Without any write of the newer one that is there its history is not known to have gone on.
    let new_is_there = window.new_writes > window.new_unlisted && new_lost? == 0;
    (is_later && new_is_there && lost? > 0).then_some(PairSide::Old)
}

/// The load's writes on one side.
struct SideWrites {
    by_writer: BTreeMap<i32, SeqSet>,
    /// They were told one by one, but for those that are counted as not listed: a run that was killed told their number
    /// alone.
    is_told: bool,
}

impl SideWrites {
    fn new(which: &[WritesInARow], unlisted: u64, writes: u64) -> Self {
        let mut by_writer: BTreeMap<i32, SeqSet> = BTreeMap::new();
        for one in which {
            by_writer.entry(one.writer).or_default().insert(one.first_seq..=one.last_seq);
        }
        let listed = by_writer.values().map(SeqSet::len).fold(unlisted, u64::saturating_add);
        Self { by_writer, is_told: listed >= writes }
    }

    /// How many of these are lost.
    fn lost(&self, account: &Account) -> Option<u64> {
        let of_writer = |(writer, seqs): (&i32, &SeqSet)| {
            account.lost_writes.get(writer).map_or(0, |lost| (lost & seqs).len())
        };
        let lost = || self.by_writer.iter().map(of_writer).fold(0, u64::saturating_add);
        self.is_told.then(lost)
    }

    /// The parts of a range of lost writes that are among these.
    fn within(&self, lost: &LostWrites) -> Vec<LostWrites> {
        let Some(seqs) = self.by_writer.get(&lost.writer) else { return Vec::new() };
        let common = seqs & &SeqSet::range(lost.first_seq, lost.last_seq);
        let part = |seqs: RangeInclusive<i64>| LostWrites {
            first_seq: *seqs.start(),
            last_seq: *seqs.end(),
            ..lost.clone()
        };
        common.ranges().map(part).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn lost_range(writer: i32, first_seq: i64, last_seq: i64) -> LostWrites {
        LostWrites { writer, first_seq, last_seq, acknowledged_from: None, acknowledged_to: None }
    }

    fn rows(rows: &[(i64, i64)]) -> Vec<WritesInARow> {
        let row = |(first_seq, last_seq): &(i64, i64)| WritesInARow {
            writer: 1,
            first_seq: *first_seq,
            last_seq: *last_seq,
        };
        rows.iter().map(row).collect()
    }

    /// All of them told.
    fn side(told: &[(i64, i64)]) -> SideWrites {
        SideWrites::new(&rows(told), 0, 0)
    }

    #[test]
    fn only_the_lost_writes_of_the_window_are_its_own() {
        let of_window = side(&[(10, 20), (30, 40)]);
        assert_eq!(
            of_window.within(&lost_range(1, 15, 35)),
            [lost_range(1, 15, 20), lost_range(1, 30, 35)]
        );
        assert_eq!(of_window.within(&lost_range(1, 1, 9)), []);
        assert_eq!(of_window.within(&lost_range(2, 15, 35)), [], "another writer's");
    }

    /// What dates the lost writes is cut where a line of the record would be too long.
    #[test]
    fn lost_writes_are_counted_by_the_account_whatever_is_dated() {
        let lost_writes = [(1, [11..=12, 15..=16, 99..=99].into_iter().collect())].into();
        let account = Account { lost_writes, ..Account::default() };
        assert_eq!(side(&[(10, 15), (99, 99)]).lost(&account), Some(4));
    }

    #[test]
    fn a_foreign_range_of_all_numbers_is_counted_without_an_overflow() {
        let all = SideWrites::new(&rows(&[(i64::MIN, i64::MAX), (i64::MIN, 5)]), 0, u64::MAX);
        let lost_writes = [(1, SeqSet::range(i64::MIN, i64::MAX))].into();
        let account = Account { lost_writes, ..Account::default() };
        assert_eq!(all.lost(&account), Some(u64::MAX));
    }

    #[test]
    fn of_a_run_that_was_killed_in_its_window_it_is_not_known() {
        let account = Account::default();
        assert_eq!(SideWrites::new(&[], 0, 3).lost(&account), None);
        assert_eq!(SideWrites::new(&[], 0, 0).lost(&account), Some(0), "the witnesses' alone");
        assert_eq!(SideWrites::new(&rows(&[(5, 5)]), 2, 3).lost(&account), Some(0));
    }

    /// A frozen leader that thaws may take the key back from the one that was elected meanwhile.
    #[test]
    fn history_that_went_back_is_the_new_ones_loss() {
        let server = |member: &str, timeline| Server {
            member: Some(member.to_owned()),
            timeline: Some(timeline),
            ..Server::default()
        };
        let pair = |old, new| TwoPrimaries {
            n: 1,
            old,
            new,
            from: Duration::ZERO,
            to: Duration::ZERO,
            writes: 0,
            witness_writes: 0,
            which: Vec::new(),
            unlisted: 0,
            new_to: Duration::ZERO,
            new_writes: 0,
            new_which: Vec::new(),
            new_unlisted: 0,
            over: true,
        };
        let thawed = pair(server("a", 25), server("b", 26));
        assert_eq!(loser(&thawed, &server("a", 25)), Some(PairSide::New));
        assert_eq!(loser(&thawed, &server("b", 26)), Some(PairSide::Old));
        // Another one may have either history, whatever its number.
        for other in [server("c", 26), server("b", 27), server("c", 27), server("a", 26)] {
            assert_eq!(loser(&thawed, &other), None, "{other:?}");
        }
        let won = TwoPrimaries { new_writes: 3, ..thawed.clone() };
        let by = |lost, new_lost, other| by_losses(Some(lost), Some(new_lost), &other, &won);
        assert_eq!(by_losses(Some(5), Some(0), &server("c", 27), &thawed), None, "only witnesses");
        let forgotten = TwoPrimaries { new_unlisted: 3, ..won.clone() };
        assert_eq!(
            by_losses(Some(5), Some(0), &server("c", 27), &forgotten),
            None,
            "none is known"
        );
        assert_eq!(by(5, 0, server("c", 27)), Some(PairSide::Old));
        assert_eq!(by(0, 0, server("c", 27)), None);
        assert_eq!(by(5, 5, server("c", 27)), None);
        assert_eq!(by(5, 0, server("c", 26)), None);
        assert!(
            is_contradicted(PairSide::Old, Some(0), Some(3)),
            "it was rewound, and promoted again"
        );
        assert!(is_contradicted(PairSide::New, Some(3), Some(0)));
        assert!(!is_contradicted(PairSide::Old, Some(3), Some(0)));
        assert!(!is_contradicted(PairSide::Old, Some(0), Some(0)));
        assert!(!is_contradicted(PairSide::Old, None, None));
        assert_eq!(loser(&thawed, &Server { timeline: None, ..Server::default() }), None);
        let one_timeline = pair(server("a", 2), server("b", 2));
        assert_eq!(loser(&one_timeline, &server("b", 2)), Some(PairSide::Old));
        assert_eq!(loser(&one_timeline, &server("a", 2)), Some(PairSide::New));
        assert_eq!(loser(&one_timeline, &server("c", 2)), None);
    }
}
