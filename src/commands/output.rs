//! The results of a command: the summary on standard output, and the reports.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use super::problem::Problem;
use super::same_file::all_distinct;
use super::terminal::{Terminal, local_offset};
use crate::cli::summary_args::{SummaryArgs, SummaryFormat};
use crate::engine::record::file::{Recorded, read};
use crate::model::foreign::printable;
use crate::model::run::summarize::sum_up;
use crate::model::run::summary::{RecordSummary, Summary};
use crate::report::export::{Format, RenderError};
use crate::report::summary_json::summary_json;
use crate::report::summary_text::{SummaryTextOptions, summary_text};

/// Reports to be written. Their files are tried before the run, so that a long run does not end with
/// "no such folder".
#[derive(Debug)]
pub struct Reports {
    reports: Vec<(PathBuf, Format)>,
}

impl Reports {
    /// Checks that each name says a format, that all name different files, and that each file can be
    /// written.
    ///
    /// # Errors
    /// A usage problem for a name that names no format or a file in use, else that the file cannot
    /// be written.
    pub fn check(args: &SummaryArgs, record: Option<&Path>) -> Result<Self, Problem> {
        let record = record.map(|path| ("the record", path));
        Self::check_beside(args, record)
    }

    /// The same beside other files, each with what it is.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub(super) fn check_beside<'a>(
        args: &'a SummaryArgs,
        others: impl IntoIterator<Item = (&'static str, &'a Path)>,
    ) -> Result<Self, Problem> {
        all_distinct(others.into_iter().chain(named_reports(&args.report)))?;
        let mut reports = Vec::new();
        for path in &args.report {
            let format =
                Format::of_path(path).map_err(|error| Problem::usage(error.to_string()))?;
            must_be_writable(path)?;
            reports.push((path.clone(), format));
        }
        Ok(Self { reports })
    }

    /// Writes them, also those after one that cannot be written.
    ///
    /// # Errors
    /// When a file cannot be written: the last of these; the others are told.
    pub fn write(&self, summary: &Summary) -> Result<(), Problem> {
        self.write_as(|format| format.render(summary))
    }

    /// Writes what this makes of each format.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub(super) fn write_as(
        &self,
        render: impl Fn(Format) -> Result<String, RenderError>,
    ) -> Result<(), Problem> {
        let written = self.reports.iter().map(|(path, format)| {
            let content = render(*format)
                .map_err(|error| Problem::could_not_run(format!("{}: {error}", path.display())))?;
            write_report(path, content)
        });
        all_of(written)
    }
}

/// The last problem of several; the others are printed.
fn all_of(results: impl Iterator<Item = Result<(), Problem>>) -> Result<(), Problem> {
    let mut failed = None;
    for problem in results.filter_map(Result::err) {
        if let Some(before) = failed.replace(problem) {
            tell!("{}", before.to_string().trim_end());
        }
    }
    failed.map_or(Ok(()), Err)
}

/// The reports' files, by what they are.
pub(super) fn named_reports(paths: &[PathBuf]) -> impl Iterator<Item = (&'static str, &Path)> {
    paths.iter().map(|path| ("a report", path.as_path()))
}

/// Tries a report's file, and leaves it as it was.
pub(super) fn must_be_writable(path: &Path) -> Result<(), Problem> {
    before_its_deadline(path, |path| {
        // Opening a named pipe waits for a reader. A pipe that is open already, such as
        // /dev/stdout, has no path to canonicalize.
        if is_pipe(path) && path.canonicalize().is_ok() {
            return Err(io::Error::other("it is not a plain file"));
        }
        if holds_a_record(path) {
            return Err(io::Error::other("it is the record of a run, which would be lost"));
        }
        let is_new = !path.exists();
        std::fs::File::options().create(true).append(true).open(path)?;
        if is_new {
            // It was made only to try.
            let _ = std::fs::remove_file(path);
        }
        Ok(())
    })
}

/// Whether a plain file begins as a record does, also one of another version, or one that is being written. Reading
/// anything else, such as a pipe, could wait for ever.
fn holds_a_record(path: &Path) -> bool {
    if !path.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return false;
    }
    let mut begin = Vec::new();
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(RECORD_BEGIN_BYTES).read_to_end(&mut begin));
    let begin = String::from_utf8_lossy(&begin);
    let line = begin.lines().next().unwrap_or_default();
    let names_a_run = ["\"event\":\"run\"", "\"run_id\":"].iter().all(|part| line.contains(part));
    read.is_ok() && line.starts_with('{') && names_a_run
}

/// A record names its run within its first bytes.
const RECORD_BEGIN_BYTES: u64 = 4096;

#[cfg(unix)]
fn is_pipe(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    path.metadata().is_ok_and(|metadata| metadata.file_type().is_fifo())
}

#[cfg(not(unix))]
fn is_pipe(_: &Path) -> bool {
    false
}

/// Writes a report.
pub(super) fn write_report(path: &Path, content: String) -> Result<(), Problem> {
    before_its_deadline(path, |path| std::fs::write(path, content))
}

/// How long the disk of a report may take.
const DISK_DEADLINE: Duration = Duration::from_secs(10);

fn before_its_deadline(
    path: &Path,
    work: impl FnOnce(&Path) -> io::Result<()> + Send + 'static,
) -> Result<(), Problem> {
    by_disk_deadline(path, work).map_err(|error| cannot_write(path, &error))
}

/// Does work that may wait for a disk, on a thread that is left behind when the disk hangs.
pub(super) fn by_disk_deadline(
    path: &Path,
    work: impl FnOnce(&Path) -> io::Result<()> + Send + 'static,
) -> io::Result<()> {
    let (done, end) = mpsc::channel();
    let of_thread = path.to_owned();
    let thread = std::thread::Builder::new().name("report".to_owned()).spawn(move || {
        // After the deadline the receiver is gone; ignore the send error.
        let _ = done.send(work(&of_thread));
    });
    thread.and_then(|_| {
        end.recv_timeout(DISK_DEADLINE).unwrap_or_else(|_| {
            let seconds = DISK_DEADLINE.as_secs();
            Err(io::Error::other(format!("its disk does not answer within {seconds} s")))
        })
    })
}

fn cannot_write(path: &Path, error: &io::Error) -> Problem {
    Problem::could_not_run(format!("the report {} cannot be written: {error}", path.display()))
}

/// Prints on standard output. A reader that is gone is no problem.
///
/// # Errors
/// When standard output cannot be written, as on a full disk.
pub fn print(text: &str) -> Result<(), Problem> {
    let mut out = io::stdout().lock();
    printed(out.write_all(printable(text).as_bytes()).and_then(|()| out.flush()))
}

/// The result of a write to standard output; a reader that is gone is no problem.
pub(super) fn printed(result: io::Result<()>) -> Result<(), Problem> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Problem::could_not_run(format!("standard output cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// Prints the summary on standard output.
///
/// # Errors
/// When standard output cannot be written.
pub fn print_summary(summary: &Summary, format: SummaryFormat) -> Result<(), Problem> {
    let text = match format {
        SummaryFormat::Json => {
            summary_json(summary).map_err(|error| Problem::could_not_run(error.to_string()))?
        }
        SummaryFormat::Text => summary_text(summary, &on_standard_output()),
    };
    print(&text)
}

/// How text is written on standard output.
pub(super) fn on_standard_output() -> SummaryTextOptions {
    let terminal = Terminal::stdout();
    SummaryTextOptions { offset: local_offset(), colour: terminal.colour, width: terminal.width }
}

/// The summary of a recorded run, from the record alone.
pub(super) fn summary_of_record(path: &Path) -> Result<Summary, Problem> {
    let recorded = read(path, |_| {})?;
    let mut summary = sum_up(&recorded.run);
    summary.record = Some(record_read(path, &recorded));
    Ok(summary)
}

/// The record that was read, for its run's summary.
pub(super) fn record_read(path: &Path, recorded: &Recorded) -> RecordSummary {
    let complete = recorded.complete && !recorded.torn;
    RecordSummary {
        path: path.display().to_string(),
        complete,
        error: (!complete).then(|| NOT_CLOSED.to_owned()),
    }
}

/// Why a record is incomplete.
const NOT_CLOSED: &str = "the run was killed, or its disk failed";
