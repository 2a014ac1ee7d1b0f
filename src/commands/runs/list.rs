//! The list of the runs.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::output::print;
use super::super::problem::Problem;
use super::super::terminal::{Terminal, local_offset};
use super::overviews::{began, ids, overviews, short_id, why};
use crate::cli::exit::Exit;
use crate::engine::record::file::{RecordFileError, read};
use crate::engine::record::overview::{Overview, RecordEnd};
use crate::model::event::{Header, RunResult};
use crate::model::run::record_format::RecordError;
use crate::model::run::summarize::result;
use crate::model::seconds;
use crate::report::layout::{Layout, fitted};
use crate::report::runs::listed::FORMAT;
use crate::report::runs::table::table;
use crate::report::runs::{ListedRun, ListedState, RunList};

/// A record without a verdict at its end is read whole for it up to this length, in bytes.
const READ_BYTES_MAX: u64 = 2 * 1024 * 1024;

/// What may still be read whole for a list, so that it is quick: that of the newest runs is.
struct ReadBudget {
    records: u32,
    bytes: u64,
}

impl ReadBudget {
    const OF_A_LIST: Self = Self { records: 100, bytes: 8 * 1024 * 1024 };

    /// Whether a record of so many bytes may be read; then it is counted.
    fn take(&mut self, bytes: u64) -> bool {
        let may = self.records > 0 && bytes <= self.bytes.min(READ_BYTES_MAX);
        if may {
            self.records -= 1;
            self.bytes -= bytes;
        }
        may
    }
}

/// Prints the list.
pub(super) fn run(json: bool) -> Result<Exit, Problem> {
    let (folder, overviews) = overviews()?;
    let ids = ids(&overviews);
    let mut budget = ReadBudget::OF_A_LIST;
    let runs = overviews.iter().map(|one| listed(one, &ids, &mut budget)).collect();
    let list = RunList { format: FORMAT, folder: folder.display().to_string(), runs };
    let terminal = Terminal::stdout();
    let text = match (json, list.runs.is_empty()) {
        (true, _) => list.json().map_err(|error| Problem::could_not_run(error.to_string()))?,
        (false, true) => {
            let words = format!("There is no record in {}: pgchaos gen makes one.\n", list.folder);
            fitted(&words, terminal.width)
        }
        (false, false) => {
            let (colour, width) = (terminal.colour, terminal.width);
            table(&list, local_offset(), Layout { colour, width, shorten: false })
        }
    };
    print(&text)?;
    Ok(Exit::Pass)
}

/// A run as the list has it.
fn listed(one: &Overview, ids: &BTreeSet<String>, budget: &mut ReadBudget) -> ListedRun {
    let mut run = nothing_known(one);
    let header = match &one.header {
        Ok(header) => header,
        Err(error) => {
            run.state = state_of(error);
            run.problem = Some(why(&one.path, error));
            return run;
        }
    };
    take_header(&mut run, header, ids);
    match &one.end {
        RecordEnd::Written { at } => {
            run.state = ListedState::Running;
            run.elapsed_s = at.map(seconds::of);
        }
        RecordEnd::Result(result) => take_result(&mut run, result),
        RecordEnd::Ended | RecordEnd::Unfinished { .. } if budget.take(one.bytes) => {
            read_whole(&mut run, one);
        }
        // Its last lines also have the time of its verification.
        RecordEnd::Ended => without_verdict(&mut run, ListedState::Ended, None),
        RecordEnd::Unfinished { at } => without_verdict(&mut run, ListedState::NotEnded, *at),
        RecordEnd::Unread => {}
    }
    run
}

fn nothing_known(one: &Overview) -> ListedRun {
    ListedRun {
        run_id: None,
        id: None,
        state: ListedState::Unreadable,
        started_at: began(one),
        elapsed_s: None,
        target: None,
        group: None,
        name: None,
        part_of: None,
        acknowledged: None,
        lost: None,
        outages: None,
        longest_outage_s: None,
        verdict: None,
        drill_verdict: None,
        problem: None,
        path: one.path.display().to_string(),
        bytes: one.bytes,
    }
}

/// What is known of a run where its record is not read whole.
fn without_verdict(run: &mut ListedRun, state: ListedState, at: Option<Duration>) {
    run.state = state;
    run.elapsed_s = at.map(seconds::of);
    let id = run.id.as_deref().unwrap_or_default();
    run.problem = Some(format!("its verdict takes all of it: pgchaos report {id}"));
}

fn take_header(run: &mut ListedRun, header: &Header, ids: &BTreeSet<String>) {
    run.run_id = Some(header.run_id);
    run.id = Some(short_id(header.run_id, ids));
    run.target = Some(header.target.shortened());
    run.group.clone_from(&header.group);
    run.name.clone_from(&header.name);
    run.part_of.clone_from(&header.part_of);
}

fn take_result(run: &mut ListedRun, result: &RunResult) {
    run.state = if result.complete { ListedState::Ended } else { ListedState::NotEnded };
    run.elapsed_s = Some(seconds::of(result.elapsed));
    run.acknowledged = Some(result.acknowledged);
    run.lost = result.lost;
    run.outages = Some(result.outages);
    run.longest_outage_s = result.longest_outage.map(seconds::of);
    run.verdict = Some(result.verdict);
    run.drill_verdict = result.drill;
}

/// What all of a record comes to, where its end does not tell.
fn read_whole(run: &mut ListedRun, one: &Overview) {
    match read(&one.path, |_| {}) {
        Ok(recorded) => {
            take_result(run, &result(&recorded.run));
            // Older versions did not say of a run that it was a drill's.
            if run.part_of.is_none() && !recorded.run.injections.is_empty() {
                run.part_of = Some("drill".to_owned());
            }
            run.problem = recorded.torn.then(|| "its last line was cut off".to_owned());
        }
        Err(error) => {
            run.state = state_of(&error);
            run.problem = Some(why(&one.path, &error));
        }
    }
}

fn state_of(error: &RecordFileError) -> ListedState {
    match error {
        RecordFileError::Io { .. } => ListedState::Unreadable,
        RecordFileError::Content { error, .. } => match error {
            RecordError::Empty => ListedState::Empty,
            RecordError::NotARecord { .. } => ListedState::Foreign,
            RecordError::FutureFormat { .. } => ListedState::Newer,
            RecordError::Damaged { .. } => ListedState::Broken,
        },
    }
}
