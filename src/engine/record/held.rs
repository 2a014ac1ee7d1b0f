//! A record that is over, held while it is verified: no other pgchaos writes, verifies or removes it
//! meanwhile, so that what is added at the end follows from what was read.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::file::{RecordFileError, RecordWriter, open_to_lock};
use super::lock::{NotLocked, lock_to_write};
use super::overview::last_whole_event;
use crate::model::event::{Event, RunResult, What};

/// A record that is held. Its drop lets go of it.
#[derive(Debug)]
pub struct HeldRecord {
    path: PathBuf,
    file: File,
    /// Why nothing can be added.
    read_only: Option<io::Error>,
}

impl HeldRecord {
    /// Holds a record that no run writes any more. One that can only be read is held as well; a file
    /// system without locks only loses the hold.
    ///
    /// # Errors
    /// [`RecordFileError::Io`], when another pgchaos writes or verifies it, or when it cannot be opened.
    pub fn hold(path: &Path) -> Result<Self, RecordFileError> {
        let refused =
            |error| RecordFileError::Io { path: path.to_owned(), doing: "verified", error };
        let (file, read_only) = open_to_lock(path).map_err(refused)?;
        if matches!(lock_to_write(&file), Err(NotLocked::InUse)) {
            let in_use = "a running pgchaos writes or verifies it; stop that, or wait for its end";
            return Err(refused(io::Error::other(in_use)));
        }
        Ok(Self { path: path.to_owned(), file, read_only })
    }

    /// What the run comes to by the record's last line; none where that does not say it.
    #[must_use]
    pub fn result(&self) -> Option<RunResult> {
        match last_whole_event(&self.file)?.what {
            What::Result(result) => Some(result),
            _ => None,
        }
    }

    /// Adds events at its end, first ending a line that was cut off.
    ///
    /// # Errors
    /// [`RecordFileError::Io`], also when the file was removed or replaced since it is held.
    pub fn append(self, events: &[Event]) -> Result<(), RecordFileError> {
        let written =
            |error| RecordFileError::Io { path: self.path.clone(), doing: "written", error };
        if let Some(error) = self.read_only {
            return Err(written(error));
        }
        if !is_still(&self.path, &self.file).map_err(written)? {
            return Err(written(io::Error::other("another file is there by now")));
        }
        let mut record = RecordWriter::at_end_of(&self.path, self.file)?;
        for event in events {
            record.add(event)?;
        }
        record.flush()
    }
}

/// Whether this name still leads to the file that was opened by it.
#[cfg(unix)]
fn is_still(path: &Path, file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let (there, opened) = (std::fs::metadata(path)?, file.metadata()?);
    Ok((there.dev(), there.ino()) == (opened.dev(), opened.ino()))
}

#[cfg(not(unix))]
fn is_still(path: &Path, _: &File) -> io::Result<bool> {
    std::fs::metadata(path).map(|_| true)
}
