//! What runs are called where several are told.

use crate::model::foreign::{name, plain};
use crate::model::run::summary::Summary;

/// The name of each run's record, without its ending, and without its folders where that tells them
/// apart.
pub(super) fn labels(runs: &[&Summary]) -> Vec<String> {
    let short: Vec<String> = runs.iter().map(|run| name(&plain(short(run)))).collect();
    let is_one = |label: &String| short.iter().filter(|other| *other == label).count() == 1;
    let label = |(run, short): (&&Summary, &String)| match (&run.record, is_one(short)) {
        (Some(record), false) => plain(&record.path),
        _ => short.clone(),
    };
    runs.iter().zip(&short).map(label).collect()
}

fn short(run: &Summary) -> &str {
    match &run.record {
        Some(record) => {
            let file = record.path.rsplit('/').next().unwrap_or(&record.path);
            file.strip_suffix(".jsonl").unwrap_or(file)
        }
        None => "run without a record",
    }
}
