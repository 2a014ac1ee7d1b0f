//! The end of a run for its reader: the summary on standard output, and the reports.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::problem::Problem;
use super::terminal::{Terminal, local_offset};
use crate::cli::{SummaryArgs, SummaryFormat};
use crate::model::summary::Summary;
use crate::report::export::Format;
use crate::report::summary_json::summary_json;
use crate::report::summary_text::{SummaryTextOptions, summary_text};

/// Reports whose files were tried before the run, so that a long run does not end with "no such
/// folder".
#[derive(Debug)]
pub struct Reports {
    reports: Vec<(PathBuf, Format)>,
}

impl Reports {
    /// Checks the names, and that the files can be written.
    ///
    /// # Errors
    /// A usage problem for a name that names no format, else that the file cannot be written.
    pub fn check(args: &SummaryArgs) -> Result<Self, Problem> {
        let mut reports = Vec::new();
        for path in &args.report {
            let format =
                Format::of_path(path).map_err(|error| Problem::usage(error.to_string()))?;
            must_be_writable(path)?;
            reports.push((path.clone(), format));
        }
        Ok(Self { reports })
    }

    /// Writes them.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, summary: &Summary) -> Result<(), Problem> {
        for (path, format) in &self.reports {
            let content = format
                .render(summary)
                .map_err(|error| Problem::could_not_run(format!("{}: {error}", path.display())))?;
            std::fs::write(path, content).map_err(|error| cannot_write(path, &error))?;
        }
        Ok(())
    }
}

/// Tries a report's file, and leaves it as it was.
pub(super) fn must_be_writable(path: &Path) -> Result<(), Problem> {
    let is_new = !path.exists();
    let opened = std::fs::File::options().create(true).append(true).open(path);
    opened.map_err(|error| cannot_write(path, &error))?;
    if is_new {
        // It was made only to see that it can be made.
        let _ = std::fs::remove_file(path);
    }
    Ok(())
}

pub(super) fn cannot_write(path: &Path, error: &std::io::Error) -> Problem {
    Problem::could_not_run(format!("the report {} cannot be written: {error}", path.display()))
}

/// Prints the summary on standard output. A reader that went away is no problem of ours.
///
/// # Errors
/// When the summary cannot be turned into JSON; none is known.
pub fn print_summary(
    summary: &Summary,
    format: SummaryFormat,
    record: Option<&Path>,
) -> Result<(), Problem> {
    let text = match format {
        SummaryFormat::Json => {
            summary_json(summary).map_err(|error| Problem::could_not_run(error.to_string()))?
        }
        SummaryFormat::Text => {
            let terminal = Terminal::stdout();
            let options = SummaryTextOptions {
                offset: local_offset(),
                colour: terminal.colour,
                width: terminal.width,
            };
            let record = record.map(|record| record.display().to_string());
            summary_text(summary, record.as_deref(), &options)
        }
    };
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
    Ok(())
}
