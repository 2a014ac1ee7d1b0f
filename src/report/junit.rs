//! The summary as JUnit XML: a CI server shows each outage, the verification and the verdict as
//! a test case.
//!
//! quick-junit writes it and counts; texts are made printable first, as it drops control characters
//! that are better shown.

#[cfg(test)]
mod tests;

use std::time::Duration;

use chrono::SecondsFormat;
use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use crate::model::comparison::{ComparedRun, Comparison, SetName};
use crate::model::outage::Outage;
use crate::model::outcome::Outcome;
use crate::model::run::limits::{self, Finding};
use crate::model::run::replica_lag::ReplicaSummary;
use crate::model::run::summary::{Summary, VerificationState};
use crate::model::run::two_primaries_account::TwoPrimariesAccount;

use super::comparison::cells;
use super::numbers::counted;
use super::words;
use crate::model::foreign::plain;

/// One test suite: the verdict, the verification, one test case an outage.
///
/// # Errors
/// It is written to memory: no error is known.
pub fn junit(summary: &Summary) -> Result<String, SerializeError> {
    written([suite(summary, None)], elapsed(summary))
}

/// One test suite a run, and of two sets those of A: what B is measured by fails no build, as it fails no
/// command.
///
/// # Errors
/// It is written to memory: no error is known.
pub fn junit_of_comparison(
    comparison: &Comparison,
    runs: &[&Summary],
) -> Result<String, SerializeError> {
    let two_sets = cells::has_two_sets(comparison);
    let both = || comparison.runs.iter().zip(runs);
    let of_a = || both().filter(|(run, _)| run.set == SetName::A);
    let suite = |(run, summary): (&ComparedRun, &&Summary)| {
        suite(summary, two_sets.then(|| run.set.name()))
    };
    written(of_a().map(suite), of_a().map(|(_, summary)| elapsed(summary)).sum())
}

fn written(
    suites: impl IntoIterator<Item = TestSuite>,
    elapsed: Duration,
) -> Result<String, SerializeError> {
    let mut report = Report::new("pgchaos");
    report.set_time(elapsed);
    report.add_test_suites(suites);
    report.to_string()
}

fn elapsed(summary: &Summary) -> Duration {
    Duration::try_from_secs_f64(summary.elapsed_s).unwrap_or_default()
}

fn suite(summary: &Summary, set: Option<&str>) -> TestSuite {
    let set = set.map(|set| format!("{set} · ")).unwrap_or_default();
    let called = words::called(summary.name.as_deref(), summary.group.as_deref())
        .map(|called| format!(" · {called}"))
        .unwrap_or_default();
    let elapsed = elapsed(summary);
    let mut suite = TestSuite::new(text(&format!("pgchaos {set}{}{called}", summary.run_id)));
    // JUnit's schema has no zone in timestamps, and set_timestamp writes one.
    let timestamp = summary.started_at.to_rfc3339_opts(SecondsFormat::Secs, true);
    suite.extra.insert("timestamp".into(), timestamp.trim_end_matches('Z').into());
    suite.set_time(elapsed);
    suite.add_test_cases([verdict(summary, elapsed), verification(summary)]);
    suite.add_test_cases(summary.outages.iter().map(|outage| of_outage(outage, summary)));
    suite.add_test_cases(summary.two_primaries.iter().map(|seen| of_two_primaries(seen, summary)));
    suite.add_test_cases(summary.replicas.iter().map(|replica| of_replica(replica, summary)));
    suite
}

/// A test case; `output` is shown also where it passed.
pub(super) fn case(name: &str, time: Duration, status: TestCaseStatus, output: &str) -> TestCase {
    let mut case = TestCase::new(text(name), status);
    case.set_classname("pgchaos").set_time(time);
    if !output.is_empty() {
        case.set_system_out(text(output));
    }
    case
}

/// A limit or an expectation did not hold.
pub(super) fn failure(why: &str) -> TestCaseStatus {
    because(TestCaseStatus::non_success(NonSuccessKind::Failure), why)
}

/// Whether it held is not known.
pub(super) fn error(why: &str) -> TestCaseStatus {
    because(TestCaseStatus::non_success(NonSuccessKind::Error), why)
}

fn because(mut status: TestCaseStatus, why: &str) -> TestCaseStatus {
    status.set_message(text(why));
    status
}

fn verdict(summary: &Summary, elapsed: Duration) -> TestCase {
    let reasons = summary.reasons.join("; ");
    let status = match summary.verdict {
        Outcome::Pass => TestCaseStatus::success(),
        Outcome::Fail => failure(&reasons),
        Outcome::Inconclusive => error(&format!("inconclusive: {reasons}")),
    };
    let output = format!(
        "{} acknowledged, {}",
        counted(summary.writes.acknowledged, "write"),
        counted(summary.outages.len() as u64, "outage")
    );
    case("verdict", elapsed, status, &output)
}

fn verification(summary: &Summary) -> TestCase {
    let found = &summary.verification;
    let why = |otherwise: &str| found.reason.clone().unwrap_or_else(|| otherwise.to_owned());
    let wrong: Vec<String> = [
        (found.counts.lost, summary.options.thresholds.max_lost, "lost"),
        (found.counts.duplicated, 0, "duplicated"),
        (found.counts.unexpected, 0, "unexpected"),
    ]
    .into_iter()
    .filter(|(count, allowed, _)| count > allowed)
    .map(|(count, _, what)| format!("{} {what}", counted(count, "write")))
    .collect();
    let status = match found.state {
        VerificationState::Complete if wrong.is_empty() => TestCaseStatus::success(),
        VerificationState::Complete => failure(&wrong.join(", ")),
        VerificationState::Incomplete => error(&why("it did not finish")),
        VerificationState::Skipped => because(TestCaseStatus::skipped(), &why("not asked for")),
    };
    let output = match found.state {
        VerificationState::Complete => format!(
            "{} there, {} lost; in doubt: {} committed, {} not{}",
            found.counts.present,
            found.counts.lost,
            found.counts.recovered,
            found.counts.absent,
            match found.counts.undecided {
                0 => String::new(),
                open => format!(", {open} open"),
            }
        ),
        VerificationState::Incomplete | VerificationState::Skipped => String::new(),
    };
    case("verification", Duration::ZERO, status, &output)
}

fn of_outage(outage: &Outage, summary: &Summary) -> TestCase {
    let thresholds = &summary.options.thresholds;
    let (one, pauses) =
        (std::slice::from_ref(outage), summary.own_pauses.iter().copied().collect());
    let findings = [
        thresholds.max_outage.and_then(|max| limits::outages(one, &pauses, max)),
        thresholds.max_degraded.and_then(|max| limits::degraded(one, &pauses, max)),
    ];
    let (mut exceeded, mut unseen) = (None, None);
    for finding in findings.into_iter().flatten() {
        match finding.with_own_limits(&summary.own_limits) {
            Finding::Exceeded(why) => exceeded = Some(why),
            Finding::Unseen(why) => unseen = Some(why),
        }
    }
    let status = match (exceeded, unseen) {
        (Some(why), _) => failure(&why),
        (None, Some(why)) => error(&why),
        (None, None) => TestCaseStatus::success(),
    };
    let errors = match outage.errors.is_empty() {
        true => String::new(),
        false => format!("; {}", words::errors(&outage.errors)),
    };
    case(
        &format!("outage {}: {}", outage.n, words::outage(outage)),
        outage.length(),
        status,
        &format!("{}{errors}", words::length(outage, summary.options.load.writers)),
    )
}

fn of_two_primaries(seen: &TwoPrimariesAccount, summary: &Summary) -> TestCase {
    let (max, pauses) = (
        summary.options.thresholds.max_two_primaries,
        summary.own_pauses.iter().copied().collect(),
    );
    let status = match limits::two_primaries([&seen.window], &pauses, max) {
        Some(Finding::Exceeded(why)) => failure(&why),
        Some(Finding::Unseen(why)) => error(&why),
        None => TestCaseStatus::success(),
    };
    let name = format!("two primaries {}", seen.n);
    case(&name, seen.length(), status, &words::two_primaries_account(seen))
}

fn of_replica(replica: &ReplicaSummary, summary: &Summary) -> TestCase {
    let allowed = summary.options.thresholds.max_lag;
    let status = match allowed.filter(|max| replica.lag_max > *max) {
        Some(max) => {
            let (measured, allowed) = limits::in_seconds(replica.lag_max, max);
            let finding =
                Finding::Exceeded(format!("{measured} behind, at most {allowed} allowed"));
            match finding.with_own_limits(&summary.own_limits) {
                Finding::Exceeded(why) => failure(&why),
                Finding::Unseen(why) => error(&why),
            }
        }
        None => TestCaseStatus::success(),
    };
    case(&format!("replica {}", replica.name), Duration::ZERO, status, &words::replica(replica))
}

/// Text that XML 1.0 can hold, on one line: what a terminal obeys, and what XML forbids, is shown as
/// an escape.
pub(super) fn text(said: &str) -> String {
    plain(said).replace('\u{fffe}', "\\u{fffe}").replace('\u{ffff}', "\\u{ffff}")
}
