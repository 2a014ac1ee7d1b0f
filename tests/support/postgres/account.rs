//! The account that the server runs as: PostgreSQL refuses to run as root.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::unistd::{Uid, User, geteuid};

/// The account of the server's processes and files, when it is not the tester's own.
#[derive(Clone, Copy)]
pub(super) struct Account(Option<(u32, u32)>);

impl Account {
    /// For root: the first of the accounts below that exists. For any other user: the user itself.
    pub(super) fn of_server() -> Self {
        if !geteuid().is_root() {
            return Self(None);
        }
        let user = ["postgres", "nobody"]
            .iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .filter(|user| user.uid != Uid::from_raw(0))
            .expect("an account named postgres or nobody, as a server cannot run as root");
        Self(Some((user.uid.as_raw(), user.gid.as_raw())))
    }

    /// Whether it is another one than the tester's.
    pub(super) fn is_foreign(self) -> bool {
        self.0.is_some()
    }

    /// Makes `command` run as it. The standard library drops root's other groups along with the uid.
    pub(super) fn runs(self, command: &mut Command) {
        if let Some((uid, gid)) = self.0 {
            command.uid(uid).gid(gid);
        }
    }

    /// What makes a shell run a program as it.
    pub(super) fn shell_prefix(self) -> String {
        match self.0 {
            Some((uid, gid)) => format!("setpriv --reuid={uid} --regid={gid} --clear-groups "),
            None => String::new(),
        }
    }

    /// Makes `path` its own.
    pub(super) fn owns(self, path: &Path) {
        if let Some((uid, gid)) = self.0 {
            chown(path, Some(uid), Some(gid)).unwrap();
        }
    }
}
