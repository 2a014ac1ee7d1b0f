//! A summary as a file: the ending of its name says which format.

use std::path::Path;

use thiserror::Error;

use crate::model::summary::Summary;

use super::csv::csv;
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
}

/// A file name that names no format.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UnknownFormat {
    /// HTML is part of the interface and comes in a later version.
    #[error("{0}: .html is not in this version; use .md, .json, .xml (JUnit) or .csv")]
    Html(String),
    /// Another ending.
    #[error("{0}: .{1} names no format of a report; use .md, .json, .xml (JUnit) or .csv")]
    Other(String, String),
    /// No ending.
    #[error("{0}: the ending says the format of a report; use .md, .json, .xml (JUnit) or .csv")]
    Missing(String),
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
            "html" | "htm" => Err(UnknownFormat::Html(name)),
            _ => Err(UnknownFormat::Other(name, ending)),
        }
    }

    /// The summary in this format, ending with a line break.
    ///
    /// # Errors
    /// Those of the JSON serializer; none is known that a summary can cause.
    pub fn render(self, summary: &Summary) -> serde_json::Result<String> {
        Ok(match self {
            Self::Json => summary_json(summary)?,
            Self::Markdown => markdown(summary),
            Self::Csv => csv(summary),
            Self::Junit => junit(summary),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str) -> Result<Format, String> {
        Format::of_path(Path::new(path)).map_err(|error| error.to_string())
    }

    #[test]
    fn the_ending_says_the_format() {
        assert_eq!(of("out/run.JSON"), Ok(Format::Json));
        assert_eq!(of("run.md"), Ok(Format::Markdown));
        assert_eq!(of("run.csv"), Ok(Format::Csv));
        assert_eq!(of("run.xml"), Ok(Format::Junit));
    }

    #[test]
    fn what_is_not_supported_is_said_with_what_is() {
        for (path, error) in [
            (
                "run.html",
                "run.html: .html is not in this version; use .md, .json, .xml (JUnit) or .csv",
            ),
            (
                "run.pdf",
                "run.pdf: .pdf names no format of a report; use .md, .json, .xml (JUnit) or .csv",
            ),
            (
                "run",
                "run: the ending says the format of a report; use .md, .json, .xml (JUnit) or .csv",
            ),
        ] {
            assert_eq!(of(path), Err(error.to_owned()));
        }
    }
}
