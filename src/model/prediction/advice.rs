//! Which change would save how much: each is tried by predicting again with it.

use std::cmp::Reverse;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::model::cluster::proxy_checks::ProxyChecks;
use crate::model::prediction::client_waits::ClientWaits;
use crate::model::prediction::expected::expected;
use crate::model::prediction::fault_kind::PredictedFault;
use crate::model::prediction::in_force::PatroniInForce;
use crate::model::prediction::knob::Knob;
use crate::model::prediction::part::Prediction;

/// What saves less than this, on the average or at worst, is no advice.
const SAVED_MIN: Duration = Duration::from_millis(100);

/// A change that shortens outages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// What to change.
    pub knob: Knob,
    /// What it saves, the most first.
    pub saves: Vec<SavedSeconds>,
}

/// What a change saves of the outage after a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SavedSeconds {
    /// The fault.
    pub fault: PredictedFault,
    /// How much.
    pub saved: Saving,
}

/// How much of an outage a change saves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Saving {
    /// So much of it.
    Time {
        /// Half-way between best and worst case.
        mean: Duration,
        /// Of the worst case.
        worst: Duration,
    },
    /// An outage without an end of its own gets one, or is none any more.
    Unbounded,
}

impl Serialize for Saving {
    /// As `{"mean_s": 4.1, "worst_s": 5.5}`, or `"unbounded"`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let Self::Time { mean, worst } = self else {
            return serializer.serialize_str("unbounded");
        };
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("mean_s", &crate::model::seconds::of(*mean))?;
        map.serialize_entry("worst_s", &crate::model::seconds::of(*worst))?;
        map.end()
    }
}

/// All changes that shorten the outage after one of these faults, the one that saves the most first.
#[must_use]
pub fn advice(
    patroni: &PatroniInForce,
    proxy: Option<&ProxyChecks>,
    client: &ClientWaits,
    faults: &[PredictedFault],
) -> Vec<Advice> {
    let of_knob = |knob: Knob| {
        let saves = faults.iter().filter_map(|fault| {
            let before = expected(patroni, proxy, client, *fault);
            let after = knob.turned(patroni, proxy, client, *fault)?;
            Some(SavedSeconds { fault: *fault, saved: saved(&before, &after)? })
        });
        let mut saves: Vec<SavedSeconds> = saves.collect();
        saves.sort_by_key(|one| Reverse(one.saved));
        Advice { knob, saves }
    };
    let mut all = Knob::ALL.map(of_knob).to_vec();
    leave_out_what_others_do(&mut all);
    all.retain(|advice| !advice.saves.is_empty());
    all.sort_by_key(|advice| Reverse(advice.saves.first().map(|one| one.saved)));
    all
}

/// `loop_wait` alone, where it saves no more than all three timeouts.
fn leave_out_what_others_do(all: &mut [Advice]) {
    let of = |knob: Knob| all.iter().find(|advice| advice.knob == knob);
    let timeouts = of(Knob::PatroniTimeouts).map(|advice| advice.saves.clone()).unwrap_or_default();
    if let Some(alone) = all.iter_mut().find(|advice| advice.knob == Knob::LoopWait) {
        alone.saves.retain(|one| {
            !timeouts.iter().any(|other| other.fault == one.fault && other.saved >= one.saved)
        });
    }
}

/// What is saved; `None` where it is not worth a word, or where the outage gets longer at worst.
fn saved(before: &Prediction, after: &Prediction) -> Option<Saving> {
    let (one, other) = match (before.unbounded(), after.unbounded()) {
        (Some(_), None) => return Some(Saving::Unbounded),
        (None, Some(_)) => return None,
        // Beside what no setting ends.
        (Some(_), Some(_)) => (before.bounded(), after.bounded()),
        (None, None) => (before.total(), after.total()),
    };
    let mean = one.mean()?.checked_sub(other.mean()?)?;
    let worst = one.to?.checked_sub(other.to?)?;
    (mean >= SAVED_MIN && worst >= SAVED_MIN).then_some(Saving::Time { mean, worst })
}
