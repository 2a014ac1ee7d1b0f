//! The summary as JUnit XML: a CI server shows each outage, the verification and the verdict as
//! a test case.
//!
//! Written by hand, as it is three elements: the one thing that can go wrong is the escaping,
//! and no writer of XML removes the control characters that XML 1.0 cannot hold in any form.

#[cfg(test)]
mod tests;

use std::fmt::{self, Write};

use chrono::SecondsFormat;

use crate::model::outage::Outage;
use crate::model::run::limits::{self, Finding};
use crate::model::run::outcome::Outcome;
use crate::model::run::replica_lag::ReplicaSummary;
use crate::model::run::summary::{Summary, VerificationState};
use crate::model::seconds;

use super::numbers::counted;
use super::words;
use crate::model::foreign::plain;

pub(super) enum Ending {
    Passed,
    Failed(String),
    /// The truth is not known.
    Error(String),
    Skipped(String),
}

pub(super) struct Case {
    pub(super) name: String,
    pub(super) time_s: f64,
    pub(super) result: Ending,
    /// What a reader of the case wants to know when it passed, too.
    pub(super) output: String,
}

/// One test suite: the verdict, the verification, one test case an outage.
#[must_use]
pub fn junit(summary: &Summary) -> String {
    let mut cases = vec![verdict(summary), verification(summary)];
    cases.extend(summary.outages.iter().map(|outage| of_outage(outage, summary)));
    cases.extend(summary.replicas.iter().map(|replica| of_replica(replica, summary)));
    let mut xml = String::new();
    // Writing to a String does not fail.
    let _ = suite(&mut xml, summary, &cases);
    xml
}

fn suite(xml: &mut String, summary: &Summary, cases: &[Case]) -> fmt::Result {
    let counts = counts(cases, summary.elapsed_s);
    // JUnit's schema has no zone in timestamps.
    let called = words::called(summary.name.as_deref(), summary.group.as_deref())
        .map(|called| format!(" · {}", escaped(&called)))
        .unwrap_or_default();
    let timestamp = summary.started_at.to_rfc3339_opts(SecondsFormat::Secs, true);
    writeln!(xml, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(xml, r#"<testsuites name="pgchaos" {counts}>"#)?;
    writeln!(
        xml,
        r#"  <testsuite name="pgchaos {}{called}" timestamp="{}" {counts}>"#,
        summary.run_id,
        timestamp.trim_end_matches('Z'),
    )?;
    for case in cases {
        write_case(xml, case)?;
    }
    writeln!(xml, "  </testsuite>\n</testsuites>")
}

/// Several suites with their names and times: each a drill, each case an expectation.
pub(super) fn suites(suites: &[(String, f64, Vec<Case>)]) -> String {
    let mut xml = String::new();
    // Writing to a String does not fail.
    let _ = write_suites(&mut xml, suites);
    xml
}

fn write_suites(xml: &mut String, suites: &[(String, f64, Vec<Case>)]) -> fmt::Result {
    writeln!(xml, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(xml, r#"<testsuites name="pgchaos">"#)?;
    for (name, time_s, cases) in suites {
        let counts = counts(cases, *time_s);
        writeln!(xml, r#"  <testsuite name="{}" {counts}>"#, escaped(name))?;
        for case in cases {
            write_case(xml, case)?;
        }
        writeln!(xml, "  </testsuite>")?;
    }
    writeln!(xml, "</testsuites>")
}

fn counts(cases: &[Case], time_s: f64) -> String {
    let count = |is: fn(&Ending) -> bool| cases.iter().filter(|case| is(&case.result)).count();
    format!(
        r#"tests="{}" failures="{}" errors="{}" skipped="{}" time="{time_s}""#,
        cases.len(),
        count(|result| matches!(result, Ending::Failed(_))),
        count(|result| matches!(result, Ending::Error(_))),
        count(|result| matches!(result, Ending::Skipped(_))),
    )
}

fn write_case(xml: &mut String, case: &Case) -> fmt::Result {
    writeln!(
        xml,
        r#"    <testcase classname="pgchaos" name="{}" time="{}">"#,
        escaped(&case.name),
        case.time_s
    )?;
    let told = match &case.result {
        Ending::Passed => None,
        Ending::Failed(why) => Some(("failure", why)),
        Ending::Error(why) => Some(("error", why)),
        Ending::Skipped(why) => Some(("skipped", why)),
    };
    if let Some((element, why)) = told {
        writeln!(xml, r#"      <{element} message="{}"/>"#, escaped(why))?;
    }
    if !case.output.is_empty() {
        writeln!(xml, "      <system-out>{}</system-out>", escaped(&case.output))?;
    }
    writeln!(xml, "    </testcase>")
}

fn verdict(summary: &Summary) -> Case {
    let reasons = summary.reasons.join("; ");
    let result = match summary.verdict {
        Outcome::Pass => Ending::Passed,
        Outcome::Fail => Ending::Failed(reasons),
        Outcome::Inconclusive => Ending::Error(format!("inconclusive: {reasons}")),
    };
    let output = format!(
        "{} acknowledged, {}",
        counted(summary.writes.acknowledged, "write"),
        counted(summary.outages.len() as u64, "outage")
    );
    Case { name: "verdict".to_owned(), time_s: summary.elapsed_s, result, output }
}

fn verification(summary: &Summary) -> Case {
    let found = &summary.verification;
    let why = |otherwise: &str| found.reason.clone().unwrap_or_else(|| otherwise.to_owned());
    let wrong: Vec<String> = [
        (found.lost, summary.options.thresholds.max_lost, "lost"),
        (found.duplicated, 0, "duplicated"),
        (found.unexpected, 0, "unexpected"),
    ]
    .into_iter()
    .filter(|(count, allowed, _)| count > allowed)
    .map(|(count, _, what)| format!("{} {what}", counted(count, "write")))
    .collect();
    let result = match found.state {
        VerificationState::Complete if wrong.is_empty() => Ending::Passed,
        VerificationState::Complete => Ending::Failed(wrong.join(", ")),
        VerificationState::Incomplete => Ending::Error(why("it did not finish")),
        VerificationState::Skipped => Ending::Skipped(why("not asked for")),
    };
    let output = match found.state {
        VerificationState::Complete => format!(
            "{} there, {} lost; in doubt: {} committed, {} not{}",
            found.present,
            found.lost,
            found.recovered,
            found.absent,
            match found.undecided {
                0 => String::new(),
                open => format!(", {open} open"),
            }
        ),
        VerificationState::Incomplete | VerificationState::Skipped => String::new(),
    };
    Case { name: "verification".to_owned(), time_s: 0.0, result, output }
}

fn of_outage(outage: &Outage, summary: &Summary) -> Case {
    let thresholds = &summary.options.thresholds;
    let (one, pauses) =
        (std::slice::from_ref(outage), summary.own_pauses.iter().copied().collect());
    let findings = [
        thresholds.max_outage.and_then(|max| limits::outages(one, &pauses, max)),
        thresholds.max_degraded.and_then(|max| limits::degraded(one, &pauses, max)),
    ];
    let mut result = Ending::Passed;
    for finding in findings.into_iter().flatten() {
        result = match (finding.with_own_limits(&summary.own_limits), result) {
            (Finding::Exceeded(why), _) => Ending::Failed(why),
            (Finding::Unseen(_), failed @ Ending::Failed(_)) => failed,
            (Finding::Unseen(why), _) => Ending::Error(why),
        };
    }
    let errors = match outage.errors.is_empty() {
        true => String::new(),
        false => format!("; {}", words::errors(&outage.errors)),
    };
    Case {
        name: format!("outage {}: {}", outage.n, words::outage(outage)),
        time_s: seconds::of(outage.length()),
        result,
        output: format!("{}{errors}", words::length(outage, summary.options.load.writers)),
    }
}

fn of_replica(replica: &ReplicaSummary, summary: &Summary) -> Case {
    let allowed = summary.options.thresholds.max_lag;
    let result = match allowed.filter(|max| replica.lag_max > *max) {
        Some(max) => {
            let (measured, allowed) = limits::in_print(replica.lag_max, max);
            let finding =
                Finding::Exceeded(format!("{measured} behind, at most {allowed} allowed"));
            match finding.with_own_limits(&summary.own_limits) {
                Finding::Exceeded(why) => Ending::Failed(why),
                Finding::Unseen(why) => Ending::Error(why),
            }
        }
        None => Ending::Passed,
    };
    Case {
        name: format!("replica {}", replica.name),
        time_s: 0.0,
        result,
        output: words::replica(replica),
    }
}

/// Text that is the same in an element and in an attribute, and legal in XML 1.0.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in plain(text).chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => escaped.extend(character.escape_unicode()),
            other => escaped.push(other),
        }
    }
    escaped
}
