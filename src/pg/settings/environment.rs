//! What settings are read from: variables, the home folder and files.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::error::SettingsError;
use crate::tls::files::{Access, Disk, Files};

/// Where libpq's packagers put `pg_service.conf`: Debian, the PGDG packages for Red Hat, a build from source.
const SYSTEM_FOLDERS: [&str; 3] =
    ["/etc/postgresql-common", "/etc/sysconfig/pgsql", "/usr/local/pgsql/etc"];

/// Variables, home folder and files. [`Environment::of_process`] is the real one; tests build theirs from
/// [`Environment::empty`].
#[derive(Clone)]
pub struct Environment {
    variables: HashMap<String, OsString>,
    home: Option<PathBuf>,
    files: World,
}

#[derive(Clone)]
enum World {
    Disk,
    Given(HashMap<PathBuf, GivenFile>),
}

#[derive(Clone)]
struct GivenFile {
    mode: u32,
    content: Vec<u8>,
}

/// What a path leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PathKind {
    Nothing,
    /// A plain file and, on Unix, its permission bits.
    File(Option<u32>),
    SomethingElse,
}

impl Environment {
    /// The variables of this process, its user's home folder and the real files.
    #[must_use]
    pub fn of_process() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .collect();
        Self { variables, home: std::env::home_dir(), files: World::Disk }
    }

    /// No variable, no home folder, no file.
    #[must_use]
    pub fn empty() -> Self {
        Self { variables: HashMap::new(), home: None, files: World::Given(HashMap::new()) }
    }

    /// Adds a variable.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.variables.insert(name.to_owned(), value.into());
        self
    }

    /// Leaves a variable out.
    #[must_use]
    pub fn without_variable(mut self, name: &str) -> Self {
        self.variables.remove(name);
        self
    }

    /// Sets the home folder.
    #[must_use]
    pub fn with_home(mut self, home: impl Into<PathBuf>) -> Self {
        self.home = Some(home.into());
        self
    }

    /// Adds a file with these permission bits; from here on, only files added this way exist.
    #[must_use]
    pub fn with_file(
        mut self,
        path: impl Into<PathBuf>,
        mode: u32,
        content: impl Into<Vec<u8>>,
    ) -> Self {
        let file = GivenFile { mode, content: content.into() };
        let mut files = match self.files {
            World::Disk => HashMap::new(),
            World::Given(files) => files,
        };
        files.insert(path.into(), file);
        self.files = World::Given(files);
        self
    }

    /// Reads files from the disk.
    #[must_use]
    pub fn with_disk(mut self) -> Self {
        self.files = World::Disk;
        self
    }

    pub(super) fn text(&self, name: &'static str) -> Result<Option<&str>, SettingsError> {
        let Some(value) = self.variables.get(name) else {
            return Ok(None);
        };
        let text = value.to_str().ok_or(SettingsError::VariableNotUtf8 { name })?;
        Ok(Some(text))
    }

    /// libpq's folder for a user's files: the home folder, on Windows `%APPDATA%\postgresql`.
    pub(super) fn user_folder(&self) -> Option<PathBuf> {
        if cfg!(windows) {
            let application_data = self.variables.get("APPDATA")?;
            return Some(Path::new(application_data).join("postgresql"));
        }
        self.home.clone()
    }

    /// The folders in which the system's `pg_service.conf` may be.
    pub(super) fn system_folders(&self) -> Vec<PathBuf> {
        self.variables.get("PGSYSCONFDIR").map_or_else(
            || SYSTEM_FOLDERS.map(PathBuf::from).to_vec(),
            |folder| vec![PathBuf::from(folder)],
        )
    }

    /// What a path leads to; what cannot be looked at counts as nothing, as for libpq.
    pub(super) fn look(&self, path: &Path) -> PathKind {
        match self.access(path) {
            Err(_) => PathKind::Nothing,
            Ok(Access { is_file: true, mode, .. }) => PathKind::File(mode),
            Ok(_) => PathKind::SomethingElse,
        }
    }
}

impl Environment {
    /// Whether nothing is there. What cannot be looked at may be there.
    pub(super) fn is_missing(&self, path: &Path) -> bool {
        let kind = self.access(path).err().map(|error| error.kind());
        matches!(kind, Some(io::ErrorKind::NotFound | io::ErrorKind::NotADirectory))
    }
}

impl Files for Environment {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match &self.files {
            World::Disk => Disk.read(path),
            World::Given(files) => match files.get(path) {
                Some(file) => Ok(file.content.clone()),
                None => Err(io::ErrorKind::NotFound.into()),
            },
        }
    }

    fn access(&self, path: &Path) -> io::Result<Access> {
        match &self.files {
            World::Disk => Disk.access(path),
            World::Given(files) => match files.get(path) {
                Some(file) => {
                    Ok(Access { is_file: true, mode: Some(file.mode), owned_by_root: false })
                }
                None => Err(io::ErrorKind::NotFound.into()),
            },
        }
    }

    fn on_disk(&self) -> Option<Disk> {
        matches!(self.files, World::Disk).then_some(Disk)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        match &self.files {
            World::Disk => Disk.list(folder),
            World::Given(files) => {
                let mut within: Vec<PathBuf> = files.keys().cloned().collect();
                within.retain(|path| path.parent() == Some(folder));
                within.sort();
                Ok(within)
            }
        }
    }
}

/// Shows only the names of the variables, as `PGPASSWORD` and `PGCHAOS_DSN` are among them.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<&str> = self.variables.keys().map(String::as_str).collect();
        names.sort_unstable();
        f.debug_struct("Environment")
            .field("variables", &names)
            .field("home", &self.home.as_deref().map(Path::as_os_str).map(OsStr::to_string_lossy))
            .finish_non_exhaustive()
    }
}
