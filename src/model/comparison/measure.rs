//! What is compared of a run: one number each, with the bounds of what could not be seen.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::load::own_pause::OwnPauses;
use crate::model::outage::Outage;
use crate::model::outage::ack_timeline::NoAckSpan;
use crate::model::run::summary::{Summary, VerificationState};
use crate::model::statistics::Bounds;

/// What is compared. The name ends with its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// The longest stretch of a run without an acknowledged write, in seconds; 0 without an outage. Partial
    /// outages, in which others wrote, do not count.
    LongestOutageS,
    /// The time of a run without an acknowledged write, in all of its outages, in seconds.
    WithoutWriteS,
    /// The run's availability in percent, as its summary has it.
    AvailabilityPct,
    /// Whether a run lost an acknowledged write: 1 or 0, and in percent of the runs of a set.
    LossPct,
    /// The run's 99th percentile of latency in milliseconds. The median of several runs is that of
    /// their percentiles, and no percentile of all their writes.
    LatencyP99Ms,
    /// Acknowledged writes per second of the run.
    AcknowledgedPerS,
}

impl Measure {
    /// All of them, what matters most first.
    pub const ALL: [Self; 6] = [
        Self::LongestOutageS,
        Self::WithoutWriteS,
        Self::AvailabilityPct,
        Self::LossPct,
        Self::LatencyP99Ms,
        Self::AcknowledgedPerS,
    ];

    /// Whether less of it is better.
    #[must_use]
    pub fn less_is_better(self) -> bool {
        !matches!(self, Self::AvailabilityPct | Self::AcknowledgedPerS)
    }

    /// What it is of a run. An outage that was open when the run ended is at least as long as it was, and
    /// so is what a record has that was cut; what pgchaos itself slept through may have been anything.
    #[must_use]
    pub fn of(self, run: &Summary) -> Bounds {
        match self {
            Self::LongestOutageS => longest_outage(run),
            Self::WithoutWriteS => without_write(run),
            Self::AvailabilityPct => availability(run),
            Self::LossPct => loss(run),
            Self::LatencyP99Ms => latency(run),
            Self::AcknowledgedPerS => acknowledged(run),
        }
    }
}

fn pauses(run: &Summary) -> OwnPauses {
    run.own_pauses.iter().copied().collect()
}

/// Whether an outage was open for all writers when the run ended.
fn is_open(run: &Summary) -> bool {
    run.outages.iter().any(|outage| outage.open.is_some())
}

/// Whether the run may have had more, and longer, outages than its summary has: one was open when it
/// ended, or its record was cut and lacks what came after.
#[must_use]
pub(super) fn may_be_longer(run: &Summary) -> bool {
    is_open(run) || is_cut(run)
}

/// Whether its record lacks its end: the run was killed, or its disk failed. What is measured of it is not the
/// whole run's.
#[must_use]
pub(super) fn is_cut(run: &Summary) -> bool {
    let lacks_lines = run.record.as_ref().is_some_and(|record| !record.complete);
    lacks_lines || run.writes.unaccounted.is_none()
}

/// Outages begin after the first write: of a run without one none are known.
fn any_outage() -> Bounds {
    Bounds { measured: None, at_least: 0.0, at_most: f64::INFINITY }
}

fn longest_outage(run: &Summary) -> Bounds {
    if run.writes.acknowledged == 0 {
        return any_outage();
    }
    let pauses = pauses(run);
    let silent = || run.outages.iter().flat_map(Outage::silent);
    let longest = silent().map(NoAckSpan::length).max().unwrap_or_default();
    let bounds = || silent().map(|span| pauses.bounds(span.from, span.to));
    let at_least = bounds().map(|(least, _)| least).max().unwrap_or_default();
    let at_most = bounds().map(|(_, most)| most).max().unwrap_or_default();
    // An outage may have come and gone while pgchaos slept.
    let at_most = at_most.max(pauses.longest().unwrap_or_default());
    Bounds {
        measured: Some(longest.as_secs_f64()),
        at_least: at_least.as_secs_f64(),
        at_most: if may_be_longer(run) { f64::INFINITY } else { at_most.as_secs_f64() },
    }
}

fn without_write(run: &Summary) -> Bounds {
    if run.writes.acknowledged == 0 {
        return any_outage();
    }
    let slept = pauses(run).total();
    let add = |sum: Duration, outage: &Outage| sum.saturating_add(outage.without_ack);
    let without = run.outages.iter().fold(Duration::ZERO, add);
    let at_most = without.saturating_add(slept).as_secs_f64();
    Bounds {
        measured: Some(without.as_secs_f64()),
        at_least: without.saturating_sub(slept).as_secs_f64(),
        at_most: if may_be_longer(run) { f64::INFINITY } else { at_most },
    }
}

fn availability(run: &Summary) -> Bounds {
    if is_cut(run) {
        return Bounds { measured: None, at_least: 0.0, at_most: 100.0 };
    }
    let rate = &run.rate;
    Bounds {
        measured: rate.availability_pct,
        at_least: rate.availability_at_least_pct.or(rate.availability_pct).unwrap_or(0.0),
        at_most: rate.availability_at_most_pct.or(rate.availability_pct).unwrap_or(100.0),
    }
}

/// Acknowledged writes that are lost; `None` where that is not known. A record that was not closed may
/// lack some.
#[must_use]
pub(super) fn lost_writes(run: &Summary) -> Option<u64> {
    let lost = run.verification.counts.lost;
    let is_verified = run.verification.state == VerificationState::Complete;
    let is_known = is_verified && (lost > 0 || run.writes.unaccounted.is_some());
    is_known.then_some(lost)
}

fn loss(run: &Summary) -> Bounds {
    match lost_writes(run) {
        Some(lost) => Bounds::exactly(if lost > 0 { 1.0 } else { 0.0 }),
        None => Bounds { measured: None, at_least: 0.0, at_most: 1.0 },
    }
}

fn latency(run: &Summary) -> Bounds {
    let Some(p99) = run.latency_ms.p99.filter(|_| !is_cut(run)) else {
        return Bounds { measured: None, at_least: 0.0, at_most: f64::INFINITY };
    };
    // What pgchaos held up itself is among the slowest: without it, the percentile is lower.
    let undisturbed = run.own_pauses.is_empty();
    let at_least = if undisturbed { p99 } else { run.latency_ms.p50.unwrap_or(0.0) };
    Bounds { measured: Some(p99), at_least, at_most: p99 }
}

fn acknowledged(run: &Summary) -> Bounds {
    if is_cut(run) {
        return Bounds { measured: None, at_least: 0.0, at_most: f64::INFINITY };
    }
    let rate = run.rate.acknowledged_per_s;
    let awake_s = run.elapsed_s - pauses(run).total().as_secs_f64();
    let at_most = if awake_s > 0.0 { rate * run.elapsed_s / awake_s } else { f64::INFINITY };
    Bounds { measured: Some(rate), at_least: rate, at_most: at_most.max(rate) }
}
