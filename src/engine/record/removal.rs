//! Removes the record of a run that is over.

use std::fs::File;
use std::fs::TryLockError;
use std::io;
use std::path::Path;

use uuid::Uuid;

use super::file::{RecordFileError, open};
use super::overview::header;

/// Removes this run's record.
///
/// Its first line is read again with the lock in hand: the file may have been replaced since it was
/// listed, or a `pgchaos verify` may be writing to it.
///
/// # Errors
/// [`RecordFileError`], when a running pgchaos writes it, when it is no plain file, no record or that
/// of another run, or when the file system says no.
pub fn remove(path: &Path, run_id: Uuid) -> Result<(), RecordFileError> {
    let not_removed =
        |error| RecordFileError::Io { path: path.to_owned(), doing: "removed", error };
    let _locked = locked(path, run_id)?;
    std::fs::remove_file(path).map_err(not_removed)
}

/// Makes sure that [`remove`] would remove it.
///
/// # Errors
/// Those of [`remove`], but for what the file system says to a removal.
pub fn may_be_removed(path: &Path, run_id: Uuid) -> Result<(), RecordFileError> {
    locked(path, run_id).map(drop)
}

/// The record of this run, locked.
fn locked(path: &Path, run_id: Uuid) -> Result<File, RecordFileError> {
    let refused = |error| RecordFileError::Io { path: path.to_owned(), doing: "removed", error };
    let refused_as = |why: &str| refused(io::Error::other(why.to_owned()));
    // A link is no record, whatever it leads to.
    if !std::fs::symlink_metadata(path).map_err(refused)?.is_file() {
        return Err(refused_as("it is not a plain file"));
    }
    let file = open(path, File::options().read(true)).map_err(refused)?;
    if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
        return Err(refused_as("a running pgchaos is writing it"));
    }
    match header(path, &file)?.run_id == run_id {
        true => Ok(file),
        false => Err(refused_as("it is another run's by now")),
    }
}
