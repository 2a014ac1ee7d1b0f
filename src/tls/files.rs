//! Files with certificates and keys, and what others may do with them.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The largest file: the authorities of a whole system take some 200 KiB, a large authority's list of what it has
/// revoked some ten MiB.
const FILE_MIB_MAX: u64 = 64;

/// Where files are: on the disk, or in a test's own world.
pub trait Files {
    /// The content, at most 64 MiB.
    ///
    /// # Errors
    /// The system's; [`io::ErrorKind::NotFound`] when there is none.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// What is there, and what its permissions are.
    ///
    /// # Errors
    /// The system's; [`io::ErrorKind::NotFound`] when nothing is there.
    fn access(&self, path: &Path) -> io::Result<Access>;

    /// The plain files of a folder, in the order of their names.
    ///
    /// # Errors
    /// The system's.
    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>>;

    /// The disk, if that is where they are: then they may change while they are in use.
    fn on_disk(&self) -> Option<Disk>;
}

/// By which a change of a file is known: of its content, its permissions, or of what its name leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileStamp {
    bytes: u64,
    modified: Option<SystemTime>,
    /// Where it is on the disk, and when its entry there was changed, on Unix.
    inode: Option<(u64, i64, i64)>,
}

/// What a path leads to, as far as it matters to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// Whether it is a regular file.
    pub is_file: bool,
    /// The permission bits, on Unix.
    pub mode: Option<u32>,
    /// Whether root owns it.
    pub owned_by_root: bool,
}

/// The files of this machine.
#[derive(Debug, Clone, Copy)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        let bytes_max = FILE_MIB_MAX << 20;
        let read = std::fs::File::open(path)?.take(bytes_max + 1).read_to_end(&mut content)?;
        if read as u64 > bytes_max {
            let words = format!("it is larger than {FILE_MIB_MAX} MiB, the most that is read");
            return Err(io::Error::other(words));
        }
        Ok(content)
    }

    fn access(&self, path: &Path) -> io::Result<Access> {
        let metadata = std::fs::metadata(path)?;
        let (mode, owned_by_root) = permissions(&metadata);
        Ok(Access { is_file: metadata.is_file(), mode, owned_by_root })
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        let entries: Result<Vec<_>, _> = std::fs::read_dir(folder)?.collect();
        let mut files: Vec<PathBuf> = entries?.iter().map(std::fs::DirEntry::path).collect();
        files.retain(|path| path.is_file());
        files.sort();
        Ok(files)
    }

    fn on_disk(&self) -> Option<Disk> {
        Some(*self)
    }
}

impl Disk {
    /// Of what the path leads to; `None` where nothing can be looked at.
    pub(super) fn stamp(self, path: &Path) -> Option<FileStamp> {
        let metadata = std::fs::metadata(path).ok()?;
        let (bytes, modified) = (metadata.len(), metadata.modified().ok());
        Some(FileStamp { bytes, modified, inode: inode(&metadata) })
    }
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems have none")]
fn inode(metadata: &std::fs::Metadata) -> Option<(u64, i64, i64)> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.ino(), metadata.ctime(), metadata.ctime_nsec()))
}

#[cfg(not(unix))]
fn inode(_: &std::fs::Metadata) -> Option<(u64, i64, i64)> {
    None
}

#[cfg(unix)]
fn permissions(metadata: &std::fs::Metadata) -> (Option<u32>, bool) {
    use std::os::unix::fs::MetadataExt;
    (Some(metadata.mode()), metadata.uid() == 0)
}

#[cfg(not(unix))]
fn permissions(_: &std::fs::Metadata) -> (Option<u32>, bool) {
    (None, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_bundle_is_read_and_a_file_without_end_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bundle.pem");
        let file = std::fs::File::create(&path).unwrap();
        file.set_len(FILE_MIB_MAX << 20).unwrap();
        assert_eq!(Disk.read(&path).unwrap().len() as u64, FILE_MIB_MAX << 20);
        for path in [Path::new("/dev/zero"), &path] {
            file.set_len((FILE_MIB_MAX << 20) + 1).unwrap();
            let error = Disk.read(path).unwrap_err();
            assert_eq!(error.to_string(), "it is larger than 64 MiB, the most that is read");
        }
    }
}
