//! Where a lab's files are.
//!
//! For an ordinary user `$XDG_STATE_HOME/pgchaos/labs`, as for the records of runs. For root
//! `/var/lib/pgchaos/labs`, unless `XDG_STATE_HOME` says another place: the members run as an
//! ordinary user, and root's home is closed to it.

use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use crate::lab::error::LabError;
use crate::lab::files::os_user::OsUser;
use crate::lab::member::Member;
use crate::lab::spec::check_name;

const OF_ROOT: &str = "/var/lib/pgchaos";

/// The folder in a lab's with what all of it trust.
pub(in crate::lab) const TLS: &str = "tls";

/// The file in it with the authority's certificate.
pub(in crate::lab) const AUTHORITY: &str = "ca.crt";

/// The file in a member's folder with its key.
pub(in crate::lab) const MEMBER_KEY: &str = "member.key";

/// The files of one lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::lab) struct Folders {
    lab: PathBuf,
}

impl Folders {
    /// Those of the lab of this name, which need not exist.
    ///
    /// # Errors
    /// When there is no home folder.
    pub(in crate::lab) fn of(name: &str) -> Result<Self, LabError> {
        let labs = labs()?;
        // Processes are known by their folder, so it has one name only.
        let labs = labs.canonicalize().unwrap_or(labs);
        Ok(Self { lab: labs.join(name) })
    }

    /// The names of all folders that could be a lab's.
    ///
    /// # Errors
    /// When there is no home folder.
    pub(in crate::lab) fn names() -> Result<Vec<String>, LabError> {
        let entries = std::fs::read_dir(labs()?).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter(|name| check_name(name).is_ok()).collect();
        names.sort();
        Ok(names)
    }

    /// Those of a lab in this folder.
    #[cfg(test)]
    pub(in crate::lab) fn at(lab: PathBuf) -> Self {
        Self { lab }
    }

    /// The lab's own folder.
    #[must_use]
    pub(in crate::lab) fn lab(&self) -> &Path {
        &self.lab
    }

    /// The lab's name.
    pub(in crate::lab) fn name(&self) -> String {
        self.lab.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// What is known of it.
    pub(in crate::lab) fn state(&self) -> PathBuf {
        self.lab.join("lab.json")
    }

    /// Held by the command that changes it. Outside of the folder, which such a command may remove.
    pub(in crate::lab) fn lock(&self) -> PathBuf {
        self.lab.with_extension("lock")
    }

    /// Logs, which outlive `down`.
    #[must_use]
    pub(in crate::lab) fn logs(&self) -> PathBuf {
        self.lab.join("logs")
    }

    /// A member's log.
    #[must_use]
    pub(in crate::lab) fn log(&self, member: Member) -> PathBuf {
        self.logs().join(format!("{member}.log"))
    }

    /// The second name of a member's log, by which its life is told.
    pub(in crate::lab) fn life(&self, member: Member) -> PathBuf {
        self.member(member).join("life")
    }

    /// A member's own folder: its configuration and its data.
    pub(in crate::lab) fn member(&self, member: Member) -> PathBuf {
        self.lab.join(member.to_string())
    }

    /// The certificates of the whole lab, and the client's key.
    pub(in crate::lab) fn tls(&self) -> PathBuf {
        self.lab.join(TLS)
    }

    /// What clients and members trust.
    pub(in crate::lab) fn authority(&self) -> PathBuf {
        self.tls().join(AUTHORITY)
    }

    /// The certificate that a client shows.
    pub(in crate::lab) fn client_certificate(&self) -> PathBuf {
        self.tls().join("client.crt")
    }

    /// Its key, for the user of pgchaos alone.
    pub(in crate::lab) fn client_key(&self) -> PathBuf {
        self.tls().join("client.key")
    }

    /// A member's certificate.
    pub(in crate::lab) fn certificate(&self, member: Member) -> PathBuf {
        self.member(member).join("member.crt")
    }

    /// Its key, for the user of the members alone. HAProxy wants the certificate in it too.
    pub(in crate::lab) fn key(&self, member: Member) -> PathBuf {
        self.member(member).join(MEMBER_KEY)
    }

    /// PostgreSQL's or etcd's data.
    pub(in crate::lab) fn data(&self, member: Member) -> PathBuf {
        self.member(member).join("data")
    }
}

/// The folder of all labs.
pub(in crate::lab) fn labs() -> Result<PathBuf, LabError> {
    let is_moved =
        std::env::var_os("XDG_STATE_HOME").is_some_and(|path| Path::new(&path).is_absolute());
    if OsUser::is_root() && !is_moved {
        return Ok(PathBuf::from(OF_ROOT).join("labs"));
    }
    let folders = ProjectDirs::from("", "", "pgchaos").ok_or(LabError::NoHome)?;
    let state = folders.state_dir().unwrap_or_else(|| folders.data_local_dir());
    Ok(state.join("labs"))
}
