//! What becomes of the summary, on the command line.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::file_name::file_name;

/// What becomes of the summary.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct SummaryArgs {
    /// What to print.
    #[command(flatten)]
    pub printed: PrintedArgs,
    /// Write a report, by the ending .html, .md, .json, .xml (JUnit), .csv or .txt; may be repeated
    #[arg(long, value_name = "FILE", env = "PGCHAOS_REPORT", value_delimiter = ',',
          value_parser = file_name())]
    pub report: Vec<PathBuf>,
}

/// What is printed at the end.
#[derive(Debug, Args)]
pub struct PrintedArgs {
    /// The summary on standard output
    #[arg(
        long,
        value_enum,
        default_value = "text",
        value_name = "text|json",
        hide_possible_values = true,
        env = "PGCHAOS_SUMMARY"
    )]
    pub summary: SummaryFormat,
}

/// The summary's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SummaryFormat {
    /// A page for people.
    Text,
    /// JSON.
    Json,
}
