//! The records of the state folder, looked at from both ends.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::super::problem::Problem;
use super::super::state_folder::{records, time_of_name};
use crate::engine::record::file::RecordFileError;
use crate::engine::record::overview::{Overview, RecordEnd, overview};
use crate::model::foreign::plain;

/// So many characters of an id are shown, more where several runs begin alike.
const ID_CHARS: usize = 8;

/// The folder of the records, and what is in it, the newest run first.
pub(super) fn overviews() -> Result<(PathBuf, Vec<Overview>), Problem> {
    let (folder, files) = records()?;
    let mut overviews: Vec<Overview> = files.iter().map(|path| overview(path)).collect();
    look_again(&mut overviews);
    overviews.sort_by_cached_key(|one| Reverse((began(one), one.path.clone())));
    Ok((folder, overviews))
}

/// Looks again at what is in use: a removal has a record for a moment, a run for longer. All of them
/// together are waited for, so that many runs that go on make a list no slower.
fn look_again(overviews: &mut [Overview]) {
    const TRIES: u32 = 4;
    const BETWEEN: Duration = Duration::from_millis(50);
    let is_in_use = |one: &&mut Overview| matches!(one.end, RecordEnd::Written { .. });
    for _ in 0..TRIES {
        let mut in_use: Vec<&mut Overview> = overviews.iter_mut().filter(is_in_use).collect();
        if in_use.is_empty() {
            return;
        }
        std::thread::sleep(BETWEEN);
        for one in &mut in_use {
            **one = overview(&one.path);
        }
    }
}

/// When the run began. Of what cannot be read: by its name, which begins with that, else when it was
/// written last.
pub(super) fn began(one: &Overview) -> Option<DateTime<Utc>> {
    let header = one.header.as_ref().ok();
    let by_name = || time_of_name(&one.path);
    header.map(|header| header.started_at).or_else(by_name).or_else(|| one.modified.map(Into::into))
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// Why a file is no record that can be read, after its name.
pub(super) fn why(path: &Path, error: &RecordFileError) -> String {
    let why = match error {
        RecordFileError::Io { error, .. } => error.to_string(),
        RecordFileError::Content { error, .. } => error.to_string(),
    };
    plain(&format!("{}: {why}", file_name(path)))
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
