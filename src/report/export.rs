//! A summary as a file: the ending of its name says which format.

use std::fmt;
use std::path::Path;

use chrono::{Offset, Utc};
use thiserror::Error;

use crate::model::comparison::Comparison;
use crate::model::run::summary::Summary;

use super::comparison::comparison_csv::comparison_csv;
use super::comparison::comparison_markdown::comparison_markdown;
use super::comparison::text::comparison_text;
use super::csv::csv;
use super::html::comparison::comparison_page;
use super::html::html_page;
use super::junit::{junit, junit_of_comparison};
use super::markdown::markdown;
use super::summary_json::{comparison_json, summary_json};
use super::summary_text::{SummaryTextOptions, summary_text};

/// A format of the summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `.json`: everything, for programs.
    Json,
    /// `.md`: for people, in a ticket or a wiki.
    Markdown,
    /// `.csv`: one row an outage.
    Csv,
    /// `.xml`: test cases for a CI server.
    Junit,
    /// `.html`: a page with the film of the run, to look at and to send.
    Html,
    /// `.txt`: the page of text that ends a run.
    Text,
}

/// A file name that names no format.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UnknownFormat {
    /// Another ending.
    #[error(
        "{0}: .{1} names no format of a report; use .html, .md, .json, .xml (JUnit), .csv or .txt"
    )]
    Other(String, String),
    /// No ending.
    #[error(
        "{0}: the ending says the format of a report; use .html, .md, .json, .xml (JUnit), .csv or .txt"
    )]
    Missing(String),
}

/// A report could not be rendered. All are rendered in memory: no cause is known.
#[derive(Debug, Error)]
pub enum RenderError {
    /// The JSON serializer failed.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The CSV writer failed.
    #[error(transparent)]
    Csv(#[from] ::csv::Error),
    /// The JUnit serializer failed.
    #[error(transparent)]
    Junit(#[from] quick_junit::SerializeError),
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Json => "json",
            Self::Markdown => "markdown",
            Self::Csv => "csv",
            Self::Junit => "junit",
            Self::Html => "html",
            Self::Text => "text",
        })
    }
}

impl Format {
    /// The format that the ending of the name asks for, in upper or lower case.
    ///
    /// # Errors
    /// When it asks for none that there is.
    pub fn of_path(path: &Path) -> Result<Self, UnknownFormat> {
        let name = path.display().to_string();
        let Some(ending) = path.extension() else { return Err(UnknownFormat::Missing(name)) };
        let ending = ending.to_string_lossy().to_lowercase();
        match ending.as_str() {
            "json" => Ok(Self::Json),
            "md" => Ok(Self::Markdown),
            "csv" => Ok(Self::Csv),
            "xml" => Ok(Self::Junit),
            "html" | "htm" => Ok(Self::Html),
            "txt" => Ok(Self::Text),
            _ => Err(UnknownFormat::Other(name, ending)),
        }
    }

    /// The summary in this format, ending with a line break.
    ///
    /// # Errors
    /// Those of the serializers; none is known that a summary can cause.
    pub fn render(self, summary: &Summary) -> Result<String, RenderError> {
        Ok(match self {
            Self::Json => summary_json(summary)?,
            Self::Markdown => markdown(summary),
            Self::Csv => csv(summary)?,
            Self::Junit => junit(summary)?,
            Self::Html => html_page(summary),
            Self::Text => summary_text(summary, &in_a_file()),
        })
    }

    /// Several runs compared, which are those of the comparison in their order: of JUnit a suite a run
    /// (of two sets those of A), of CSV a row a run.
    ///
    /// # Errors
    /// As [`Self::render`].
    pub fn render_comparison(
        self,
        comparison: &Comparison,
        runs: &[&Summary],
    ) -> Result<String, RenderError> {
        Ok(match self {
            Self::Json => comparison_json(comparison)?,
            Self::Markdown => comparison_markdown(comparison),
            Self::Csv => comparison_csv(comparison)?,
            Self::Junit => junit_of_comparison(comparison, runs)?,
            Self::Html => comparison_page(comparison, runs),
            Self::Text => comparison_text(comparison, &in_a_file()),
        })
    }
}

/// Text in a file: its readers may be in other zones, and it has no width.
fn in_a_file() -> SummaryTextOptions {
    SummaryTextOptions { offset: Utc.fix(), colour: false, width: None }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::run::replica_lag::ReplicaSummary;
    use crate::report::fixtures::summary;

    fn of(path: &str) -> Result<Format, String> {
        Format::of_path(Path::new(path)).map_err(|error| error.to_string())
    }

    #[test]
    fn the_ending_says_the_format() {
        assert_eq!(of("out/run.JSON"), Ok(Format::Json));
        assert_eq!(of("run.md"), Ok(Format::Markdown));
        assert_eq!(of("run.csv"), Ok(Format::Csv));
        assert_eq!(of("run.xml"), Ok(Format::Junit));
        assert_eq!(of("run.html"), Ok(Format::Html));
        assert_eq!(of("run.txt"), Ok(Format::Text));
    }

    #[test]
    fn what_is_not_supported_is_said_with_what_is() {
        for (path, error) in [
            (
                "run.pdf",
                "run.pdf: .pdf names no format of a report; use .html, .md, .json, .xml (JUnit), .csv or .txt",
            ),
            (
                "run",
                "run: the ending says the format of a report; use .html, .md, .json, .xml (JUnit), .csv or .txt",
            ),
        ] {
            assert_eq!(of(path), Err(error.to_owned()));
        }
    }

    #[test]
    fn how_far_replicas_were_behind_is_in_every_report() {
        let ms = Duration::from_millis;
        let mut summary = summary();
        summary.replicas = vec![ReplicaSummary {
            name: "patroni1".to_owned(),
            reads: 480,
            lag_max: ms(3250),
            lag_max_at: ms(12_400),
            writes_behind_max: 1412,
            lag_last: ms(0),
            last_read: ms(120_000),
        }];
        summary.options.thresholds.max_lag = Some(ms(3249));
        let report = |format: Format| format.render(&summary).unwrap();
        let json: serde_json::Value = serde_json::from_str(&report(Format::Json)).unwrap();
        assert_eq!(json["replicas"][0]["lag_max_s"], 3.25);
        assert_eq!(json["replicas"][0]["writes_behind_max"], 1412);
        assert!(report(Format::Csv).contains(",3.25,pass"), "{}", report(Format::Csv));
        let row = "| patroni1 | 3.3 s | 12.4 s | 1 412 | 0 s | 480 |";
        assert!(report(Format::Markdown).contains(row), "{}", report(Format::Markdown));
        let xml = report(Format::Junit);
        assert!(xml.contains("3.3 s behind, at most 3.2 s allowed"), "{xml}");
        let text = report(Format::Text);
        let row = "replicas      patroni1 · at most 3.3 s behind, 12.4 s after the start · at most \
                   1 412 writes · 0 s behind at the end";
        assert!(text.contains(row), "{text}");
    }
}
