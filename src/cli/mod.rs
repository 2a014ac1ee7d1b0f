//! The command line: what can be said, and what it means once checked.
//!
//! - [`connection`]: where to, by psql's conventions. [`gen_args`]: the load and its verdict.
//! - [`values`]: durations, rates and percentages as people write them; scenarios use them too.
//! - `lab_args`: a local cluster; `drill_args`: scripted failures; `demo_args`: both at once.
//! - [`patroni_url`]: a member of Patroni.
//! - [`exit`]: how the program ends.
//!
//! Every long option also reads `PGCHAOS_<NAME>`. `-h` is the host, as in psql, so help is
//! `--help` and `-?`.

pub mod connection;
#[cfg(unix)]
pub mod demo_args;
#[cfg(unix)]
pub mod drill_args;
pub mod exit;
pub mod gen_args;
#[cfg(unix)]
pub mod lab_args;
pub mod out_of_place;
pub mod patroni_url;

use std::path::PathBuf;

use clap::{ArgAction, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use uuid::Uuid;

pub use crate::model::values;

use connection::ConnectionArgs;
use gen_args::GenArgs;
use out_of_place::without_secrets;

/// The heading over the options that a newcomer needs.
pub(crate) const FIRST: &str = "First of all";

/// A failover-aware load generator for PostgreSQL HA clusters.
#[derive(Debug, Parser)]
#[command(
    name = "pgchaos",
    version,
    disable_help_flag = true,
    disable_help_subcommand = true,
    about = "A failover-aware load generator for PostgreSQL HA clusters.",
    after_help = "Start with: pgchaos gen --port 5500, and stop a server of the cluster meanwhile.\n\
                  Exit codes: 0 pass, 1 fail, 2 usage, 3 inconclusive, 4 could not run at all, \
                  130 stopped at once."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Print help
    #[arg(short = '?', long, global = true, action = ArgAction::HelpShort, help_heading = "Help")]
    pub help: Option<bool>,
}

impl Cli {
    /// Reads the command line; a wrong one, and help, end the program here, as clap does it.
    #[must_use]
    pub fn read() -> Self {
        // Every long option has its variable: one line below says so for all of them.
        let command = without_variables(Self::command());
        let read = command.try_get_matches().and_then(|said| Self::from_arg_matches(&said));
        read.unwrap_or_else(|error| refuse(&error))
    }
}

/// The help of no option, also of a command's command, names its variable.
fn without_variables(command: clap::Command) -> clap::Command {
    command.mut_args(|option| option.hide_env(true)).mut_subcommands(without_variables)
}

/// As clap does it, in colours where they are seen, unless that would show a password.
#[allow(clippy::exit, reason = "as clap does")]
fn refuse(error: &clap::Error) -> ! {
    let message = error.render().to_string();
    let concealed = without_secrets(&message);
    if concealed == message {
        error.exit();
    }
    eprint!("{concealed}");
    std::process::exit(error.exit_code())
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write, tell the failover log, verify every write, give a verdict
    Gen(Box<GenArgs>),
    /// Account for a recorded run again, also one that was killed
    Verify(VerifyArgs),
    /// Render a recorded run, without a database
    Report(ReportArgs),
    /// Make the database objects: schema pgchaos with its tables
    Init(InitArgs),
    /// Remove one run's rows, or the whole schema
    Clean(CleanArgs),
    /// A local Patroni + etcd + HAProxy cluster of plain processes
    #[cfg(unix)]
    Lab(lab_args::LabArgs),
    /// Break a cluster under load as a script says, mend it, and judge what was seen
    #[cfg(unix)]
    Drill(drill_args::DrillArgs),
    /// All of it at once: a local cluster, load, a killed leader, the verdict
    #[cfg(unix)]
    Demo(demo_args::DemoArgs),
}

/// `pgchaos verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The run's record; without it the latest one in the state folder
    pub record: Option<PathBuf>,
    /// Where to look, when it is not where the run wrote to
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// How long to wait for a cluster that can be looked at; the look itself has as long as the
    /// writes take, and says how far it is
    #[arg(long, value_name = "D", default_value = "2m", value_parser = values::duration,
          env = "PGCHAOS_VERIFY_TIMEOUT")]
    pub verify_timeout: std::time::Duration,
    /// What to print, and into which files.
    #[command(flatten)]
    pub output: SummaryArgs,
}

/// `pgchaos report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The run's record; without it the latest one in the state folder
    pub record: Option<PathBuf>,
    /// What to print, and into which files.
    #[command(flatten)]
    pub output: SummaryArgs,
}

/// `pgchaos init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// A connection string: postgresql://… or key=value
    #[arg(value_name = "DSN")]
    pub dsn: Option<String>,
    /// Where to.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// `pgchaos clean`.
#[derive(Debug, Args)]
pub struct CleanArgs {
    /// A connection string: postgresql://… or key=value
    #[arg(value_name = "DSN")]
    pub dsn: Option<String>,
    /// Where to.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// Remove the rows of this run
    #[arg(
        long,
        value_name = "UUID",
        env = "PGCHAOS_RUN_ID",
        conflicts_with = "schema",
        required_unless_present = "schema"
    )]
    pub run_id: Option<Uuid>,
    /// Remove the schema pgchaos, with the rows of every run
    #[arg(long, env = "PGCHAOS_SCHEMA")]
    pub schema: bool,
}

/// What becomes of the summary.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct SummaryArgs {
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
    /// Write a report, by the ending .md, .json, .xml (JUnit) or .csv; may be repeated
    #[arg(long, value_name = "FILE", env = "PGCHAOS_REPORT", value_delimiter = ',')]
    pub report: Vec<PathBuf>,
}

/// The summary's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum SummaryFormat {
    /// A page for people.
    Text,
    /// JSON.
    Json,
}
