//! Several runs in one table: verdicts, and how the outages spread.

use crate::model::outage::Outage;
use crate::model::outcome::Outcome;
use crate::model::scenario::drill_report::{DrillReport, Spread};
use crate::report::numbers::{counted, duration, grouped};

/// One line a drill, and under it one an outage when it ran more than once.
#[must_use]
pub fn table(report: &DrillReport) -> String {
    let spreads = report.spreads();
    let width = spreads.iter().map(|spread| spread.drill.len()).max().unwrap_or(0);
    let mut lines = vec![String::new()];
    for spread in &spreads {
        lines.push(line(spread, width));
        if spread.runs.len() > 1 {
            lines.extend(outages(spread, width));
        }
    }
    let verdict = report.verdict.to_string();
    lines.push(format!("{:<width$}  {verdict}", "all"));
    lines.join("\n") + "\n"
}

fn line(spread: &Spread<'_>, width: usize) -> String {
    let verdict = spread.verdict().to_string();
    let lost = spread.lost();
    let lost_in = lost.iter().filter(|lost| **lost > 0).count();
    let told = match (lost.len(), lost.iter().min(), lost.iter().max()) {
        (_, None, _) | (_, _, None) => "lost: not counted".to_owned(),
        (1, Some(lost), _) => format!("lost {}", grouped(*lost)),
        (_, _, Some(0)) => "lost none".to_owned(),
        (runs, Some(least), Some(most)) => {
            format!("lost in {lost_in} of {runs} runs, {} to {}", grouped(*least), grouped(*most))
        }
    };
    let expected = spread.verdict() == Outcome::Pass && lost_in > 0;
    let lost = if expected { format!("{told}, as expected") } else { told };
    let outage = match (spread.runs.len(), longest(spread)) {
        (1, Some(longest)) => format!("  longest outage {longest}"),
        (1, None) => "  no outage".to_owned(),
        _ => String::new(),
    };
    let runs = match spread.runs.len() {
        1 => String::new(),
        count => format!("  {} runs", grouped(count as u64)),
    };
    let took = duration(spread.took());
    format!("{:<width$}  {verdict:<12}{runs}  {took:>8}{outage}  {lost}", spread.drill)
}

fn longest(spread: &Spread<'_>) -> Option<String> {
    let summary = spread.runs.first()?.summary.as_ref()?;
    summary.outages.iter().map(Outage::length).max().map(duration)
}

fn outages(spread: &Spread<'_>, width: usize) -> Vec<String> {
    (0..)
        .map_while(|n| Some((n, spread.outage(n)?)))
        .map(|(n, range)| {
            let [min, median, max] = [range.min, range.median, range.max].map(duration);
            let in_runs = match range.count {
                count if count == spread.runs.len() => String::new(),
                count => format!("  in {}", counted(count as u64, "run")),
            };
            let name = format!("outage {}", n + 1);
            format!("{:<width$}  {name:<12}  min {min}  median {median}  max {max}{in_runs}", "")
        })
        .collect()
}
