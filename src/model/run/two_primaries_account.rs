//! Two primaries, and what became of the load's writes on the losing side.

use std::ops::Deref;

use serde::{Deserialize, Serialize};

use crate::model::cluster::two_primaries::{LosingSide, TwoPrimaries};
use crate::model::ledger::loss_times::LostWrites;
use crate::model::run::Run;

/// Two servers that acknowledged at the same time, and which of the writes on the losing side are lost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TwoPrimariesAccount {
    /// What was seen. Which writes they are is in the record.
    #[serde(flatten)]
    pub window: TwoPrimaries,
    /// How many of the load's writes on the losing side are lost; `None` where the verification is not complete.
    pub lost: Option<u64>,
    /// Which, as ranges; `verification.held` tells which servers still have lost writes.
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
    let is_complete = verification.is_some_and(|verification| verification.account.is_some());
    let lost_writes = verification.map(|one| one.lost_writes.as_slice()).unwrap_or_default();
    let of_window = |window: &TwoPrimaries| {
        let lost: Vec<LostWrites> =
            lost_writes.iter().flat_map(|lost| within(lost, &window.which)).collect();
        let count = lost.iter().map(|one| (one.last_seq - one.first_seq).unsigned_abs() + 1).sum();
        TwoPrimariesAccount {
            window: TwoPrimaries { which: Vec::new(), ..window.clone() },
            lost: is_complete.then_some(count),
            lost_writes: lost,
        }
    };
    run.two_primaries.values().map(of_window).collect()
}

/// The parts of a range of lost writes that are among these.
fn within(lost: &LostWrites, which: &[LosingSide]) -> Vec<LostWrites> {
    let of_writer = which.iter().filter(|one| one.writer == lost.writer);
    let common = |one: &LosingSide| {
        let first_seq = one.first_seq.max(lost.first_seq);
        let last_seq = one.last_seq.min(lost.last_seq);
        (first_seq <= last_seq).then(|| LostWrites { first_seq, last_seq, ..lost.clone() })
    };
    of_writer.filter_map(common).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(writer: i32, first_seq: i64, last_seq: i64) -> LostWrites {
        LostWrites { writer, first_seq, last_seq, acknowledged_from: None, acknowledged_to: None }
    }

    #[test]
    fn only_the_lost_writes_of_the_window_are_its_own() {
        let which = [(10, 20), (30, 40)];
        let which =
            which.map(|(first_seq, last_seq)| LosingSide { writer: 1, first_seq, last_seq });
        assert_eq!(within(&lost(1, 15, 35), &which), [lost(1, 15, 20), lost(1, 30, 35)]);
        assert_eq!(within(&lost(1, 1, 9), &which), []);
        assert_eq!(within(&lost(2, 15, 35), &which), [], "another writer's");
    }
}
