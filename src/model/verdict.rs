//! Pass, fail or inconclusive, and why.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::options::Thresholds;

/// What a run comes to. The order is that of gravity when several are merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everything that was asked for held, and was verified.
    Pass,
    /// Nothing failed that could be seen, but not everything could be seen.
    Inconclusive,
    /// Something that was asked for did not hold.
    Fail,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pass => "pass",
            Self::Inconclusive => "inconclusive",
            Self::Fail => "fail",
        })
    }
}

/// What the verdict is given on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Findings {
    /// Writes acknowledged.
    pub acknowledged: u64,
    /// The verification finished.
    pub verified: bool,
    /// Why it did not.
    pub unverified_reason: Option<String>,
    /// Acknowledged, and not there.
    pub lost: u64,
    /// There more than once.
    pub duplicated: u64,
    /// There, though never sent or proven not committed.
    pub unexpected: u64,
    /// Writes whose outcome the ledger never heard of.
    pub unaccounted: u64,
    /// The record was closed.
    pub closed: bool,
    /// The longest outage, ended or not.
    pub longest_outage: Option<Duration>,
    /// Acknowledged of due, in percent.
    pub availability_pct: Option<f64>,
    /// The 99th percentile of latency.
    pub p99: Option<Duration>,
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
pub fn judge(findings: &Findings, thresholds: &Thresholds) -> Verdict {
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

fn failures(findings: &Findings, thresholds: &Thresholds) -> Vec<String> {
    let mut reasons = Vec::new();
    if findings.lost > thresholds.max_lost {
        reasons.push(format!(
            "{} acknowledged {} lost, at most {} allowed",
            findings.lost,
            writes(findings.lost),
            thresholds.max_lost
        ));
    }
    if findings.duplicated > 0 {
        reasons.push(format!(
            "{} {} there more than once",
            findings.duplicated,
            writes(findings.duplicated)
        ));
    }
    if findings.unexpected > 0 {
        reasons.push(format!(
            "{} {} there that this run did not commit",
            findings.unexpected,
            writes(findings.unexpected)
        ));
    }
    if let (Some(longest), Some(max)) = (findings.longest_outage, thresholds.max_outage)
        && longest > max
    {
        reasons.push(format!(
            "an outage of {:.1} s, at most {:.1} s allowed",
            longest.as_secs_f64(),
            max.as_secs_f64()
        ));
    }
    if let (Some(pct), Some(min)) = (findings.availability_pct, thresholds.min_availability_pct)
        && pct < min
    {
        reasons.push(format!("{pct:.3} % of due writes acknowledged, at least {min} % asked for"));
    }
    if let (Some(p99), Some(max)) = (findings.p99, thresholds.max_p99)
        && p99 > max
    {
        reasons.push(format!(
            "99th percentile of latency {:.1} ms, at most {:.1} ms allowed",
            p99.as_secs_f64() * 1e3,
            max.as_secs_f64() * 1e3
        ));
    }
    reasons
}

fn gaps(findings: &Findings, thresholds: &Thresholds) -> Vec<String> {
    let mut reasons = Vec::new();
    if findings.acknowledged == 0 {
        reasons.push("no write was acknowledged, so nothing is proven".to_owned());
    }
    if !findings.verified {
        let reason = findings.unverified_reason.as_deref().unwrap_or("it did not finish");
        reasons.push(format!("the verification is not complete: {reason}"));
    }
    if !findings.closed {
        reasons.push(format!(
            "the run was killed: {} {} after its last flush {} unaccounted for",
            findings.unaccounted,
            if findings.unaccounted == 1 { "write" } else { "writes" },
            if findings.unaccounted == 1 { "is" } else { "are" }
        ));
    }
    if thresholds.min_availability_pct.is_some() && findings.availability_pct.is_none() {
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

    fn fine() -> Findings {
        Findings {
            acknowledged: 100,
            verified: true,
            closed: true,
            availability_pct: Some(100.0),
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
        let killed = Findings { closed: false, unaccounted: 3, ..fine() };
        assert_eq!(judge(&killed, &Thresholds::default()).outcome, Outcome::Inconclusive);
    }

    #[test]
    fn a_loss_fails_even_when_not_everything_could_be_seen() {
        let findings = Findings { lost: 1, closed: false, ..fine() };
        let verdict = judge(&findings, &Thresholds::default());
        assert_eq!(verdict.outcome, Outcome::Fail);
        assert_eq!(verdict.reasons[0], "1 acknowledged write is lost, at most 0 allowed");
        assert_eq!(verdict.reasons.len(), 2);
    }

    #[test]
    fn each_threshold_can_fail() {
        let thresholds = Thresholds {
            max_outage: Some(Duration::from_secs(10)),
            max_lost: 5,
            min_availability_pct: Some(99.0),
            max_p99: Some(Duration::from_millis(20)),
        };
        let bad = Findings {
            lost: 6,
            longest_outage: Some(Duration::from_secs(11)),
            availability_pct: Some(98.9),
            p99: Some(Duration::from_millis(21)),
            ..fine()
        };
        assert_eq!(judge(&bad, &thresholds).reasons.len(), 4);
        let good = Findings {
            lost: 5,
            longest_outage: Some(Duration::from_secs(10)),
            availability_pct: Some(99.0),
            p99: Some(Duration::from_millis(20)),
            ..fine()
        };
        assert_eq!(judge(&good, &thresholds).outcome, Outcome::Pass);
    }
}
