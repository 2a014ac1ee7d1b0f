//! Removes the record of a run that is over.

use std::fs::File;
use std::io;
use std::path::Path;

use uuid::Uuid;

use super::file::{RecordFileError, open_to_lock};
use super::lock::{NotLocked, lock_to_remove};
use super::overview::header;

/// Removes this run's record.
///
/// Its first line is read again with the lock in hand: the file may have been replaced since it was
/// listed, or a `pgchaos verify` may be writing to it.
///
/// # Errors
/// [`RecordFileError`], when a running pgchaos writes or verifies it or that cannot be told, when it is
/// no plain file, no record or that of another run, or when the file system says no.
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
    let (file, _) = open_to_lock(path).map_err(refused)?;
    match lock_to_remove(&file) {
        Ok(()) | Err(NotLocked::Unsupported) => {}
        Err(NotLocked::InUse) => return Err(refused_as("a running pgchaos writes or verifies it")),
        Err(NotLocked::Failed(error)) => {
            let why = format!("whether a running pgchaos has it in use cannot be told: {error}");
            return Err(refused_as(&why));
        }
    }
    match header(path, &file)?.run_id == run_id {
        true => Ok(file),
        false => Err(refused_as("it is another run's by now")),
    }
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use nix::fcntl::{FcntlArg, fcntl};
    use nix::libc;

    use super::*;

    /// NFS takes such a lock for the one that pgchaos asks for: on a descriptor that only reads it fails.
    #[test]
    fn what_is_locked_is_open_for_writing() {
        let record = include_str!("../../../tests/papers/runs/crash.jsonl");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), record).unwrap();
        let run = "0f920aa1-054a-4251-9330-96833d19cf53".parse().unwrap();
        let locked = locked(file.path(), run).unwrap();
        let whole_file = libc::flock {
            l_type: i16::try_from(libc::F_WRLCK).unwrap(),
            l_whence: i16::try_from(libc::SEEK_SET).unwrap(),
            l_start: 0,
            l_len: 0,
            l_pid: 0,
        };
        assert_eq!(fcntl(&locked, FcntlArg::F_SETLK(&whole_file)), Ok(0));
    }
}
