//! The verdict of a drill, added to the record of its load: lists of runs read it there.

use std::io;

use super::super::output::by_disk_deadline;
use super::super::terminal::tell_progress;
use crate::engine::record::held::HeldRecord;
use crate::model::event::{Event, RunResult, What};
use crate::model::outcome::Outcome;
use crate::model::run::Run;
use crate::model::run::summarize::result;
use crate::model::run::summary::RecordSummary;

/// Adds the verdict to a record that is whole. That it cannot be kept is told, and changes nothing.
pub(super) fn keep_verdict(mut run: Run, record: Option<&RecordSummary>, verdict: Outcome) {
    let Some(record) = record.filter(|record| record.complete) else { return };
    run.drill_verdict = Some(verdict);
    let kept = by_disk_deadline(record.path.as_ref(), move |path| {
        let held = HeldRecord::hold(path).map_err(io::Error::other)?;
        // A verification since the load ended has its own result there, which stays true.
        let by_record = held.result().map(|kept| RunResult { drill: Some(verdict), ..kept });
        let result = by_record.unwrap_or_else(|| result(&run));
        let last = Event { at: run.elapsed, what: What::Result(result) };
        held.append(&[last]).map_err(io::Error::other)
    });
    if let Err(error) = kept {
        tell_progress(format!("warning: the drill's verdict is not kept in its record: {error}"));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::engine::record::file::read;

    #[test]
    fn what_a_verification_since_the_load_found_stays_below_the_drills_verdict() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let record = include_str!("../../../tests/papers/runs/crash.jsonl");
        std::fs::write(file.path(), record).unwrap();
        let run = read(file.path(), |_| {}).unwrap().run;
        let found = RunResult { lost: Some(3), verdict: Outcome::Fail, ..result(&run) };
        let verified = Event { at: Duration::from_secs(9), what: What::Result(found) };
        HeldRecord::hold(file.path()).unwrap().append(&[verified]).unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        let record = RecordSummary { path, complete: true, error: None };
        keep_verdict(run, Some(&record), Outcome::Inconclusive);
        let kept = HeldRecord::hold(file.path()).unwrap().result();
        assert_eq!(kept, Some(RunResult { drill: Some(Outcome::Inconclusive), ..found }));
    }
}
