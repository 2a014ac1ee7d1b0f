//! The reports of drills as files: the ending of the name says which format.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use quick_junit::{Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use crate::model::foreign::inert_json;
use crate::model::outcome::Outcome;
use crate::model::scenario::drill_report::{DrillReport, DrillRun};
use crate::report::export::RenderError;
use crate::report::html::drill_page;
use crate::report::junit::{case, error, failure, text};
use crate::report::markdown::inert;
use crate::report::numbers::duration;

use super::result::{lost_as_expected, mark};
use super::table::table;

/// A format of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DrillFormat {
    /// `.json`: everything, for programs.
    Json,
    /// `.md`: for people.
    Markdown,
    /// `.html`: a page with the film of each run, to look at and to send.
    Html,
    /// `.xml`: a test case an expectation, for a CI server.
    Junit,
}

/// A file name that names no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0}: the ending says the format of a drill's report; use .html, .md, .json or .xml (JUnit)"
)]
pub struct UnknownDrillFormat(String);

impl DrillFormat {
    /// The format that the ending of the name asks for, in upper or lower case.
    ///
    /// # Errors
    /// When it asks for none that there is.
    pub fn of_path(path: &Path) -> Result<Self, UnknownDrillFormat> {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        match ending.as_deref() {
            Some("json") => Ok(Self::Json),
            Some("md") => Ok(Self::Markdown),
            Some("html" | "htm") => Ok(Self::Html),
            Some("xml") => Ok(Self::Junit),
            _ => Err(UnknownDrillFormat(path.display().to_string())),
        }
    }

    /// The report in this format, ending with a line break.
    ///
    /// # Errors
    /// Those of the serializers; none is known that a report can cause.
    pub fn render(self, report: &DrillReport) -> Result<String, RenderError> {
        Ok(match self {
            Self::Json => inert_json(serde_json::to_string_pretty(report)? + "\n"),
            Self::Markdown => markdown(report),
            Self::Html => drill_page(report),
            Self::Junit => junit(report)?,
        })
    }
}

/// A suite a run, a case an expectation.
fn junit(report: &DrillReport) -> Result<String, SerializeError> {
    let mut drills = Report::new("pgchaos");
    for run in &report.drills {
        let mut suite = TestSuite::new(text(&suite_name(run)));
        suite.set_time(run.took).add_test_cases(cases(run));
        drills.add_test_suite(suite);
    }
    drills.to_string()
}

fn suite_name(run: &DrillRun) -> String {
    let repetition =
        if run.repetition > 1 { format!(" run {}", run.repetition) } else { String::new() };
    format!("drill {}{repetition} on {}", run.drill, run.on)
}

fn cases(run: &DrillRun) -> Vec<TestCase> {
    let mut cases: Vec<TestCase> = run
        .expectations
        .iter()
        .map(|judged| {
            let seen = match judged.what.as_str() {
                "verdict" if judged.outcome == Outcome::Pass => verdict(run),
                _ => judged.seen.clone(),
            };
            let words = format!("expected {}, seen {seen}", judged.expected);
            let status = match judged.outcome {
                Outcome::Pass => TestCaseStatus::success(),
                Outcome::Fail => failure(&words),
                Outcome::Inconclusive => error(&words),
            };
            let name = format!("{}: {}: {}", judged.of, judged.what, judged.expected);
            case(&name, Duration::ZERO, status, &words)
        })
        .collect();
    let problem = run.problem.as_deref();
    cases.extend(problem.map(|problem| case("it ran", Duration::ZERO, error(problem), "")));
    cases
}

/// The verdict, and with a pass the writes that were lost as expected.
fn verdict(run: &DrillRun) -> String {
    let lost = lost_as_expected(run).map(|words| format!(", {words}")).unwrap_or_default();
    format!("{}{lost}", run.verdict)
}

fn markdown(report: &DrillReport) -> String {
    let mut text = format!("# Drills: {}\n\n```text\n{}```\n", report.verdict, table(report));
    for run in &report.drills {
        // Writing to a String does not fail.
        let _ = write!(
            text,
            "\n## {}: {}\n\n{}. Took {}.\n\n",
            inert(&suite_name(run)),
            verdict(run),
            inert(&run.title),
            duration(run.took)
        );
        if let Some(problem) = &run.problem {
            let _ = writeln!(text, "{}\n", inert(problem));
        }
        text.push_str("| | Of | What | Expected | Seen |\n|---|---|---|---|---|\n");
        for judged in &run.expectations {
            let cells = [&judged.of, &judged.what, &judged.expected, &judged.seen];
            let cells = cells.map(|cell| inert(cell)).join(" | ");
            let _ = writeln!(text, "| {} | {cells} |", mark(judged.outcome));
        }
    }
    text
}
