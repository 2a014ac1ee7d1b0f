//! The log on standard error, on the command line.

use clap::{ArgAction, Args, ValueEnum};

/// How the log is written.
#[derive(Debug, Args)]
#[command(next_help_heading = "Log, on standard error")]
pub struct LogArgs {
    /// Lines for people, or one JSON object an event
    #[arg(
        long,
        value_enum,
        default_value = "text",
        value_name = "text|json",
        hide_possible_values = true,
        env = "PGCHAOS_LOG_FORMAT"
    )]
    pub log_format: LogFormat,
    /// Only failures, outages and results
    #[arg(short, long, env = "PGCHAOS_QUIET", conflicts_with = "verbose")]
    pub quiet: bool,
    /// Also every session, and messages in full; -vv: also what pgchaos itself does
    #[arg(short, long, action = ArgAction::Count, env = "PGCHAOS_VERBOSE")]
    pub verbose: u8,
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object an event.
    Json,
}
