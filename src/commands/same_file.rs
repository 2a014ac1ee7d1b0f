//! Whether two names are names of one file: a report written over the record, or over the file that
//! standard output goes to, would destroy it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::problem::Problem;

/// How many symbolic links are followed, as the system does.
const LINKS_MAX: u32 = 40;

/// What tells one file from another.
#[derive(Debug, PartialEq, Eq)]
enum FileIdentity {
    /// An existing file, by device and inode: the same through every link.
    #[cfg(unix)]
    There(u64, u64),
    /// A file that does not exist yet, by its folder and its name there.
    NotYet(PathBuf, OsString),
}

/// Checks that these files, each with what it is, and standard output are all different ones.
///
/// # Errors
/// A usage problem that names both.
pub(super) fn all_distinct<'a>(
    files: impl IntoIterator<Item = (&'static str, &'a Path)>,
) -> Result<(), Problem> {
    let mut seen: Vec<(FileIdentity, String)> = Vec::new();
    if let Some(identity) = standard_output() {
        seen.push((identity, "standard output".to_owned()));
    }
    for (what, path) in files {
        let Some(identity) = identity(path) else { continue };
        let name = format!("{what} {}", path.display());
        if let Some((_, other)) = seen.iter().find(|(other, _)| *other == identity) {
            return Err(Problem::usage(format!("{name} and {other} are one file"))
                .try_this("a name of its own for each: one would be written over the other"));
        }
        seen.push((identity, name));
    }
    Ok(())
}

/// The first file that is named twice, by any of its names.
pub(super) fn named_twice<'a>(files: impl IntoIterator<Item = &'a Path>) -> Option<&'a Path> {
    let mut seen = Vec::new();
    files.into_iter().find(|path| {
        let Some(identity) = identity(path) else { return false };
        let is_known = seen.contains(&identity);
        seen.push(identity);
        is_known
    })
}

/// The file that standard output goes to, where it is one.
fn standard_output() -> Option<FileIdentity> {
    #[cfg(unix)]
    return there(Path::new("/dev/stdout"));
    #[cfg(not(unix))]
    None
}

/// The file behind a name; `None` for a pipe, `/dev/null` and the like, which hold nothing.
fn identity(path: &Path) -> Option<FileIdentity> {
    if path.exists() {
        return there(path);
    }
    let mut path = path.to_owned();
    for _ in 0..LINKS_MAX {
        match std::fs::read_link(&path) {
            Ok(to) => path = folder_of(&path).join(to),
            Err(_) => break,
        }
    }
    let folder = folder_of(&path);
    let folder = folder.canonicalize().or_else(|_| std::path::absolute(folder)).ok()?;
    Some(FileIdentity::NotYet(folder, path.file_name()?.to_owned()))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(unix)]
fn there(path: &Path) -> Option<FileIdentity> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(path).ok()?;
    metadata.is_file().then(|| FileIdentity::There(metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn there(path: &Path) -> Option<FileIdentity> {
    let path = path.canonicalize().ok().filter(|path| path.is_file())?;
    Some(FileIdentity::NotYet(folder_of(&path).to_owned(), path.file_name()?.to_owned()))
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs::{create_dir, hard_link, write};
    use std::os::unix::fs::symlink;

    use super::*;

    fn refused(files: &[&Path]) -> bool {
        all_distinct(files.iter().map(|path| ("a report", *path))).is_err()
    }

    #[test]
    fn one_file_is_known_by_all_of_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        create_dir(at("sub")).unwrap();
        symlink(at("sub"), at("other-way")).unwrap();
        // They do not exist yet.
        symlink("z.json", at("link.json")).unwrap();
        symlink("link.json", at("link-to-link.json")).unwrap();
        assert!(refused(&[&at("z.json"), &at("z.json")]));
        assert!(refused(&[&at("z.json"), &at("./z.json")]));
        assert!(refused(&[&at("z.json"), &at("sub/../z.json")]));
        assert!(refused(&[&at("z.json"), &at("link.json")]));
        assert!(refused(&[&at("link-to-link.json"), &at("z.json")]));
        assert!(refused(&[&at("sub/z.json"), &at("other-way/z.json")]));
        assert!(!refused(&[&at("z.json"), &at("sub/z.json"), &at("y.json")]));
        // They exist.
        write(at("z.json"), "").unwrap();
        hard_link(at("z.json"), at("hard.json")).unwrap();
        write(at("y.json"), "").unwrap();
        assert!(refused(&[&at("z.json"), &at("hard.json")]));
        assert!(refused(&[&at("link-to-link.json"), &at("z.json")]));
        assert!(!refused(&[&at("z.json"), &at("y.json")]));
        let (hard, other) = (at("hard.json"), at("y.json"));
        assert_eq!(named_twice([&*at("z.json"), &other, &hard]), Some(&*hard));
        assert_eq!(named_twice([&*other, &hard]), None);
    }

    #[test]
    fn what_is_no_file_may_be_named_twice() {
        assert!(!refused(&[Path::new("/dev/null"), Path::new("/dev/null")]));
    }
}
