//! One command at a time changes a lab.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::lab::error::{LabError, io};

/// Another command that only stops or starts something is over by then.
const PATIENCE: Duration = Duration::from_secs(10);

const POLL_EVERY: Duration = Duration::from_millis(50);

/// Held as long as this value lives; the system gives it back when the process dies.
#[derive(Debug)]
pub(in crate::lab) struct Lock {
    path: PathBuf,
    file: File,
}

impl Lock {
    /// Waits for its turn.
    ///
    /// # Errors
    /// When it does not come within 10 s, or the file cannot be made.
    pub(in crate::lab) async fn take(path: &Path, lab: &str) -> Result<Self, LabError> {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(lock) = Self::try_take(path)? {
                return Ok(lock);
            }
            if Instant::now() > end {
                return Err(LabError::Busy { lab: lab.to_owned(), after: PATIENCE });
            }
            sleep(POLL_EVERY).await;
        }
    }

    fn try_take(path: &Path) -> Result<Option<Self>, LabError> {
        let file =
            File::options().create(true).append(true).open(path).map_err(io("made", path))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(io("locked", path)(error)),
            Ok(()) => {}
        }
        // The last holder may have removed the file: then this lock is on a file without a name.
        let is_there = match (file.metadata(), fs::metadata(path)) {
            (Ok(held), Ok(found)) => (held.dev(), held.ino()) == (found.dev(), found.ino()),
            _ => false,
        };
        Ok(is_there.then(|| Self { path: path.to_owned(), file }))
    }

    /// Gives it back, and removes its file: the lab is gone.
    pub(in crate::lab) fn remove(self) {
        let _ = fs::remove_file(&self.path);
        let _ = self.file.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_one_at_a_time_and_can_be_taken_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        let first = Lock::try_take(&path).unwrap().unwrap();
        assert!(Lock::try_take(&path).unwrap().is_none());
        drop(first);
        let second = Lock::try_take(&path).unwrap().unwrap();
        second.remove();
        assert!(!path.exists());
        assert!(Lock::try_take(&path).unwrap().is_some());
    }
}
