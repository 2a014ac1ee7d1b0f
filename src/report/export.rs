//! A summary as a file: the ending of its name says which format.

use std::path::Path;

use thiserror::Error;

use crate::model::run::summary::Summary;

use super::csv::csv;
use super::html::html_page;
use super::junit::junit;
use super::markdown::markdown;
use super::summary_json::summary_json;

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
}

/// A file name that names no format.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UnknownFormat {
    /// Another ending.
    #[error("{0}: .{1} names no format of a report; use .html, .md, .json, .xml (JUnit) or .csv")]
    Other(String, String),
    /// No ending.
    #[error(
        "{0}: the ending says the format of a report; use .html, .md, .json, .xml (JUnit) or .csv"
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
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::FixedOffset;

    use super::*;
    use crate::model::run::replica_lag::ReplicaSummary;
    use crate::report::fixtures::summary;
    use crate::report::summary_text::{SummaryTextOptions, summary_text};

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
    }

    #[test]
    fn what_is_not_supported_is_said_with_what_is() {
        for (path, error) in [
            (
                "run.pdf",
                "run.pdf: .pdf names no format of a report; use .html, .md, .json, .xml (JUnit) or .csv",
            ),
            (
                "run",
                "run: the ending says the format of a report; use .html, .md, .json, .xml (JUnit) or .csv",
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
        let offset = FixedOffset::east_opt(0).unwrap();
        let text =
            summary_text(&summary, &SummaryTextOptions { offset, colour: false, width: None });
        let row = "replicas      patroni1 · at most 3.3 s behind, 12.4 s after the start · at most \
                   1 412 writes · 0 s behind at the end";
        assert!(text.contains(row), "{text}");
    }
}
