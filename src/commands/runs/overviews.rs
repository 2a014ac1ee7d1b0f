//! The records of the state folder, looked at from both ends.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDateTime, Utc};
use uuid::Uuid;

use super::super::problem::Problem;
use super::super::state_folder::records;
use crate::engine::record::file::RecordFileError;
use crate::engine::record::overview::{Overview, overview};

/// So many characters of an id are shown, more where several runs begin alike.
const ID_CHARS: usize = 8;

/// The folder of the records, and what is in it, the newest run first.
pub(super) fn overviews() -> Result<(PathBuf, Vec<Overview>), Problem> {
    let (folder, files) = records()?;
    let mut overviews: Vec<Overview> = files.iter().map(|path| overview(path)).collect();
    overviews.sort_by_cached_key(|one| Reverse((began(one), one.path.clone())));
    Ok((folder, overviews))
}

/// When the run began. Of what cannot be read: by its name, which begins with that, else when it was
/// written last.
pub(super) fn began(one: &Overview) -> Option<DateTime<Utc>> {
    let name = || file_name(&one.path);
    let of_name = || {
        let date = name().split('-').next().map(str::to_owned)?;
        NaiveDateTime::parse_from_str(&date, "%Y%m%dT%H%M%SZ").ok().map(|time| time.and_utc())
    };
    let header = one.header.as_ref().ok();
    header.map(|header| header.started_at).or_else(of_name).or_else(|| one.modified.map(Into::into))
}

pub(super) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// Why a file is no record that can be read, after its name.
pub(super) fn why(path: &Path, error: &RecordFileError) -> String {
    let why = match error {
        RecordFileError::Io { error, .. } => error.to_string(),
        RecordFileError::Content { error, .. } => error.to_string(),
    };
    format!("{}: {why}", file_name(path))
}

/// The ids of all these runs, in their order, to shorten one by.
pub(super) fn ids(overviews: &[Overview]) -> BTreeSet<String> {
    let of_runs = overviews.iter().filter_map(|one| one.header.as_ref().ok());
    of_runs.map(|header| header.run_id.simple().to_string()).collect()
}

/// The shortest beginning of an id that is that of no other one.
pub(super) fn short_id(id: Uuid, ids: &BTreeSet<String>) -> String {
    let id = id.simple().to_string();
    let before = ids.range(..id.clone()).next_back();
    let after = ids.range(id.clone()..).find(|other| **other != id);
    let shared = |other: &String| {
        id.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count()
    };
    let shared = before.map_or(0, shared).max(after.map_or(0, shared));
    id[..(shared + 1).clamp(ID_CHARS, id.len())].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_shown_as_far_as_it_names_its_run_alone() {
        let all = [
            "6f2c1a4e0b1d4c3e9a582f3b4c5d6e7f",
            "6f2c1a4e0b2d4c3e9a582f3b4c5d6e7f",
            "77aa1a4e0b2d4c3e9a582f3b4c5d6e7f",
        ];
        let ids = all.iter().map(|id| (*id).to_owned()).collect();
        let short = all.map(|id| short_id(id.parse().unwrap(), &ids));
        assert_eq!(short, ["6f2c1a4e0b1", "6f2c1a4e0b2", "77aa1a4e"]);
    }
}
