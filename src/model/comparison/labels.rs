//! What runs are called where several are told: as `pgchaos runs` calls them, by the beginning of their ids and
//! their names, or as their records are called that have names of their own.

use crate::model::foreign::{name, plain};
use crate::model::run::summary::Summary;

/// So many characters of an id name its run.
const ID_CHARS: usize = 8;

/// The name of each run: that of its record without its folders, where that tells them apart.
pub(super) fn labels(runs: &[&Summary]) -> Vec<String> {
    let short: Vec<String> = runs.iter().map(|run| name(&plain(&short(run)))).collect();
    let is_one = |label: &String| short.iter().filter(|other| *other == label).count() == 1;
    let label = |(run, short): (&&Summary, &String)| match (&run.record, is_one(short)) {
        (Some(record), false) => plain(&record.path),
        _ => short.clone(),
    };
    runs.iter().zip(&short).map(label).collect()
}

fn short(run: &Summary) -> String {
    let Some(record) = &run.record else { return "run without a record".to_owned() };
    let file = record.path.rsplit('/').next().unwrap_or(&record.path);
    let id: String = run.run_id.simple().to_string().chars().take(ID_CHARS).collect();
    // Records of the state folder are called by time, id and name.
    if !file.contains(&format!("Z-{id}")) {
        return file.strip_suffix(".jsonl").unwrap_or(file).to_owned();
    }
    run.name.as_ref().map_or(id.clone(), |name| format!("{id} {name}"))
}
