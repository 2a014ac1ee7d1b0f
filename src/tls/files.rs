//! Files with certificates and keys, and what others may do with them.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The largest file: the authorities of a whole system take some 200 KiB.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Where files are: on the disk, or in a test's own world.
pub trait Files {
    /// The content, at most 1 MiB.
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
}

/// What a path leads to, as far as it matters to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// Whether it is a regular file.
    pub is_file: bool,
    /// The permission bits, on Unix.
    pub mode: Option<u32>,
    /// Whether root owns it.
    pub is_roots: bool,
}

/// The files of this machine.
#[derive(Debug, Clone, Copy)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        let read = std::fs::File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut content)?;
        if read as u64 > FILE_BYTES_MAX {
            return Err(io::Error::other("the file is larger than 1 MiB"));
        }
        Ok(content)
    }

    fn access(&self, path: &Path) -> io::Result<Access> {
        let metadata = std::fs::metadata(path)?;
        let (mode, is_roots) = permissions(&metadata);
        Ok(Access { is_file: metadata.is_file(), mode, is_roots })
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        let entries: Result<Vec<_>, _> = std::fs::read_dir(folder)?.collect();
        let mut files: Vec<PathBuf> = entries?.iter().map(std::fs::DirEntry::path).collect();
        files.retain(|path| path.is_file());
        files.sort();
        Ok(files)
    }
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
