//! A comparison as CSV: one row a run, for spreadsheets and plots.

use chrono::SecondsFormat;

use crate::model::comparison::{ComparedRun, Comparison};
use crate::report::csv::rows_as_csv;

const COLUMNS: [&str; 21] = [
    "set",
    "record",
    "run_id",
    "group",
    "name",
    "started_at",
    "elapsed_s",
    "verdict",
    "outages",
    "longest_outage_s",
    "open",
    "without_write_s",
    "availability_pct",
    "acknowledged",
    "acknowledged_per_s",
    "lost",
    "in_doubt",
    "latency_p50_ms",
    "latency_p99_ms",
    "label",
    "cut",
];

/// A header and one row a run. What is not known is empty.
///
/// # Errors
/// It is written to memory: no error is known.
pub fn comparison_csv(comparison: &Comparison) -> Result<String, ::csv::Error> {
    rows_as_csv(&COLUMNS, comparison.runs.iter().map(row))
}

fn row(run: &ComparedRun) -> Vec<String> {
    let number = |number: Option<f64>| number.map(|number| number.to_string()).unwrap_or_default();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    vec![
        run.set.name().to_owned(),
        text(&run.record),
        run.run_id.to_string(),
        text(&run.group),
        text(&run.name),
        run.started_at.to_rfc3339_opts(SecondsFormat::Millis, true),
        run.elapsed_s.to_string(),
        run.verdict.to_string(),
        run.outages.to_string(),
        number(run.longest_outage_s),
        run.open.to_string(),
        number(run.without_write_s),
        number(run.availability_pct),
        run.acknowledged.to_string(),
        run.acknowledged_per_s.to_string(),
        run.lost.map(|lost| lost.to_string()).unwrap_or_default(),
        run.in_doubt.to_string(),
        number(run.latency_p50_ms),
        number(run.latency_p99_ms),
        run.label.clone(),
        run.cut.to_string(),
    ]
}
