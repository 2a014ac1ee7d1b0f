//! Pass, fail or inconclusive, and why.

use std::borrow::Cow;
use std::time::Duration;

use crate::model::ledger::account::Counts;
use crate::model::load::options::Thresholds;
use crate::model::load::own_pause::OwnPauses;
use crate::model::outage::Outage;
use crate::model::outcome::Outcome;
use crate::model::run::availability::RateSummary;
use crate::model::run::limits::{self, Finding};

/// What the verdict is given on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Findings<'a> {
    /// Writes acknowledged.
    pub acknowledged: u64,
    /// The verification finished.
    pub verified: bool,
    /// Why it did not.
    pub unverified_reason: Option<String>,
    /// What the verification counted; all 0 where it did not finish.
    pub counts: Counts,
    /// The record was closed.
    pub closed: bool,
    /// What pgchaos itself ran out of, each as a reason: what it could not do was not seen.
    pub own_limits: Vec<String>,
    /// Every outage, ended or not.
    pub outages: Cow<'a, [Outage]>,
    /// When pgchaos itself did not run.
    pub own_pauses: OwnPauses,
    /// What the limit of the replicas' lag comes to, where there is one.
    pub lag: Option<Finding>,
    /// What the limit of two primaries comes to.
    pub two_primaries: Option<Finding>,
    /// Nothing comes due by the time: what counts is the time in which one could write.
    pub closed_loop: bool,
    /// The availability, and its bounds.
    pub rate: RateSummary,
    /// The 99th percentile of latency.
    pub p99: Option<Duration>,
    /// The same without the writes that an own pause held up.
    pub p99_undisturbed: Option<Duration>,
}

/// A verdict and its reasons, the gravest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What the run comes to.
    pub outcome: Outcome,
    /// Why, in words; none for a pass.
    pub reasons: Vec<String>,
}

/// Judges a run: a failure outweighs what could not be seen, which outweighs a pass.
#[must_use]
pub fn judge(findings: &Findings<'_>, thresholds: &Thresholds) -> Verdict {
    let mut reasons = failures(findings, thresholds);
    let failed = !reasons.is_empty();
    let gaps = gaps(findings, thresholds);
    let outcome = match (failed, gaps.is_empty()) {
        (true, _) => Outcome::Fail,
        (false, false) => Outcome::Inconclusive,
        (false, true) => Outcome::Pass,
    };
    reasons.extend(gaps);
    Verdict { outcome, reasons }
}

fn failures(findings: &Findings<'_>, thresholds: &Thresholds) -> Vec<String> {
    let mut reasons = Vec::new();
    if findings.counts.lost > thresholds.max_lost {
        reasons.push(format!(
            "{} acknowledged {} lost, at most {} allowed",
            findings.counts.lost,
            writes(findings.counts.lost),
            thresholds.max_lost
        ));
    }
    if findings.counts.duplicated > 0 {
        reasons.push(format!(
            "{} {} there more than once",
            findings.counts.duplicated,
            writes(findings.counts.duplicated)
        ));
    }
    if findings.counts.unexpected > 0 {
        reasons.push(format!(
            "{} {} there that this run did not commit",
            findings.counts.unexpected,
            writes(findings.counts.unexpected)
        ));
    }
    if let Some(Finding::Exceeded(reason)) = &findings.two_primaries {
        reasons.push(reason.clone());
    }
    for finding in of_time(findings, thresholds) {
        if let Finding::Exceeded(reason) = finding {
            reasons.push(reason);
        }
    }
    reasons
}

/// What the limits of time come to, those of outages first.
fn of_time(findings: &Findings<'_>, thresholds: &Thresholds) -> Vec<Finding> {
    let (outages, pauses) = (&*findings.outages, &findings.own_pauses);
    let of_outages = thresholds.max_outage.and_then(|max| limits::outages(outages, pauses, max));
    let of_degraded =
        thresholds.max_degraded.and_then(|max| limits::degraded(outages, pauses, max));
    let of_availability = thresholds
        .min_availability_pct
        .and_then(|min| limits::availability(&findings.rate, findings.closed_loop, pauses, min));
    let of_latency = thresholds.max_p99.and_then(|max| latency(findings, max));
    let of_lag = findings.lag.clone();
    let all = [of_outages, of_degraded, of_availability, of_latency, of_lag];
    let of_own = |finding: Finding| finding.with_own_limits(&findings.own_limits);
    all.into_iter().flatten().map(of_own).collect()
}

fn latency(findings: &Findings<'_>, max: Duration) -> Option<Finding> {
    let p99 = findings.p99.filter(|p99| *p99 > max)?;
    let (measured, allowed) = limits::in_milliseconds(p99, max);
    let words = format!("99th percentile of latency {measured}");
    let undisturbed = findings.p99_undisturbed.unwrap_or(Duration::ZERO);
    Some(if findings.own_pauses.longest().is_none() || undisturbed > max {
        Finding::Exceeded(format!("{words}, at most {allowed} allowed"))
    } else {
        Finding::Unseen(format!(
            "{words}, but pgchaos itself did not run for {:.1} s: whether it is at most {allowed} \
             was not seen",
            findings.own_pauses.total().as_secs_f64()
        ))
    })
}

fn gaps(findings: &Findings<'_>, thresholds: &Thresholds) -> Vec<String> {
    let mut reasons = Vec::new();
    if findings.acknowledged == 0 {
        reasons.push("no write was acknowledged, so nothing is proven".to_owned());
    }
    if !findings.verified {
        let reason = findings.unverified_reason.as_deref().unwrap_or("it did not finish");
        reasons.push(format!("the verification is not complete: {reason}"));
    }
    if findings.counts.undecided > 0 {
        let reason = findings.unverified_reason.as_deref().unwrap_or("they could still come");
        reasons.push(format!(
            "{} in doubt could not be decided: {reason}",
            if findings.counts.undecided == 1 {
                "1 write".to_owned()
            } else {
                format!("{} writes", findings.counts.undecided)
            }
        ));
    }
    if !findings.closed {
        reasons.push(
            "the record is incomplete, the run was killed or its disk failed: an unknown number of \
             writes is unaccounted for"
            .to_owned(),
        );
    }
    if let Some(Finding::Unseen(reason)) = &findings.two_primaries {
        reasons.push(reason.clone());
    }
    for finding in of_time(findings, thresholds) {
        if let Finding::Unseen(reason) = finding {
            reasons.push(reason);
        }
    }
    reasons.extend(findings.own_limits.iter().cloned());
    if thresholds.min_availability_pct.is_some() && findings.rate.availability_pct.is_none() {
        reasons.push("no write came due, so the availability is not known".to_owned());
    }
    reasons
}

fn writes(count: u64) -> &'static str {
    if count == 1 { "write is" } else { "writes are" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn availability(pct: f64) -> RateSummary {
        RateSummary { availability_pct: Some(pct), ..RateSummary::default() }
    }

    fn fine() -> Findings<'static> {
        Findings {
            acknowledged: 100,
            verified: true,
            closed: true,
            rate: availability(100.0),
            ..Findings::default()
        }
    }

    #[test]
    fn a_run_that_proved_everything_passes() {
        let verdict = judge(&fine(), &Thresholds::default());
        assert_eq!(verdict, Verdict { outcome: Outcome::Pass, reasons: vec![] });
    }

    #[test]
    fn a_run_that_proved_nothing_is_inconclusive() {
        let nothing = Findings { acknowledged: 0, ..fine() };
        assert_eq!(judge(&nothing, &Thresholds::default()).outcome, Outcome::Inconclusive);
        let unverified = Findings { verified: false, ..fine() };
        assert_eq!(judge(&unverified, &Thresholds::default()).outcome, Outcome::Inconclusive);
        let killed = Findings { closed: false, ..fine() };
        assert_eq!(judge(&killed, &Thresholds::default()).outcome, Outcome::Inconclusive);
        let starved = Findings { own_limits: vec!["no ports".to_owned()], ..fine() };
        let verdict = judge(&starved, &Thresholds::default());
        assert_eq!((verdict.outcome, verdict.reasons.len()), (Outcome::Inconclusive, 1));
        let in_doubt = Findings { counts: Counts { undecided: 2, ..Counts::default() }, ..fine() };
        assert_eq!(judge(&in_doubt, &Thresholds::default()).outcome, Outcome::Inconclusive);
    }

    #[test]
    fn a_loss_fails_even_when_not_everything_could_be_seen() {
        let findings =
            Findings { counts: Counts { lost: 1, ..Counts::default() }, closed: false, ..fine() };
        let verdict = judge(&findings, &Thresholds::default());
        assert_eq!(verdict.outcome, Outcome::Fail);
        assert_eq!(verdict.reasons[0], "1 acknowledged write is lost, at most 0 allowed");
        assert_eq!(verdict.reasons.len(), 2);
    }

    /// An outage of so many seconds, with writers out for twice as long.
    fn closed(seconds: u64) -> Outage {
        let began = Duration::from_secs(5);
        let length = Duration::from_secs(seconds);
        Outage {
            began,
            duration: length,
            degraded: length * 2,
            first_ack: Some(began + length),
            ..Outage::default()
        }
    }

    #[test]
    fn an_own_pause_leaves_the_availability_open() {
        let min = Thresholds { min_availability_pct: Some(99.0), ..Thresholds::default() };
        let of = |at_least: f64| {
            let rate =
                RateSummary { availability_at_least_pct: Some(at_least), ..availability(100.0) };
            judge(&Findings { rate, closed_loop: true, ..fine() }, &min).outcome
        };
        assert_eq!((of(98.9), of(99.0)), (Outcome::Inconclusive, Outcome::Pass));
    }

    #[test]
    fn each_threshold_can_fail() {
        let thresholds = Thresholds {
            max_outage: Some(Duration::from_secs(10)),
            max_degraded: Some(Duration::from_secs(20)),
            max_two_primaries: Duration::ZERO,
            max_lost: 5,
            min_availability_pct: Some(99.0),
            max_p99: Some(Duration::from_millis(20)),
            max_lag: Some(Duration::from_secs(1)),
        };
        let bad = Findings {
            counts: Counts { lost: 6, ..Counts::default() },
            outages: vec![closed(11)].into(),
            rate: availability(98.9),
            p99: Some(Duration::from_millis(21)),
            lag: Some(Finding::Exceeded("replica r1 was 2.0 s behind".to_owned())),
            ..fine()
        };
        assert_eq!(judge(&bad, &thresholds).reasons.len(), 6);
        let good = Findings {
            counts: Counts { lost: 5, ..Counts::default() },
            outages: vec![closed(10)].into(),
            rate: availability(99.0),
            p99: Some(Duration::from_millis(20)),
            ..fine()
        };
        assert_eq!(judge(&good, &thresholds).outcome, Outcome::Pass);
    }
}
