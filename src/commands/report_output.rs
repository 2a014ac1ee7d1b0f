//! Where the report of one or several runs goes: one report that `--format` or `-o` ask for, or the
//! summary; and the files of `--report` beside it.

use std::path::{Path, PathBuf};

use super::output::{
    Reports, must_be_writable, on_standard_output, print, print_summary, write_report,
};
use super::problem::Problem;
use crate::cli::report_args::{ReportArgs, ReportFormat};
use crate::cli::summary_args::SummaryFormat;
use crate::model::comparison::Comparison;
use crate::model::run::summary::Summary;
use crate::report::comparison::text::comparison_text;
use crate::report::export::{Format, RenderError};
use crate::report::summary_text::summary_text;

/// What is rendered.
pub(super) enum Rendered<'a> {
    /// One run.
    Run(&'a Summary),
    /// Several, in the order of the comparison.
    Runs(&'a Comparison, Vec<&'a Summary>),
}

/// The one report that is asked for.
#[derive(Debug, PartialEq, Eq)]
struct OneReport {
    format: Format,
    /// `None` is standard output.
    file: Option<PathBuf>,
}

/// Where everything goes.
#[derive(Debug)]
pub(super) struct ReportOutput {
    one: Option<OneReport>,
    summary: SummaryFormat,
    reports: Reports,
}

impl ReportOutput {
    /// Checks that all formats are known and all files different ones that can be written.
    ///
    /// # Errors
    /// A usage problem, or that a file cannot be written.
    pub(super) fn check<'a>(
        args: &'a ReportArgs,
        records: impl Iterator<Item = &'a Path>,
    ) -> Result<Self, Problem> {
        let one = one_report(args.format, args.output.as_deref())?;
        let file = args.output.as_deref().filter(|file| !is_standard_output(file));
        let others = records.map(|path| ("the record", path));
        let others = others.chain(file.map(|file| ("the report", file)));
        let reports = Reports::check_beside(&args.summary, others)?;
        if let Some(file) = file {
            must_be_writable(file)?;
        }
        Ok(Self { one, summary: args.summary.printed.summary, reports })
    }

    /// Writes everything, also what comes after something that cannot be written.
    ///
    /// # Errors
    /// When something cannot be written.
    pub(super) fn write(&self, rendered: &Rendered<'_>) -> Result<(), Problem> {
        let first = match &self.one {
            Some(one) => one.write(rendered),
            None => rendered.print(self.summary),
        };
        let rest = self.reports.write_as(|format| rendered.of(format));
        first.and(rest)
    }
}

impl OneReport {
    fn write(&self, rendered: &Rendered<'_>) -> Result<(), Problem> {
        let content = || rendered.of(self.format).map_err(not_rendered);
        match (&self.file, self.format) {
            (Some(file), _) => write_report(file, content()?),
            (None, Format::Text) => print(&rendered.text()),
            (None, _) => print(&content()?),
        }
    }
}

impl Rendered<'_> {
    fn of(&self, format: Format) -> Result<String, RenderError> {
        match self {
            Self::Run(summary) => format.render(summary),
            Self::Runs(comparison, runs) => format.render_comparison(comparison, runs),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Run(summary) => summary_text(summary, &on_standard_output()),
            Self::Runs(comparison, _) => comparison_text(comparison, &on_standard_output()),
        }
    }

    fn print(&self, summary: SummaryFormat) -> Result<(), Problem> {
        match (self, summary) {
            (Self::Run(run), format) => print_summary(run, format),
            (Self::Runs(..), SummaryFormat::Text) => print(&self.text()),
            (Self::Runs(..), SummaryFormat::Json) => {
                print(&self.of(Format::Json).map_err(not_rendered)?)
            }
        }
    }
}

// It is what map_err hands over.
#[allow(clippy::needless_pass_by_value)]
fn not_rendered(error: RenderError) -> Problem {
    Problem::could_not_run(error.to_string())
}

fn is_standard_output(file: &Path) -> bool {
    file == Path::new("-")
}

/// The one report that is asked for, if any: its format is said, or that of its file's ending.
fn one_report(
    said: Option<ReportFormat>,
    file: Option<&Path>,
) -> Result<Option<OneReport>, Problem> {
    let said = said.map(format);
    let file = match file {
        None if said.is_none() => return Ok(None),
        None => None,
        Some(file) if is_standard_output(file) => None,
        Some(file) => Some(file.to_owned()),
    };
    let by_ending = file.as_deref().map(Format::of_path);
    let format = match (said, by_ending) {
        (Some(said), Some(Ok(other))) if said != other => {
            let file = file.unwrap_or_default();
            return Err(Problem::usage(format!(
                "{} is {other} by its ending, and --format says {said}",
                file.display()
            ))
            .try_this("one of them alone, or another ending"));
        }
        (Some(said), _) => said,
        (None, Some(Ok(format))) => format,
        (None, Some(Err(error))) => {
            return Err(Problem::usage(error.to_string()).try_this("or say --format"));
        }
        (None, None) => Format::Text,
    };
    Ok(Some(OneReport { format, file }))
}

fn format(said: ReportFormat) -> Format {
    match said {
        ReportFormat::Text => Format::Text,
        ReportFormat::Html => Format::Html,
        ReportFormat::Markdown => Format::Markdown,
        ReportFormat::Json => Format::Json,
        ReportFormat::Junit => Format::Junit,
        ReportFormat::Csv => Format::Csv,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(said: Option<ReportFormat>, file: Option<&str>) -> Result<(Format, bool), String> {
        let one = one_report(said, file.map(Path::new)).map_err(|error| error.to_string())?;
        let one = one.ok_or("the summary")?;
        Ok((one.format, one.file.is_some()))
    }

    #[test]
    fn the_format_is_said_or_that_of_the_ending_or_text() {
        assert_eq!(of(None, None), Err("the summary".to_owned()));
        assert_eq!(of(None, Some("-")), Ok((Format::Text, false)));
        assert_eq!(of(None, Some("run.md")), Ok((Format::Markdown, true)));
        assert_eq!(of(Some(ReportFormat::Csv), None), Ok((Format::Csv, false)));
        assert_eq!(of(Some(ReportFormat::Junit), Some("-")), Ok((Format::Junit, false)));
        assert_eq!(of(Some(ReportFormat::Html), Some("page")), Ok((Format::Html, true)));
        assert_eq!(of(Some(ReportFormat::Html), Some("a.htm")), Ok((Format::Html, true)));
    }

    #[test]
    fn what_contradicts_itself_is_refused_with_both_words() {
        let error = of(Some(ReportFormat::Markdown), Some("run.html")).unwrap_err();
        assert!(error.contains("run.html is html by its ending, and --format says markdown"));
        let error = of(None, Some("run.pdf")).unwrap_err();
        assert!(error.contains(".pdf names no format") && error.contains("or say --format"));
    }
}
