//! `pgchaos report` on the command line.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::file_name::file_name;
use super::summary_args::SummaryArgs;

/// The heading of what is written where.
const OUTPUT: &str = "Output";

/// `pgchaos report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The records of runs, several are compared: each a file, or else the first characters of the run's
    /// id, 4 at least, for one in the state folder (pgchaos runs lists them) [default: the latest there]
    #[arg(value_name = "RECORD", value_parser = file_name())]
    pub records: Vec<PathBuf>,
    /// The records of other runs, which those above are measured by: is one set better?
    #[arg(long, value_name = "RECORD", num_args = 1.., env = "PGCHAOS_AGAINST",
          value_delimiter = ',', value_parser = file_name())]
    pub against: Vec<PathBuf>,
    /// Print one report in this format, in place of the summary [default: by the ending of
    /// --output, else text]
    #[arg(long, value_enum, value_name = "text|html|markdown|json|junit|csv",
          hide_possible_values = true, env = "PGCHAOS_FORMAT", conflicts_with = "summary",
          help_heading = OUTPUT)]
    pub format: Option<ReportFormat>,
    /// Write that report into a file and print nothing; - is standard output
    #[arg(short, long, value_name = "FILE", env = "PGCHAOS_OUTPUT", conflicts_with = "summary",
          value_parser = file_name(), help_heading = OUTPUT)]
    pub output: Option<PathBuf>,
    /// What to print, and into which files.
    #[command(flatten)]
    pub summary: SummaryArgs,
}

/// A format of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// A page of text.
    Text,
    /// A page for a browser.
    #[value(alias = "htm")]
    Html,
    /// For a ticket or a wiki.
    #[value(alias = "md")]
    Markdown,
    /// Everything, for programs.
    Json,
    /// Test cases for a CI server.
    #[value(alias = "xml")]
    Junit,
    /// One row an outage; of several runs one row a run.
    Csv,
}
