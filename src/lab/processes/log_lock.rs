//! Whether a member lives, also where its processes cannot be seen: by a lock on its log.
//!
//! `/proc` shows the processes of one PID namespace. A lab can run in another one, and a member
//! that is not seen is not a member that has ended: its data must not be removed under it. So the
//! processes of a member keep its log locked (`flock`), which is their standard output and error.
//! The lock belongs to the open file. They inherit it from each other, and it is given back when
//! the last of them has ended. Every namespace that sees the file sees the lock.
//!
//! A second name of the same file, in the member's folder, finds it when the log was removed or
//! rotated.

use std::fs::{self, File, Metadata, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::lab::error::{LabError, io};
use crate::lab::files::folders::Folders;
use crate::lab::member::Member;

/// Another command that looks has the lock for a moment only.
const LOOKS_TAKE: Duration = Duration::from_secs(2);

const POLL_EVERY: Duration = Duration::from_millis(5);

/// Locks a log for the processes that are about to inherit it, and gives it its second name.
///
/// # Errors
/// When the file system takes no lock.
pub(in crate::lab) fn hold(log: &File, folders: &Folders, member: Member) -> Result<(), LabError> {
    let path = folders.log(member);
    let end = Instant::now() + LOOKS_TAKE;
    loop {
        match log.try_lock_shared() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if Instant::now() < end => sleep(POLL_EVERY),
            Err(error) => return Err(io("locked", &path)(error.into())),
        }
    }
    let second = folders.life(member);
    let is_same = match (log.metadata(), fs::metadata(&second)) {
        (Ok(log), Ok(second)) => identity(&log) == identity(&second),
        _ => false,
    };
    // Processes may still hold an older log: then its second name stays.
    if !is_same && !is_locked(&second).unwrap_or(true) {
        let _ = fs::remove_file(&second);
        // Without hard links the log itself is all there is to look at.
        let _ = fs::hard_link(&path, &second);
    }
    Ok(())
}

/// Whether a process of the member lives, in any namespace. True also where that is not known.
pub(in crate::lab) fn is_held(folders: &Folders, member: Member) -> bool {
    let files = [folders.log(member), folders.life(member)];
    files.iter().any(|file| is_locked(file).unwrap_or(true))
}

fn is_locked(path: &Path) -> io::Result<bool> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(false);
        }
        Err(error) => return Err(error),
    };
    match file.try_lock() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The logs of all members, each as the one file that it is in every namespace.
pub(in crate::lab) fn logs(folders: &Folders) -> Vec<((u64, u64), Member)> {
    let files = |member| [folders.log(member), folders.life(member)].map(|file| (file, member));
    let found = Member::all().flat_map(files);
    found.filter_map(|(file, member)| Some((identity(&fs::metadata(file).ok()?), member))).collect()
}

/// Device and inode.
pub(in crate::lab) fn identity(about: &Metadata) -> (u64, u64) {
    (about.dev(), about.ino())
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    use super::*;

    const MEMBER: Member = Member::PATRONI[1];

    fn folders() -> (tempfile::TempDir, Folders) {
        let home = tempfile::tempdir().unwrap();
        let folders = Folders::at(home.path().join("a"));
        fs::create_dir_all(folders.logs()).unwrap();
        fs::create_dir_all(folders.member(MEMBER)).unwrap();
        (home, folders)
    }

    fn open(folders: &Folders) -> File {
        File::options().create(true).append(true).open(folders.log(MEMBER)).unwrap()
    }

    /// A process that has started another one, which has only its standard error from it.
    #[test]
    fn it_is_held_until_the_last_process_has_ended() {
        let (_home, folders) = folders();
        let log = open(&folders);
        hold(&log, &folders, MEMBER).unwrap();
        // The command itself has the log open: it goes with this line.
        let mut shell = Command::new("sh")
            .args(["-c", "sleep 60 >/dev/null & echo both >&2; exec sleep 60"])
            .process_group(0)
            .stderr(log.try_clone().unwrap())
            .stdout(log)
            .spawn()
            .unwrap();
        let end = Instant::now() + Duration::from_secs(10);
        while fs::read_to_string(folders.life(MEMBER)).unwrap() != "both\n" {
            assert!(Instant::now() < end, "it has started its child");
            sleep(POLL_EVERY);
        }
        assert!(is_held(&folders, MEMBER));
        fs::rename(folders.log(MEMBER), folders.logs().join("rotated")).unwrap();
        drop(open(&folders));
        assert!(is_held(&folders, MEMBER), "a new log in its place changes nothing");
        shell.kill().unwrap();
        shell.wait().unwrap();
        assert!(is_held(&folders, MEMBER), "its child lives");
        let group = nix::unistd::Pid::from_raw(-i32::try_from(shell.id()).unwrap());
        nix::sys::signal::kill(group, nix::sys::signal::Signal::SIGKILL).unwrap();
        let end = Instant::now() + Duration::from_secs(10);
        while is_held(&folders, MEMBER) {
            assert!(Instant::now() < end, "all have ended");
            sleep(POLL_EVERY);
        }
    }

    #[test]
    fn a_member_that_was_never_started_is_held_by_nothing() {
        let (_home, folders) = folders();
        assert!(!is_held(&folders, MEMBER));
        drop(open(&folders));
        assert!(!is_held(&folders, MEMBER));
    }
}
