//! The record on disk: appended while a run goes on, and read back.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use thiserror::Error;

use super::lock::lock_to_write;
use crate::model::event::{Event, Verification, What};
use crate::model::ledger::loss_times::LossTimes;
use crate::model::ledger::loss_times::LostWrites;
use crate::model::run::Run;
use crate::model::run::record_format::{
    HEADER_BYTES_MAX, LINE_BYTES_MAX, RecordError, decode, encode, follows,
};
use crate::model::run::replay::{Replay, ReplayedLine};

/// Why a record cannot be read or written.
#[derive(Debug, Error)]
pub enum RecordFileError {
    /// The file system says no.
    #[error("the record {} cannot be {doing}: {error}", named(path))]
    Io {
        /// Which file.
        path: PathBuf,
        /// `made`, `written`, `read`, `verified`.
        doing: &'static str,
        /// The cause.
        error: io::Error,
    },
    /// What is in it is no record, or not one that this version reads.
    #[error("{path}: {error}")]
    Content {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        error: RecordError,
    },
}

fn named(path: &Path) -> String {
    match path.as_os_str().is_empty() {
        true => "\"\"".to_owned(),
        false => path.display().to_string(),
    }
}

/// A record being written. Lines are gathered, and handed to the system at least once a second:
/// then they survive a `kill -9`.
#[derive(Debug)]
pub struct RecordWriter {
    path: PathBuf,
    file: File,
    lines: Vec<u8>,
    /// From the first failure on the record is incomplete.
    failed: bool,
}

impl RecordWriter {
    /// Makes a new record, and the folders above it.
    ///
    /// # Errors
    /// [`RecordFileError::Io`], also when the file is there already: a record is never overwritten.
    pub fn create(path: &Path) -> Result<Self, RecordFileError> {
        let made = |error| RecordFileError::Io { path: path.to_owned(), doing: "made", error };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(made)?;
        }
        let file = File::options().append(true).create_new(true).open(path).map_err(made)?;
        Ok(Self::of(path, file))
    }

    /// Opens what is there, as it is.
    #[cfg(test)]
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self::of(path, File::options().append(true).open(path)?))
    }

    fn of(path: &Path, file: File) -> Self {
        // The lock tells a program that wants to append or to remove it later that the record is in
        // use. Without locks in the file system only that is lost. A list of runs may have it for a
        // moment, which is waited for.
        let _ = lock_to_write(&file);
        Self { path: path.to_owned(), file, lines: Vec::new(), failed: false }
    }

    /// A record that is open and locked, to add to its end: a line that was cut off is ended first.
    ///
    /// # Errors
    /// [`RecordFileError::Io`].
    pub(super) fn at_end_of(path: &Path, mut file: File) -> Result<Self, RecordFileError> {
        let written =
            |error| RecordFileError::Io { path: path.to_owned(), doing: "written", error };
        let (whole_lines, tail) = last_line(&mut file).map_err(written)?;
        let mut lines = Vec::new();
        if decode(&tail, 0).is_ok() {
            lines.push(b'\n');
        } else {
            file.set_len(whole_lines).map_err(written)?;
        }
        file.seek(SeekFrom::End(0)).map_err(written)?;
        Ok(Self { path: path.to_owned(), file, lines, failed: false })
    }

    /// Adds an event; nothing reaches the file before the next flush.
    ///
    /// # Errors
    /// [`RecordFileError::Io`] when the event cannot be a line; none of ours is so.
    pub fn add(&mut self, event: &Event) -> Result<(), RecordFileError> {
        let line = encode(event).map_err(|error| self.not_written(error.into()))?;
        self.add_line(line.as_bytes());
        self.add_line(b"\n");
        Ok(())
    }

    /// Adds bytes of a line, which ends with a line break.
    pub(super) fn add_line(&mut self, line: &[u8]) {
        if !self.failed {
            self.lines.extend_from_slice(line);
        }
    }

    /// How many bytes wait for the next flush.
    pub(super) fn waiting(&self) -> usize {
        self.lines.len()
    }

    /// Hands what was added to the system.
    ///
    /// After a failure nothing more is written, so that the record has no hole; the failure is
    /// returned once.
    ///
    /// # Errors
    /// [`RecordFileError::Io`], once.
    pub fn flush(&mut self) -> Result<(), RecordFileError> {
        let written = self.file.write_all(&self.lines);
        self.lines.clear();
        written.map_err(|error| self.not_written(error))
    }

    fn not_written(&mut self, error: io::Error) -> RecordFileError {
        self.failed = true;
        RecordFileError::Io { path: self.path.clone(), doing: "written", error }
    }

    /// Removes the record of a run that never began.
    pub fn discard(path: &Path) {
        // It has no write in it: that it stays is no harm.
        let _ = std::fs::remove_file(path);
    }
}

/// Opens a record, which is a plain file: another thing may have no end, or never answer.
pub(super) fn open(path: &Path, options: &OpenOptions) -> io::Result<File> {
    let is_special = |metadata: Metadata| !metadata.is_file() && !metadata.is_dir();
    if std::fs::metadata(path).is_ok_and(is_special) {
        return Err(io::Error::other("it is not a plain file"));
    }
    options.open(path)
}

/// Opens a record to lock it: for writing as well, which an exclusive lock on NFS asks for. Where that is
/// not allowed it is opened for reading, with the reason.
pub(super) fn open_to_lock(path: &Path) -> io::Result<(File, Option<io::Error>)> {
    match open(path, File::options().read(true).write(true)) {
        Ok(file) => Ok((file, None)),
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem
            ) =>
        {
            Ok((open(path, File::options().read(true))?, Some(error)))
        }
        Err(error) => Err(error),
    }
}

/// Where the whole lines end, and what follows them.
fn last_line(file: &mut File) -> io::Result<(u64, Vec<u8>)> {
    let length = file.metadata()?.len();
    let mut step = 64 * 1024;
    loop {
        if step > LINE_BYTES_MAX as u64 * 2 {
            return Err(io::Error::other("its last line is too long"));
        }
        let from = length.saturating_sub(step);
        step *= 2;
        file.seek(SeekFrom::Start(from))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        if let Some(at) = tail.iter().rposition(|byte| *byte == b'\n') {
            return Ok((from + at as u64 + 1, tail.split_off(at + 1)));
        }
        if from == 0 {
            return Ok((0, tail));
        }
    }
}

/// A run read back from its record.
#[derive(Debug)]
pub struct Recorded {
    /// The run.
    pub run: Run,
    /// Whether the last line was cut off: the run was killed while it was written.
    pub torn: bool,
    /// Whether its last line is there. It is missing after a kill or a failure of the disk.
    pub complete: bool,
}

/// Reads a run back from its record, handing every event to `each` as well.
///
/// # Errors
/// [`RecordFileError`].
pub fn read(path: &Path, mut each: impl FnMut(&Event)) -> Result<Recorded, RecordFileError> {
    let content = |error| RecordFileError::Content { path: path.to_owned(), error };
    let io = |error| RecordFileError::Io { path: path.to_owned(), doing: "read", error };
    let mut reader = BufReader::new(open(path, File::options().read(true)).map_err(io)?);
    let mut replay = Replay::default();
    let mut run: Option<Run> = None;
    let mut complete = false;
    let mut line = Vec::new();
    loop {
        line.clear();
        // One byte and an end of line more than a line has: that is refused below.
        let bytes_max = if run.is_some() { LINE_BYTES_MAX } else { HEADER_BYTES_MAX };
        let mut bounded = reader.by_ref().take(bytes_max as u64 + 2);
        if bounded.read_until(b'\n', &mut line).map_err(io)? == 0 {
            break;
        }
        match (replay.line(&line).map_err(content)?, &mut run) {
            (ReplayedLine::Header(header), _) => run = Some(Run::new(*header)),
            (ReplayedLine::Event(event), Some(run)) => {
                follows(run, &event, replay.line_number()).map_err(content)?;
                complete |= matches!(event.what, What::Ended { .. });
                run.apply(&event);
                each(&event);
            }
            _ => {}
        }
    }
    let torn = replay.finish().map_err(content)?;
    let run = run.ok_or_else(|| content(RecordError::Empty))?;
    Ok(Recorded { run, torn, complete })
}

/// The lost writes of a verification as ranges, dated by a second look at the record where there
/// is one that can be read.
#[must_use]
pub fn lost_writes(
    started_at: DateTime<Utc>,
    verification: &Verification,
    record: Option<&Path>,
) -> Vec<LostWrites> {
    let Some(account) = verification.account.as_ref().filter(|account| account.counts.lost > 0)
    else {
        return Vec::new();
    };
    let mut times = LossTimes::new(started_at, &account.lost_writes);
    let date = |event: &Event| {
        if let What::Interval(interval) = &event.what {
            times.interval(event.at, &interval.writers);
        }
    };
    let dated = record.map(|path| read(path, date));
    if let Some(Err(error)) = dated {
        tracing::warn!("when the lost writes were acknowledged is not told: {error}");
    }
    times.finish()
}
