//! The command line as a whole: the one definition that is parsed, shown as help, completed, and
//! printed as the manual.

use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand};

#[cfg(unix)]
use super::demo_args::DemoArgs;
#[cfg(unix)]
use super::drill_args::DrillArgs;
use super::gen_args::GenArgs;
use super::help::dressed;
#[cfg(unix)]
use super::lab_args::LabArgs;
use super::manual_args::{CompletionsArgs, ManArgs};
use super::objects_args::{CleanArgs, InitArgs};
use super::predict_args::PredictArgs;
use super::report_args::ReportArgs;
use super::runs_args::RunsArgs;
use super::verify_args::VerifyArgs;

/// A failover-aware load generator for PostgreSQL HA clusters.
#[derive(Debug, Parser)]
#[command(
    name = "pgchaos",
    version,
    disable_help_flag = true,
    disable_help_subcommand = true,
    about = "A failover-aware load generator for PostgreSQL HA clusters.",
    after_help = "\
Exit codes: 0 pass, 1 fail, 2 usage, 3 inconclusive, 4 could not run at all,
130 stopped at once."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The definition of the command line, with examples and help on every command.
#[must_use]
pub fn command() -> clap::Command {
    dressed(Cli::command())
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write, log every failure, verify every write, give a verdict
    Gen(Box<GenArgs>),
    /// Account for a recorded run again, also one that was killed
    Verify(VerifyArgs),
    /// Render a recorded run, without a database
    Report(ReportArgs),
    /// List the recorded runs of the state folder; show one, or remove old ones
    Runs(RunsArgs),
    /// Make the database objects: schema pgchaos with its tables
    Init(InitArgs),
    /// Remove one run's rows, or the whole schema
    Clean(CleanArgs),
    /// Say which outages the settings let expect, and what would shorten them
    Predict(Box<PredictArgs>),
    /// A local Patroni + etcd + HAProxy cluster of plain processes
    #[cfg(unix)]
    Lab(LabArgs),
    /// Scripted failures under load: break a cluster, mend it, judge
    #[cfg(unix)]
    Drill(DrillArgs),
    /// All at once: a local cluster, load, a killed leader, a verdict
    #[cfg(unix)]
    Demo(DemoArgs),
    /// Print the completions for a shell
    Completions(CompletionsArgs),
    /// Print the manual, or a command's page of it
    Man(ManArgs),
    /// Print a command's help
    Help(HelpArgs),
    /// Write the lines on standard input into a record: what `gen` starts for itself.
    #[command(skip)]
    WriteRecord(WriteRecordArgs),
}

/// `pgchaos help`.
#[derive(Debug, Args)]
pub struct HelpArgs {
    /// The command, such as gen or lab up [default: pgchaos itself]
    #[arg(value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// `pgchaos write-record`.
#[derive(Debug, Args)]
pub struct WriteRecordArgs {
    /// The record, which is not there yet
    pub record: PathBuf,
}
