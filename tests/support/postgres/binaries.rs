//! Where this machine has PostgreSQL's programs.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const DEBIAN: &str = "/usr/lib/postgresql";

/// Names the folder of another version than the one that is found.
const NAMED_BY: &str = "POSTGRES_BIN";

/// The folder with `postgres`, `initdb` and the rest: the one that is named, else Debian's newest version, or what is
/// on the PATH.
pub(super) fn folder() -> PathBuf {
    if let Some(named) = env::var_os(NAMED_BY) {
        let folder = PathBuf::from(named);
        assert!(
            is_complete(&folder),
            "{NAMED_BY} is {folder:?}, which has not all of PostgreSQL's programs"
        );
        return folder;
    }
    debian()
        .or_else(on_path)
        .or_else(by_pg_config)
        .unwrap_or_else(|| {
            panic!(
                "these tests need a PostgreSQL server, and there is none in {DEBIAN}/*/bin and no pg_ctl on the PATH: \
                 run tests/run, which installs it, or install the package postgresql yourself"
            )
        })
}

fn debian() -> Option<PathBuf> {
    fs::read_dir(DEBIAN)
        .ok()?
        .flatten()
        .filter_map(|entry| Some((version(&entry.path())?, entry.path().join("bin"))))
        .filter(|(_, folder)| is_complete(folder))
        .max()
        .map(|(_, folder)| folder)
}

/// 9.6 comes before 15, which it would not as text.
fn version(path: &Path) -> Option<Vec<u32>> {
    let name = path.file_name()?.to_str()?;
    name.split('.').map(|part| part.parse().ok()).collect()
}

fn on_path() -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .filter_map(|folder| fs::canonicalize(folder.join("pg_ctl")).ok())
        .filter_map(|pg_ctl| pg_ctl.parent().map(Path::to_path_buf))
        .find(|folder| is_complete(folder))
}

fn by_pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let folder = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    is_complete(&folder).then_some(folder)
}

fn is_complete(folder: &Path) -> bool {
    ["initdb", "postgres", "psql", "pg_basebackup"]
        .iter()
        .all(|program| folder.join(program).exists())
}
