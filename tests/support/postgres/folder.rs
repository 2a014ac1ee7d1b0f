//! The folder that holds all of a server, and the guard that empties it when the test's process dies.

use std::env;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::account::Account;

/// Lives as long as the test's process holds the other end of its standard input. A drop closes it too, but then there
/// is nothing left to find. SIGQUIT comes first, since a server that ends by it returns its System V shared memory.
/// Without /proc only the postmaster is named; its children see that it died and follow.
const GUARD: &str = r#"
while read -r _; do :; done
cd / && [ -d "$1" ] || exit 0
own() {
    if [ -d /proc/self/cwd ]; then
        find /proc/[0-9]*/cwd -maxdepth 0 -lname "$1/data" 2>/dev/null | cut -d/ -f3
    else
        head -n 1 "$1/data/postmaster.pid" 2>/dev/null
    fi
}
pids=$(own "$1"); [ -z "$pids" ] || kill -CONT $pids
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null) && kill -QUIT "$pid" && sleep 1
pids=$(own "$1"); [ -z "$pids" ] || kill -KILL $pids
rm -rf "$1"
"#;

/// A temporary folder that the server's account can reach and write.
pub(super) struct Folder {
    path: PathBuf,
    guard: Child,
    temporary: Option<TempDir>,
}

impl Folder {
    pub(super) fn new(account: Account) -> Self {
        let temporary = tempfile::Builder::new()
            .prefix("pgchaos-test-")
            .tempdir_in(reachable(account))
            .unwrap();
        // Without links in it (macOS has one): a process's working folder is compared with it.
        let path = fs::canonicalize(temporary.path()).unwrap();
        account.owns(&path);
        // A group of its own, so that a Ctrl-C in the terminal ends the tests and not the guard, which cleans up.
        let guard = Command::new("sh")
            .args(["-c", GUARD, "guard"])
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        Self { path, guard, temporary: Some(temporary) }
    }

    /// Holds everything, and is where the server's socket is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.path.join("log")
    }

    /// Where the server's output goes, after what is there.
    pub(super) fn log_to_append(&self) -> File {
        File::options().create(true).append(true).open(self.log()).unwrap()
    }

    /// A file that only the server's account (and root) can read.
    pub(super) fn secret(&self, name: &str, text: &str, account: Account) -> PathBuf {
        let path = self.path.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        account.owns(&path);
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // First the files, then the guard, which would look for them. No panic here: a test may be panicking already.
        if let Some(temporary) = self.temporary.take()
            && let Err(error) = temporary.close()
        {
            eprintln!("cannot remove {}: {error}", self.path.display());
        }
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// The system's folder for temporary files, if the server's account gets into it (root's TMPDIR may be below /root).
fn reachable(account: Account) -> PathBuf {
    let usual = env::temp_dir();
    let is_open = |folder: &Path| {
        fs::metadata(folder).is_ok_and(|metadata| metadata.permissions().mode() & 0o001 != 0)
    };
    if account.is_foreign() && !usual.ancestors().all(is_open) {
        return PathBuf::from("/tmp");
    }
    usual
}
