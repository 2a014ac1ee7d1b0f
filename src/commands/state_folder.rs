//! The state folder, by the XDG conventions: records of runs, and journals of drills.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDateTime, Utc};
use directories::ProjectDirs;
use uuid::Uuid;

use super::problem::Problem;
use crate::cli::run_id::{CHARS_MIN, SaidRunId, beginning};
use crate::engine::record::overview::header_of;

/// So many runs are named where an id could mean several.
const CANDIDATES_MAX: usize = 10;

/// The ending of a record's name.
const ENDING: &str = ".jsonl";

/// The beginning of a record's name: when its run began, in UTC.
const TIME_OF_NAME: &str = "%Y%m%dT%H%M%SZ";

/// The state folder: `$XDG_STATE_HOME/pgchaos`, else the system's own folder for such files.
fn state_folder() -> Option<PathBuf> {
    let folders = ProjectDirs::from("", "", "pgchaos")?;
    Some(folders.state_dir().unwrap_or_else(|| folders.data_local_dir()).to_owned())
}

/// The folder of the records.
fn runs_folder() -> Option<PathBuf> {
    Some(state_folder()?.join("runs"))
}

/// The folder of the records, and the files in it that are called like one, in no order.
///
/// # Errors
/// When there is no home folder, or the folder cannot be read. One that is not there has no records.
pub fn records() -> Result<(PathBuf, Vec<PathBuf>), Problem> {
    let folder = runs_folder().ok_or_else(no_home)?;
    let files = match std::fs::read_dir(&folder) {
        Ok(entries) => entries.filter_map(|entry| Some(entry.ok()?.path())).collect(),
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(error) => {
            return Err(Problem::could_not_run(format!(
                "the records in {} cannot be listed: {error}",
                folder.display()
            )));
        }
    };
    let is_called_so = |path: &PathBuf| path.to_string_lossy().ends_with(ENDING);
    Ok((folder, files.into_iter().filter(is_called_so).collect()))
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
    let (date, run) = (started_at.format(TIME_OF_NAME), run_id.simple().to_string());
    let name = name.map(|name| format!("-{name}")).unwrap_or_default();
    Ok(folder.join(format!("{date}-{}{name}{ENDING}", &run[..8])))
}

/// The record that was named, or that of the latest run in the state folder: of the run that `pgchaos
/// runs` lists first, but for files that are no records.
///
/// # Errors
/// When there is none; those of [`named_record`].
pub fn record_or_latest(named: Option<&Path>) -> Result<PathBuf, Problem> {
    if let Some(named) = named {
        return named_record(named);
    }
    let (folder, records) = records()?;
    // A file that tells no time of a run is one only where there is nothing else: reading it tells what is wrong.
    let began = |path: &PathBuf| {
        let header = header_of(path).ok();
        header.map(|header| header.started_at).or_else(|| time_of_name(path))
    };
    let latest = records.into_iter().map(|path| (began(&path), path)).max();
    latest.map(|(_, path)| path).ok_or_else(|| {
        Problem::could_not_run(format!("there is no record in {}", folder.display()))
            .try_this("pgchaos gen makes one; or name the record's file")
    })
}

/// When the run of a record began, by the name that [`new_record`] gives it.
pub(super) fn time_of_name(path: &Path) -> Option<DateTime<Utc>> {
    let name = path.file_name()?.to_str()?;
    let time = NaiveDateTime::parse_from_str(name.split('-').next()?, TIME_OF_NAME).ok()?;
    Some(time.and_utc())
}

/// The record that was named: a file that is there, or else the one in the state folder that has an id
/// with this beginning.
///
/// # Errors
/// When it can only be an id, and names none or several, or is a word that is neither an id nor a file. What can be
/// a file is returned as it is: reading it tells what is wrong.
pub fn named_record(named: &Path) -> Result<PathBuf, Problem> {
    let said = named.to_str().and_then(beginning);
    let is_path = |named: &str| named.contains(['/', '.']);
    let may_be_a_file = said.is_none() && named.to_str().is_none_or(is_path);
    if may_be_a_file || std::fs::symlink_metadata(named).is_ok() {
        return Ok(named.to_owned());
    }
    let shown = named.display();
    let Some(said) = said else {
        let shown = if named.as_os_str().is_empty() { "\"\"".into() } else { shown.to_string() };
        return Err(Problem::could_not_run(format!(
            "there is no file {shown}, and no run's id begins so: ids are of the digits 0 to 9 and a to f"
        ))
        .try_this(ids_that_are_there()));
    };
    if said.len() < CHARS_MIN {
        return Err(Problem::usage(format!(
            "there is no file {shown}, and of a run's id {CHARS_MIN} characters are asked for"
        ))
        .try_this(ids_that_are_there()));
    }
    let found = records_of(&said, &format!("there is no file {shown}, and "))?;
    match &found[..] {
        [(_, path)] => Ok(path.clone()),
        _ => Err(ambiguous(&said, &found)),
    }
}

/// The run that was named by its id, or by the first characters of the id of one in the state folder.
///
/// # Errors
/// When they name none there, or several.
pub fn named_run(said: &SaidRunId) -> Result<Uuid, Problem> {
    match said {
        SaidRunId::Whole(id) => Ok(*id),
        SaidRunId::Beginning(beginning) => {
            let found = records_of(beginning, "")?;
            // Several records of it are one run all the same.
            match found.iter().all(|(id, _)| *id == found[0].0) {
                true => Ok(found[0].0),
                false => Err(ambiguous(beginning, &found)),
            }
        }
    }
}

/// The records in the state folder of runs that have an id with this beginning, in the order of their
/// names: one at least.
fn records_of(beginning: &str, before: &str) -> Result<Vec<(Uuid, PathBuf)>, Problem> {
    let (folder, records) = records()?;
    let mut found: Vec<(Uuid, PathBuf)> = Vec::new();
    for path in records {
        let Ok(header) = header_of(&path) else { continue };
        if header.run_id.simple().to_string().starts_with(beginning) {
            found.push((header.run_id, path));
        }
    }
    if found.is_empty() {
        return Err(Problem::could_not_run(format!(
            "{before}no run in {} has an id that begins with {beginning}",
            folder.display()
        ))
        .try_this(ids_that_are_there()));
    }
    found.sort_by(|one, other| one.1.cmp(&other.1));
    Ok(found)
}

/// What can be typed in place of an id that names no run: those of the latest runs, by the names of their records.
fn ids_that_are_there() -> String {
    const NAMED: usize = 3;
    const CHARS: usize = 8;
    let mut records = records().map(|(_, records)| records).unwrap_or_default();
    records.sort_by_cached_key(|path| std::cmp::Reverse(path.file_name().map(OsStr::to_owned)));
    let headers = records.iter().filter_map(|path| header_of(path).ok());
    let ids: Vec<String> = headers
        .take(NAMED)
        .map(|header| header.run_id.simple().to_string().chars().take(CHARS).collect())
        .collect();
    match ids.as_slice() {
        [] => "pgchaos gen makes a record, and here is none; or name the record's file".to_owned(),
        ids => format!(
            "the latest here: {}; pgchaos runs lists all; or name the record's file",
            ids.join(", ")
        ),
    }
}

/// Several runs have this beginning, or several files are records of one run: the newest are named.
fn ambiguous(beginning: &str, found: &[(Uuid, PathBuf)]) -> Problem {
    let is_one_run = found.windows(2).all(|pair| pair[0].0 == pair[1].0);
    let left_out = found.len().saturating_sub(CANDIDATES_MAX);
    let (mut words, remedy) = match is_one_run {
        true => (format!("{beginning} names a run with several records:"), "the record's file"),
        false => (
            format!("{beginning} is the beginning of several ids:"),
            "more characters of the id; or name the record's file",
        ),
    };
    for (id, path) in &found[left_out..] {
        let _ = write!(words, "\n  {id} in {}", path.display());
    }
    if left_out > 0 {
        let _ = write!(words, "\n  and {left_out} older ones");
    }
    Problem::usage(words).try_this(remedy)
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
