//! What the two ends of a record tell of its run: enough for a list of runs, however long the record is.
//!
//! What stands between them is not read, so damage there is not seen here: `file::read` finds it.

use std::fs::{File, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::file::{RecordFileError, open};
use crate::model::event::{Event, Header, RunResult, What};
use crate::model::run::record_format::{HEADER_BYTES_MAX, RecordError, decode, decode_header};

/// How much of a record's end is read, in bytes: more where no whole line is in it. The last line of
/// one that was closed has some hundred bytes, a second of a thousand writers some ten thousand.
const END_BYTES: [u64; 3] = [4 * 1024, 64 * 1024, 1024 * 1024];

/// A file that may be a record, by its two ends.
#[derive(Debug)]
pub struct Overview {
    /// Where it is.
    pub path: PathBuf,
    /// How long it is, in bytes; 0 where that is not known.
    pub bytes: u64,
    /// When it was written last, where the file system tells.
    pub modified: Option<SystemTime>,
    /// What its first line says, or why it says nothing.
    pub header: Result<Box<Header>, RecordFileError>,
    /// What its end says.
    pub end: RecordEnd,
}

/// What the end of a record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordEnd {
    /// A running pgchaos writes the record: its run goes on, or is verified.
    Written {
        /// How long it has gone on by the last whole line.
        at: Option<Duration>,
    },
    /// What the run comes to.
    Result(RunResult),
    /// The run was closed, and what it comes to does not stand at the end: an older pgchaos wrote it, or
    /// the last line could not be written.
    Ended,
    /// The run was killed, or the disk of its record failed.
    Unfinished {
        /// How long it has gone on by the last whole line.
        at: Option<Duration>,
    },
    /// The first line says that this is no record that can be read.
    Unread,
}

/// Looks at a record's first line and at its end.
#[must_use]
pub fn overview(path: &Path) -> Overview {
    let unread = |error| Overview {
        path: path.to_owned(),
        bytes: 0,
        modified: None,
        header: Err(error),
        end: RecordEnd::Unread,
    };
    let not_read = |error| RecordFileError::Io { path: path.to_owned(), doing: "read", error };
    let file = match plain(path) {
        Ok(file) => file,
        Err(error) => return unread(not_read(error)),
    };
    let metadata = file.metadata().ok();
    let bytes = metadata.as_ref().map_or(0, std::fs::Metadata::len);
    let header = header(path, &file).map(Box::new);
    let end = match &header {
        Ok(_) => end(&file),
        Err(_) => RecordEnd::Unread,
    };
    let modified = metadata.and_then(|metadata| metadata.modified().ok());
    Overview { path: path.to_owned(), bytes, modified, header, end }
}

/// The header of a record.
///
/// # Errors
/// [`RecordFileError`].
pub fn header_of(path: &Path) -> Result<Header, RecordFileError> {
    let not_read = |error| RecordFileError::Io { path: path.to_owned(), doing: "read", error };
    header(path, &plain(path).map_err(not_read)?)
}

fn plain(path: &Path) -> io::Result<File> {
    let file = open(path, File::options().read(true))?;
    // Linux opens a folder, and refuses to read it.
    match file.metadata()?.is_dir() {
        true => Err(io::Error::other("it is a folder")),
        false => Ok(file),
    }
}

/// The header in the first line of an open record.
pub(super) fn header(path: &Path, file: &File) -> Result<Header, RecordFileError> {
    let not_read = |error| RecordFileError::Io { path: path.to_owned(), doing: "read", error };
    let content = |error| RecordFileError::Content { path: path.to_owned(), error };
    let mut line = Vec::new();
    // As much as `file::read` takes for a first line.
    let mut bounded = BufReader::new(file).take(HEADER_BYTES_MAX as u64 + 2);
    bounded.read_until(b'\n', &mut line).map_err(not_read)?;
    match line.trim_ascii() {
        [] => Err(content(RecordError::Empty)),
        line => decode_header(line).map_err(content),
    }
}

/// What the end of an open record says.
fn end(file: &File) -> RecordEnd {
    let is_written = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
    let last = last_whole_event(file);
    let at = last.as_ref().map(|last| last.at);
    match last.map(|last| last.what) {
        _ if is_written => RecordEnd::Written { at },
        Some(What::Result(result)) => RecordEnd::Result(result),
        Some(What::Ended { .. } | What::Verified(_)) if is_closed(file) => RecordEnd::Ended,
        _ => RecordEnd::Unfinished { at },
    }
}

/// The event in the last whole line of an open record.
pub(super) fn last_whole_event(file: &File) -> Option<Event> {
    in_tail(file, |tail| events(tail)?.next())
}

/// Whether the run was closed, below which its verifications and what it comes to by them may stand.
fn is_closed(file: &File) -> bool {
    let is_later = |event: &Event| matches!(event.what, What::Verified(_) | What::Result(_));
    let before = in_tail(file, |tail| events(tail)?.find(|event| !is_later(event)));
    before.is_some_and(|before| matches!(before.what, What::Ended { complete: true }))
}

/// What is found in as much of a record's end as it takes.
fn in_tail<T>(file: &File, find: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
    let bytes = file.metadata().ok()?.len();
    END_BYTES.iter().find_map(|room| find(&tail(file, bytes, *room).ok()?))
}

fn tail(mut file: &File, bytes: u64, room: u64) -> io::Result<Vec<u8>> {
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(bytes.saturating_sub(room)))?;
    // A record that grows meanwhile is read up to where it was.
    file.take(room.min(bytes)).read_to_end(&mut tail)?;
    Ok(tail)
}

/// The events of whole lines, from the last one up. A last line that was cut off tells nothing: readers
/// leave it out. Above another line that is no event nothing is known.
fn events(tail: &[u8]) -> Option<impl Iterator<Item = Event>> {
    let lines = tail.rsplit(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let mut lines = lines.filter(|line| !line.is_empty());
    let last = decode(lines.next()?, 0).ok();
    Some(last.into_iter().chain(lines.map_while(|line| decode(line, 0).ok())))
}
