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
