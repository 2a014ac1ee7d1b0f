//! The user that the members run as: PostgreSQL and Patroni refuse to run as root.

use std::fs::{DirBuilder, Metadata};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::unistd::{User, geteuid};
use serde::{Deserialize, Serialize};

use crate::lab::error::{LabError, io};

/// The first that exists is taken. Every system has a `nobody`.
const FOR_ROOT: [&str; 2] = ["postgres", "nobody"];

/// The user that the members run as, and that their data belongs to, where that is not the user of
/// pgchaos.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::lab) struct OsUser {
    /// Its name.
    pub name: String,
    uid: u32,
    gid: u32,
}

impl OsUser {
    /// For root: `postgres`, or `nobody` where that does not exist. For other users: none.
    ///
    /// # Errors
    /// When root has neither.
    pub(in crate::lab) fn of_members() -> Result<Option<Self>, LabError> {
        if !Self::is_root() {
            return Ok(None);
        }
        let user = FOR_ROOT.iter().find_map(|name| User::from_name(name).ok().flatten());
        let user = user.filter(|user| !user.uid.is_root()).ok_or(LabError::NoAccount)?;
        Ok(Some(Self { name: user.name, uid: user.uid.as_raw(), gid: user.gid.as_raw() }))
    }

    /// Whether pgchaos runs as root.
    pub(in crate::lab) fn is_root() -> bool {
        geteuid().is_root()
    }

    /// Makes `command` run as this user. The standard library drops root's other groups along with
    /// the uid.
    pub(in crate::lab) fn runs(&self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }

    /// A folder above `path`, or itself, that this user may not pass through.
    pub(in crate::lab) fn is_kept_out_by(&self, path: &Path) -> Option<PathBuf> {
        let above = path.ancestors().filter(|above| above.exists());
        let closed = |above: &&Path| above.metadata().is_ok_and(|about| !self.may_pass(&about));
        above.filter(closed).last().map(Path::to_path_buf)
    }

    fn may_pass(&self, about: &Metadata) -> bool {
        let bit = match () {
            () if about.uid() == self.uid => 0o100,
            () if about.gid() == self.gid => 0o010,
            () => 0o001,
        };
        about.mode() & bit != 0
    }
}

/// Makes a folder that only `os_user`, or else the user of pgchaos, may look into.
///
/// # Errors
/// When it cannot be made.
pub(in crate::lab) fn private_folder(
    path: &Path,
    os_user: Option<&OsUser>,
) -> Result<(), LabError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(io("made", path))?;
    own(path, os_user)
}

/// Gives `path` to `os_user`.
///
/// # Errors
/// When it cannot be given.
pub(in crate::lab) fn own(path: &Path, os_user: Option<&OsUser>) -> Result<(), LabError> {
    let Some(os_user) = os_user else { return Ok(()) };
    chown(path, Some(os_user.uid), Some(os_user.gid)).map_err(io("given to its user", path))
}
