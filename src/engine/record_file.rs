//! The record on disk: appended while a run goes on, and read back.

use std::fs::{File, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use thiserror::Error;

use crate::model::event::{Event, Verification};
use crate::model::loss_times::LossTimes;
use crate::model::record::{RecordError, encode};
use crate::model::replay::{Line, Replay};
use crate::model::run::Run;
use crate::model::summary::LostWrites;

/// Why a record cannot be read or written.
#[derive(Debug, Error)]
pub enum RecordFileError {
    /// The file system says no.
    #[error("the record {path} cannot be {doing}: {error}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// `made`, `written`, `read`.
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

/// A record being written. Lines are gathered, and handed to the system at least once a second:
/// then they survive a `kill -9`.
#[derive(Debug)]
pub struct RecordWriter {
    path: PathBuf,
    file: File,
    lines: Vec<u8>,
    /// The first failure: from then on the record is incomplete.
    failed: Option<String>,
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
        // Whoever wants to append to it later can tell that it is in use. A file system without
        // locks only loses that.
        let _ = file.try_lock();
        Ok(Self { path: path.to_owned(), file, lines: Vec::new(), failed: None })
    }

    /// Opens a record to append to it, first ending a line that was cut off.
    ///
    /// # Errors
    /// [`RecordFileError::Io`], also when a running pgchaos still writes it.
    pub fn append_to(path: &Path) -> Result<Self, RecordFileError> {
        let written =
            |error| RecordFileError::Io { path: path.to_owned(), doing: "written", error };
        let mut file = File::options().read(true).write(true).open(path).map_err(written)?;
        if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            let running = io::Error::other("a running pgchaos is writing it");
            return Err(written(running));
        }
        let (whole_lines, tail) = last_line(&mut file).map_err(written)?;
        let mut lines = Vec::new();
        if serde_json::from_slice::<Event>(&tail).is_ok() {
            lines.push(b'\n');
        } else {
            file.set_len(whole_lines).map_err(written)?;
        }
        file.seek(SeekFrom::End(0)).map_err(written)?;
        Ok(Self { path: path.to_owned(), file, lines, failed: None })
    }

    /// Adds an event; nothing reaches the file before the next flush.
    pub fn add(&mut self, event: &Event) {
        match encode(event) {
            Ok(line) => {
                self.lines.extend_from_slice(line.as_bytes());
                self.lines.push(b'\n');
            }
            Err(error) => self.fail(&error.to_string()),
        }
    }

    /// Hands what was added to the system.
    ///
    /// After a failure nothing more is written, so that the record has no hole; the first
    /// failure is returned once, as words for people.
    ///
    /// # Errors
    /// What went wrong, once.
    pub fn flush(&mut self) -> Result<(), String> {
        if self.failed.is_some() || self.lines.is_empty() {
            return Ok(());
        }
        let written = self.file.write_all(&self.lines);
        self.lines.clear();
        written.map_err(|error| {
            let words = format!("the record {} cannot be written: {error}", self.path.display());
            self.fail(&words);
            words
        })
    }

    /// Removes the record of a run that never began.
    pub fn discard(path: &Path) {
        // It has no write in it: that it stays is no harm.
        let _ = std::fs::remove_file(path);
    }

    fn fail(&mut self, why: &str) {
        self.failed.get_or_insert_with(|| why.to_owned());
    }
}

/// Where the whole lines end, and what follows them.
fn last_line(file: &mut File) -> io::Result<(u64, Vec<u8>)> {
    const STEP: u64 = 64 * 1024;
    let length = file.metadata()?.len();
    let mut from = length;
    loop {
        from = from.saturating_sub(STEP);
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
}

/// Reads a run back from its record, handing every event to `each` as well.
///
/// # Errors
/// [`RecordFileError`].
pub fn read(path: &Path, mut each: impl FnMut(&Event)) -> Result<Recorded, RecordFileError> {
    let content = |error| RecordFileError::Content { path: path.to_owned(), error };
    let io = |error| RecordFileError::Io { path: path.to_owned(), doing: "read", error };
    let mut reader = BufReader::new(File::open(path).map_err(io)?);
    let mut replay = Replay::default();
    let mut run: Option<Run> = None;
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line).map_err(io)? == 0 {
            break;
        }
        match (replay.line(&line).map_err(content)?, &mut run) {
            (Line::Header(header), _) => run = Some(Run::new(*header)),
            (Line::Event(event), Some(run)) => {
                run.apply(&event);
                each(&event);
            }
            _ => {}
        }
    }
    let torn = replay.finish().map_err(content)?;
    let run = run.ok_or_else(|| content(RecordError::Empty))?;
    Ok(Recorded { run, torn })
}

/// The lost writes of a verification as ranges, dated by a second look at the record where there
/// is one that can be read.
#[must_use]
pub fn lost_writes(
    started_at: DateTime<Utc>,
    verification: &Verification,
    record: Option<&Path>,
) -> Vec<LostWrites> {
    let Some(account) = verification.account.as_ref().filter(|account| account.lost > 0) else {
        return Vec::new();
    };
    let mut times = LossTimes::new(started_at, &account.lost_writes);
    let dated = record.map(|path| read(path, |event| times.apply(event)));
    if let Some(Err(error)) = dated {
        tracing::warn!("when the lost writes were acknowledged is not told: {error}");
    }
    times.finish()
}
