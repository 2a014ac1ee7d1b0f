//! How much of what was due, or of the time, had an acknowledged write: as it was measured, and
//! between which bounds it lies, as pgchaos itself did not always run.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::load::own_pause::OwnPauses;
use crate::model::outage::{Outage, WITHOUT_ACK_MIN};

/// How fast.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct RateSummary {
    /// Acknowledged writes per second of the run.
    pub acknowledged_per_s: f64,
    /// Acknowledged of due, in percent; in a closed loop the share of the time since the first
    /// acknowledged write that was not without one in an outage. `None` when nothing came due.
    pub availability_pct: Option<f64>,
    /// What that is at least, as no write may have been possible while pgchaos itself did not run;
    /// where it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability_at_least_pct: Option<f64>,
    /// What that would be at most, had pgchaos always run; where it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability_at_most_pct: Option<f64>,
}

/// A share in percent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Availability {
    /// As measured.
    pub pct: f64,
    /// Had no write been possible while pgchaos itself did not run.
    pub at_least_pct: f64,
    /// Had pgchaos always run, and a write been possible all the while.
    pub at_most_pct: f64,
}

impl Availability {
    /// On a schedule: acknowledged of due. What came due in a pause is due, so that a pause makes
    /// it less, and never more. `None` when nothing came due.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn on_schedule(
        acknowledged: u64,
        due: u64,
        per_second: f64,
        pauses: &OwnPauses,
    ) -> Option<Self> {
        let missed = per_second * pauses.total().as_secs_f64();
        let pct = share(acknowledged as f64, due as f64)?;
        let at_most_pct = share(acknowledged as f64 + missed, due as f64)?;
        Some(Self { pct, at_least_pct: pct, at_most_pct })
    }

    /// In a closed loop nothing comes due in an outage: the share of the time from the first
    /// acknowledged write to `elapsed` that was not without one in an outage. In a pause no outage
    /// could be seen. `None` when there was no such time.
    #[must_use]
    pub fn of_time(
        first_ack: Duration,
        elapsed: Duration,
        outages: &[Outage],
        pauses: &OwnPauses,
    ) -> Option<Self> {
        // Only an outage that was open for all writers was measured after the end of the load.
        let measured_on = |outage: &&Outage| {
            outage.open.is_some()
                || (!outage.partial && outage.first_ack.is_some_and(|at| at > elapsed))
        };
        let end = |outage: &Outage| {
            let over = outage.began.saturating_add(outage.degraded);
            if outage.open.is_some() { over } else { outage.first_ack.unwrap_or(over) }
        };
        let end =
            outages.iter().filter(measured_on).map(end).max().unwrap_or_default().max(elapsed);
        let whole = end.saturating_sub(first_ack);
        // Time without a write before the first acknowledgement is not part of the load.
        let without = |outage: &Outage| {
            let before = first_ack.saturating_sub(outage.began);
            // `without_ack` has no stretch shorter than this.
            let before = if before < WITHOUT_ACK_MIN { Duration::ZERO } else { before };
            outage.without_ack.saturating_sub(before)
        };
        let without: Duration = outages.iter().map(without).sum();
        let unseen =
            pauses.outside(first_ack, end, &outages.iter().filter_map(silence).collect::<Vec<_>>());
        let of = |without: Duration| {
            share(whole.saturating_sub(without).as_secs_f64(), whole.as_secs_f64())
        };
        Some(Self {
            pct: of(without)?,
            at_least_pct: of(without.saturating_add(unseen))?,
            at_most_pct: of(without.saturating_sub(pauses.total()))?,
        })
    }
}

/// The stretch of an outage that is without a write as a whole, and is counted so already.
fn silence(outage: &Outage) -> Option<(Duration, Duration)> {
    let over = outage.began.saturating_add(outage.degraded);
    match outage.open {
        Some(open) => Some((over.saturating_sub(open), over)),
        None if outage.partial => None,
        None => {
            let to = outage.first_ack.unwrap_or(over);
            Some((to.saturating_sub(outage.duration), to))
        }
    }
}

fn share(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| (part / whole * 100.0).clamp(0.0, 100.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::load::own_pause::OwnPause;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn pauses(from: u64, length: u64) -> OwnPauses {
        let seen = (length > 0).then_some(OwnPause { from: ms(from), length: ms(length) });
        seen.into_iter().collect()
    }

    fn outage(began: u64, length: u64, is_open: bool) -> Outage {
        Outage {
            began: ms(began),
            duration: ms(length),
            degraded: ms(length),
            without_ack: ms(length),
            first_ack: (!is_open).then(|| ms(began + length)),
            open: is_open.then(|| ms(length)),
            ..Outage::default()
        }
    }

    #[test]
    fn what_pgchaos_slept_through_may_have_been_without_a_write() {
        let share = |outages: &[Outage], pauses: &OwnPauses| {
            Availability::of_time(ms(0), ms(10_000), outages, pauses).unwrap()
        };
        let measured = share(&[], &pauses(4_000, 4_000));
        let bounds = Availability { pct: 100.0, at_least_pct: 60.0, at_most_pct: 100.0 };
        assert_eq!(measured, bounds);
        // Within an outage it is without a write already.
        let within = share(&[outage(2_000, 6_000, false)], &pauses(4_000, 1_000));
        assert_eq!(within, Availability { pct: 40.0, at_least_pct: 40.0, at_most_pct: 50.0 });
        assert_eq!(Availability::of_time(ms(5), ms(5), &[], &pauses(0, 0)), None);
    }

    proptest! {
        /// One outage as it was, and what could be seen of it beside a pause.
        #[test]
        fn the_truth_is_between_the_bounds(
            began in 1_000_u64..20_000,
            length in 1_u64..20_000,
            more in 1_u64..40_000,
            from in 1_000_u64..40_000,
            pause in prop_oneof![Just(0_u64), 100_u64..5_000],
        ) {
            let end = began + more;
            let awake = |at: u64| {
                if (from..from + pause).contains(&at) { from + pause } else { at }
            };
            let (seen, over) = (awake(began), awake(began + length));
            let outages = match () {
                () if seen >= over || seen >= end => vec![],
                () if over > end => vec![outage(seen, end - seen, true)],
                () => vec![outage(seen, over - seen, false)],
            };
            let without = end.min(began + length) - began;
            let whole = end - 500;
            #[allow(clippy::cast_precision_loss)]
            let truth = 100.0 - without as f64 / whole as f64 * 100.0;
            let pauses = pauses(from, pause);
            let share = Availability::of_time(ms(500), ms(end), &outages, &pauses).unwrap();
            prop_assert!(share.at_least_pct <= truth + 1e-9, "{share:?} of {truth}");
            prop_assert!(truth <= share.at_most_pct + 1e-9, "{share:?} of {truth}");
            prop_assert!(share.at_least_pct <= share.pct && share.pct <= share.at_most_pct);
        }
    }
}
