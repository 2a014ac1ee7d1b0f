//! A run in a list, by what the two ends of its record tell. Its names in JSON are part of the public
//! interface.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use crate::model::foreign::inert_json;
use crate::model::load::target::Target;
use crate::model::outcome::Outcome;

/// The format of the JSON.
pub const FORMAT: u32 = 1;

/// The runs of the state folder, the newest first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunList {
    /// The format of this list.
    pub format: u32,
    /// The folder of the records.
    pub folder: String,
    /// The runs.
    pub runs: Vec<ListedRun>,
}

/// A record of the state folder, or a file that is called like one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ListedRun {
    /// The run's id.
    pub run_id: Option<Uuid>,
    /// The shortest beginning of it that names this run alone, 8 characters at least.
    pub id: Option<String>,
    /// What the record is.
    pub state: ListedState,
    /// When the run began; of what cannot be read, by the file's name or its last change.
    pub started_at: Option<DateTime<Utc>>,
    /// How long it wrote, or waited to write; of one that goes on or was killed, up to the last line of
    /// its record.
    pub elapsed_s: Option<f64>,
    /// Where to.
    pub target: Option<Target>,
    /// The group of runs that it belongs to.
    pub group: Option<String>,
    /// What it is called among them, or by itself.
    pub name: Option<String>,
    /// What it is the load of: `demo`, `drill leader-kill`.
    pub part_of: Option<String>,
    /// Writes acknowledged.
    pub acknowledged: Option<u64>,
    /// Acknowledged writes that are lost, where a verification was complete.
    pub lost: Option<u64>,
    /// Outages, partial ones among them.
    pub outages: Option<u64>,
    /// The longest of them.
    pub longest_outage_s: Option<f64>,
    /// The verdict on the run, as a report of its record gives it. None where that takes more than a
    /// look at the record's end.
    pub verdict: Option<Outcome>,
    /// The verdict of its drill, which expects more than a run.
    pub drill_verdict: Option<Outcome>,
    /// What is wrong with the record, in words.
    pub problem: Option<String>,
    /// Where the record is.
    pub path: String,
    /// How long it is.
    pub bytes: u64,
}

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ListedState {
    /// The run is over, and all of it is in the record.
    Ended,
    /// The run is over, and its record is incomplete: it was killed, stopped at once, or its disk
    /// failed.
    NotEnded,
    /// A running pgchaos writes the record.
    Running,
    /// A newer pgchaos wrote it, in a format that this one does not read.
    Newer,
    /// It begins as a record does, and cannot be read.
    Broken,
    /// It has no line: its run was killed before the first one was written.
    Empty,
    /// It is no record of pgchaos's.
    Foreign,
    /// The file system does not let it be read.
    Unreadable,
}

impl ListedState {
    /// In a word or two.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::NotEnded => "not ended",
            Self::Running => "running",
            Self::Newer => "newer format",
            Self::Broken => "broken",
            Self::Empty => "empty",
            Self::Foreign => "no record",
            Self::Unreadable => "unreadable",
        }
    }
}

impl ListedRun {
    /// The verdict on all that it was: that of its drill, if that is graver than its own.
    #[must_use]
    pub fn gravest(&self) -> Option<Outcome> {
        self.verdict.map(|verdict| self.drill_verdict.map_or(verdict, |drill| drill.max(verdict)))
    }
}

impl RunList {
    /// The list as JSON.
    ///
    /// # Errors
    /// When a number cannot be written, which none of ours is.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|json| inert_json(json) + "\n")
    }
}
