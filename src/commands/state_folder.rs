//! The state folder, by the XDG conventions: records of runs, and journals of drills.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use directories::ProjectDirs;
use uuid::Uuid;

use super::problem::Problem;

/// The ending of a record's name.
const ENDING: &str = ".jsonl";

/// The state folder: `$XDG_STATE_HOME/pgchaos`, else the system's own folder for such files.
fn state_folder() -> Option<PathBuf> {
    let folders = ProjectDirs::from("", "", "pgchaos")?;
    Some(folders.state_dir().unwrap_or_else(|| folders.data_local_dir()).to_owned())
}

/// The folder of the records.
fn runs_folder() -> Option<PathBuf> {
    Some(state_folder()?.join("runs"))
}

/// The folder of the drills' journals: what is broken now.
///
/// # Errors
/// When there is no home folder.
pub fn drills_folder() -> Result<PathBuf, Problem> {
    let folder = state_folder().ok_or_else(|| {
        Problem::could_not_run("there is no home folder to keep in mind what a drill breaks")
            .try_this("HOME or XDG_STATE_HOME set to a folder")
    })?;
    Ok(folder.join("drills"))
}

/// The page of the latest demo.
///
/// # Errors
/// When there is no home folder.
pub fn demo_page() -> Result<PathBuf, Problem> {
    Ok(state_folder().ok_or_else(no_home)?.join("demo.html"))
}

/// Where a new run's record goes when the user names no place: `DATE-RUN.jsonl`, or
/// `DATE-RUN-NAME.jsonl` for a run with a name, which `values::name` has checked.
///
/// # Errors
/// When there is no home folder.
pub fn new_record(
    started_at: DateTime<Utc>,
    run_id: Uuid,
    name: Option<&str>,
) -> Result<PathBuf, Problem> {
    let folder = runs_folder().ok_or_else(no_home)?;
    let (date, run) = (started_at.format("%Y%m%dT%H%M%SZ"), run_id.simple().to_string());
    let name = name.map(|name| format!("-{name}")).unwrap_or_default();
    Ok(folder.join(format!("{date}-{}{name}{ENDING}", &run[..8])))
}

/// The record that was named, or the latest one in the state folder.
///
/// # Errors
/// When there is none.
pub fn record_or_latest(named: Option<&Path>) -> Result<PathBuf, Problem> {
    if let Some(named) = named {
        return Ok(named.to_owned());
    }
    let folder = runs_folder().ok_or_else(no_home)?;
    let latest = std::fs::read_dir(&folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.to_string_lossy().ends_with(ENDING))
        // The names begin with the time in UTC, so that the last one is the latest.
        .max();
    latest.ok_or_else(|| {
        Problem::could_not_run(format!("there is no record in {}", folder.display()))
            .try_this("pgchaos gen makes one; or name the record's file")
    })
}

/// Whether the record is in this user's state folder: then its hosts are hosts that this user has
/// named. A record from elsewhere may name any host.
#[must_use]
pub fn is_own_record(path: &Path) -> bool {
    let folder = runs_folder().and_then(|folder| folder.canonicalize().ok());
    let path = path.canonicalize().ok();
    folder.is_some_and(|folder| path.as_deref().and_then(Path::parent) == Some(&folder))
}

fn no_home() -> Problem {
    Problem::could_not_run("there is no home folder to keep records in")
        .try_this("--record FILE, or --no-record")
}
