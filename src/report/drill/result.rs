//! What one run of a drill came to: every expectation on a line, with what was seen.

use crate::model::outcome::Outcome;
use crate::model::scenario::drill_report::DrillRun;
use crate::model::scenario::judging::Judged;
use crate::report::layout::{Layout, Line, Tone};
use crate::report::numbers::{duration, grouped};

/// The lines of one run; the problem and the verdict come last, next to the prompt.
#[must_use]
pub fn result(run: &DrillRun, layout: &Layout) -> String {
    let mut rows = Vec::new();
    let repetition =
        if run.repetition > 1 { format!(" (run {})", run.repetition) } else { String::new() };
    let title = format!("drill {}{repetition} on {}", run.drill, run.on);
    rows.extend(layout.rows("\n", &Line::new(Tone::Plain, "").rest(title)));
    let mut of = "";
    for judged in &run.expectations {
        if judged.of != of {
            of = &judged.of;
            rows.extend(layout.rows("  ", &Line::new(Tone::Plain, "").rest(of)));
        }
        // Marks stand in one column.
        let prefix = format!("{:>width$}", "", width = 8 - mark(judged.outcome).len());
        rows.extend(layout.rows(&prefix, &line(judged)));
    }
    if let Some(problem) = &run.problem {
        for line in problem.lines() {
            rows.extend(layout.rows("  ", &Line::new(Tone::Bad, "").rest(line)));
        }
    }
    rows.extend(layout.rows("  ", &verdict(run)));
    rows.join("\n") + "\n"
}

fn line(judged: &Judged) -> Line {
    let (what, expected, seen) = (&judged.what, &judged.expected, &judged.seen);
    let (tone, rest) = match judged.outcome {
        // Where expected and seen read the same, one of them is shown.
        Outcome::Pass if *expected == *seen => (Tone::Good, format!(" {what}: {seen}")),
        Outcome::Pass => (Tone::Good, format!(" {what}: {seen} ({expected} expected)")),
        Outcome::Inconclusive => (Tone::Wary, format!(" {what}: {expected} expected, {seen}")),
        Outcome::Fail => (Tone::Bad, format!(" {what}: {expected} expected, {seen} seen")),
    };
    Line::new(tone, mark(judged.outcome)).rest(rest)
}

/// One word for an outcome.
pub(super) fn mark(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "ok",
        Outcome::Inconclusive => "?",
        Outcome::Fail => "FAIL",
    }
}

/// Words beside a pass in which writes were lost.
pub(super) fn lost_as_expected(run: &DrillRun) -> Option<String> {
    run.lost_as_expected().map(|lost| format!("as expected: {} lost", grouped(lost)))
}

fn verdict(run: &DrillRun) -> Line {
    let (tone, word) = match (run.verdict, run.summary.is_some()) {
        (Outcome::Pass, _) => (Tone::Proven, "PASS"),
        (Outcome::Fail, _) => (Tone::Loud, "FAIL"),
        (Outcome::Inconclusive, _) if run.interrupted => (Tone::Wary, "INTERRUPTED"),
        (Outcome::Inconclusive, true) => (Tone::Wary, "INCONCLUSIVE"),
        (Outcome::Inconclusive, false) => (Tone::Bad, "COULD NOT RUN"),
    };
    let lost = lost_as_expected(run).map(|words| format!(", {words}")).unwrap_or_default();
    Line::new(tone, word).rest(format!("{lost} · {}", run.drill)).part(duration(run.took))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::scenario::drill_report::DrillReport;
    use crate::report::drill::files::DrillFormat;
    use crate::report::drill::table::table;
    use crate::report::fixtures::summary;

    /// A drill that expects a loss, and the verdict of its run.
    fn lossy(verdict: Outcome) -> DrillRun {
        let mut summary = summary();
        summary.verification.counts.lost = 1203;
        let judged = |what: &str, expected: &str, seen: &str| Judged {
            of: "run".to_owned(),
            what: what.to_owned(),
            expected: expected.to_owned(),
            seen: seen.to_owned(),
            outcome: verdict,
        };
        DrillRun {
            drill: "async-loss".to_owned(),
            title: "What was not replicated goes".to_owned(),
            on: "lab-x".to_owned(),
            repetition: 1,
            took: Duration::from_secs(20),
            verdict,
            problem: None,
            interrupted: false,
            expectations: vec![
                judged("lost", "at least 1", "1203"),
                judged("verdict", "pass", "pass"),
            ],
            summary: Some(summary),
        }
    }

    #[test]
    fn a_pass_in_which_writes_were_lost_says_so_wherever_it_is_told() {
        let run = lossy(Outcome::Pass);
        let page = result(&run, &Layout { colour: false, width: Some(80), shorten: false });
        let last = page.lines().last().unwrap();
        assert_eq!(last, "  PASS, as expected: 1 203 lost · async-loss · 20.0 s");
        let report = DrillReport::of(vec![run]);
        assert!(table(&report).contains("lost 1 203, as expected"), "{}", table(&report));
        let markdown = DrillFormat::Markdown.render(&report).unwrap();
        assert!(markdown.contains(": pass, as expected: 1 203 lost\n"), "{markdown}");
        let junit = DrillFormat::Junit.render(&report).unwrap();
        assert!(junit.contains("pass, as expected: 1 203 lost</system-out>"), "{junit}");
    }

    #[test]
    fn a_failure_is_none_that_was_expected() {
        let report = DrillReport::of(vec![lossy(Outcome::Fail)]);
        for format in [DrillFormat::Markdown, DrillFormat::Junit] {
            assert!(!format.render(&report).unwrap().contains("as expected"));
        }
        assert!(!table(&report).contains("as expected"));
    }
}
