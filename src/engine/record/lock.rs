//! The lock that tells whether a record is in use: each pgchaos that writes or verifies a record holds it.

use std::fs::{File, TryLockError};
use std::io;
use std::time::Duration;

/// Between two tries.
pub(super) const BETWEEN: Duration = Duration::from_millis(50);

/// Why a record is not locked.
#[derive(Debug)]
pub(super) enum NotLocked {
    /// Another pgchaos has it in use.
    InUse,
    /// The file system has no locks.
    Unsupported,
    /// Whether it is in use cannot be told.
    Failed(io::Error),
}

/// Locks a record to write to it. The process that writes a record outlives a killed run by the time
/// that its last lines take, which is waited for.
pub(super) fn lock_to_write(file: &File) -> Result<(), NotLocked> {
    const TRIES: u32 = 40;
    lock(file, TRIES)
}

/// Locks a record to remove it. A list of runs that looks at it has it for a moment, which is waited
/// for; a run that goes on is not.
pub(super) fn lock_to_remove(file: &File) -> Result<(), NotLocked> {
    const TRIES: u32 = 5;
    lock(file, TRIES)
}

fn lock(file: &File, tries: u32) -> Result<(), NotLocked> {
    for number in 0..tries {
        if number > 0 {
            std::thread::sleep(BETWEEN);
        }
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                return Err(NotLocked::Unsupported);
            }
            Err(TryLockError::Error(error)) => return Err(NotLocked::Failed(error)),
        }
    }
    Err(NotLocked::InUse)
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::OpenOptionsExt;
    use std::thread::{sleep, spawn};

    use super::*;

    #[test]
    fn an_error_of_the_lock_is_not_taken_for_a_record_that_rests() {
        let file = tempfile::NamedTempFile::new().unwrap();
        // A descriptor that names a file only: every lock on it fails with EBADF, as on NFS an exclusive one does on a
        // descriptor that only reads.
        let named = File::options().read(true).custom_flags(nix::libc::O_PATH).open(file.path());
        let locked = lock_to_remove(&named.unwrap());
        assert!(matches!(locked, Err(NotLocked::Failed(_))), "{locked:?}");
    }

    #[test]
    fn a_removal_waits_for_a_list_that_looks_and_not_for_a_run() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let list = file.reopen().unwrap();
        list.try_lock_shared().unwrap();
        let looks = spawn(move || {
            sleep(BETWEEN);
            drop(list);
        });
        assert!(lock_to_remove(&file.reopen().unwrap()).is_ok());
        looks.join().unwrap();
        let run = file.reopen().unwrap();
        run.try_lock().unwrap();
        assert!(matches!(lock_to_remove(&file.reopen().unwrap()), Err(NotLocked::InUse)));
    }
}
