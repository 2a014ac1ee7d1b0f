//! The verdict of a drill, added to the record of its load: lists of runs read it there.

use std::io;

use super::super::output::by_disk_deadline;
use super::super::terminal::tell_progress;
use crate::engine::record::file::append;
use crate::model::event::{Event, What};
use crate::model::outcome::Outcome;
use crate::model::run::Run;
use crate::model::run::summarize::result;
use crate::model::run::summary::RecordSummary;

/// Adds the verdict to a record that is whole. That it cannot be kept is told, and changes nothing.
pub(super) fn keep_verdict(mut run: Run, record: Option<&RecordSummary>, verdict: Outcome) {
    let Some(record) = record.filter(|record| record.complete) else { return };
    run.drill_verdict = Some(verdict);
    let last = Event { at: run.elapsed, what: What::Result(result(&run)) };
    let kept = by_disk_deadline(record.path.as_ref(), move |path| {
        append(path, &[last]).map_err(io::Error::other)
    });
    if let Err(error) = kept {
        tell_progress(format!("warning: the drill's verdict is not kept in its record: {error}"));
    }
}
