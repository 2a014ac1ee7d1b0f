//! What one run of a drill came to: every expectation on a line, with what was seen.

use crate::model::drill_report::DrillRun;
use crate::model::judging::Judged;
use crate::model::verdict::Outcome;
use crate::report::layout::{Layout, Line, Tone};
use crate::report::numbers::duration;

/// The lines of one run, with what is wrong last, where it is read first.
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
        // What came out as expected to the word is told once.
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

fn verdict(run: &DrillRun) -> Line {
    let (tone, word) = match (run.verdict, run.summary.is_some()) {
        (Outcome::Pass, _) => (Tone::Proven, "PASS"),
        (Outcome::Fail, _) => (Tone::Loud, "FAIL"),
        (Outcome::Inconclusive, true) => (Tone::Wary, "INCONCLUSIVE"),
        (Outcome::Inconclusive, false) => (Tone::Bad, "COULD NOT RUN"),
    };
    Line::new(tone, word).rest(format!(" · {}", run.drill)).part(duration(run.took))
}
