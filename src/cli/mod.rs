//! The command line: what can be said, and what it means once checked.
//!
//! - [`connection`]: where to, by psql's conventions. [`gen_args`]: the load and its verdict.
//! - [`values`]: durations, rates and percentages as people write them; scenarios use them too.
//! - `lab_args`: a local cluster; `drill_args`: scripted failures; `demo_args`: both at once.
//! - [`patroni_url`]: a member of Patroni.
//! - [`exit`]: how the program ends.
//!
//! - `help`: examples, and how help is asked for; `slips`: what is nearly right, and what to type
//!   instead; [`variables`]: one that is misspelt; [`manual`]: completions and manual pages.
//!
//! Every long option also reads `PGCHAOS_<NAME>`. `-h` is the host where there is one, as in psql,
//! and help elsewhere; `--help` and `-?` are help everywhere.

pub mod connection;
#[cfg(unix)]
pub mod demo_args;
#[cfg(unix)]
pub mod drill_args;
pub mod exit;
pub mod gen_args;
mod help;
#[cfg(unix)]
pub mod lab_args;
pub mod manual;
pub mod out_of_place;
pub mod own_arguments;
pub mod patroni_url;
mod slips;
pub mod variables;

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use uuid::Uuid;

use crate::engine::record_process;
pub use crate::model::load::values;

use connection::ConnectionArgs;
use gen_args::GenArgs;
use out_of_place::without_secrets;
use patroni_url::patroni_api;

use crate::model::foreign::printable;
use crate::patroni::PatroniApi;

/// The heading over the options that a newcomer needs.
pub(crate) const FIRST: &str = "Main options";

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

/// The one definition of the command line: what is parsed, shown as help, completed, and in the manual.
#[must_use]
pub fn command() -> clap::Command {
    help::dressed(Cli::command())
}

impl Cli {
    /// Reads the command line; a wrong one, and help, end the program here, as clap does it.
    #[must_use]
    pub fn read() -> Self {
        let said: Vec<OsString> = own_arguments::own_arguments().collect();
        // What pgchaos starts for itself is no command of a person's: no help or completion has it.
        if let [_, command, dashes, record] = said.as_slice()
            && command == record_process::COMMAND
            && dashes == "--"
        {
            let args = WriteRecordArgs { record: record.into() };
            return Self { command: Command::WriteRecord(args) };
        }
        let read = command()
            .try_get_matches_from(asking_for_help(said))
            .and_then(|said| Self::from_arg_matches(&said));
        read.unwrap_or_else(|error| refuse(error))
    }
}

/// `pgchaos help lab up` and `pgchaos lab help up` ask for the same as `pgchaos lab up --help`.
fn asking_for_help(mut said: Vec<OsString>) -> Vec<OsString> {
    let is = |at: usize, words: &[&str]| {
        said.get(at).is_some_and(|said: &OsString| words.iter().any(|word| said == word))
    };
    let at = match (is(1, &["help"]), is(1, &["lab", "drill"]) && is(2, &["help"])) {
        (true, _) => 1,
        (_, true) => 2,
        _ => return said,
    };
    said.remove(at);
    said.push("--help".into());
    said
}

/// As clap does it, in colours where they are seen, unless that would show a password, or steer the
/// terminal by what was said.
#[allow(clippy::exit, reason = "as clap does")]
fn refuse(error: clap::Error) -> ! {
    let arguments =
        own_arguments::own_arguments().skip(1).map(|said| said.to_string_lossy().into_owned());
    let error = slips::explained(&error, &arguments.collect::<Vec<_>>()).unwrap_or(error);
    let message = error.render().to_string();
    let concealed = printable(&without_secrets(&message)).into_owned();
    if concealed == message {
        // Help goes to standard output, where a full disk keeps it from being there.
        let printed = error.print().and_then(|()| std::io::stdout().flush());
        match printed {
            Err(full) if !error.use_stderr() && full.kind() != std::io::ErrorKind::BrokenPipe => {
                eprintln!("pgchaos: standard output cannot be written: {full}");
                std::process::exit(i32::from(exit::Exit::CouldNotRun.code()));
            }
            _ => std::process::exit(error.exit_code()),
        }
    }
    eprint!("{concealed}");
    std::process::exit(error.exit_code())
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
    /// Make the database objects: schema pgchaos with its tables
    Init(InitArgs),
    /// Remove one run's rows, or the whole schema
    Clean(CleanArgs),
    /// A local Patroni + etcd + HAProxy cluster of plain processes
    #[cfg(unix)]
    Lab(lab_args::LabArgs),
    /// Scripted failures under load: break a cluster, mend it, judge
    #[cfg(unix)]
    Drill(drill_args::DrillArgs),
    /// All at once: a local cluster, load, a killed leader, a verdict
    #[cfg(unix)]
    Demo(demo_args::DemoArgs),
    /// Print the completions for a shell
    Completions(manual::CompletionsArgs),
    /// Print the manual, or a command's page of it
    Man(manual::ManArgs),
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

/// `pgchaos verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The run's record [default: the latest in the state folder]
    #[arg(value_name = "RECORD", value_parser = out_of_place::file())]
    pub record: Option<PathBuf>,
    /// Where to look, when it is not where the run wrote to
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// How long to wait for a server that can be looked at; the look itself may take longer, and
    /// tells its progress
    #[arg(long, value_name = "D", default_value = "2m", value_parser = values::duration,
          env = "PGCHAOS_VERIFY_TIMEOUT", help_heading = "Verification")]
    pub verify_timeout: std::time::Duration,
    /// Patroni's API, such as host:8008, which tells the leader; may be repeated [default: those that
    /// the run watched]
    #[arg(long, value_name = "URL", env = "PGCHAOS_PATRONI", value_delimiter = ',',
          value_parser = patroni_api, conflicts_with = "no_patroni", help_heading = "Verification")]
    pub patroni: Vec<PatroniApi>,
    /// Do not ask Patroni, although the run watched it
    #[arg(long, env = "PGCHAOS_NO_PATRONI", help_heading = "Verification")]
    pub no_patroni: bool,
    /// What to print, and into which files.
    #[command(flatten)]
    pub output: SummaryArgs,
}

/// `pgchaos report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The run's record [default: the latest in the state folder]
    #[arg(value_name = "RECORD", value_parser = out_of_place::file())]
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
        required_unless_present = "schema",
        help_heading = "What to remove, one of the two"
    )]
    pub run_id: Option<Uuid>,
    /// Remove the schema pgchaos, with the rows of every run
    #[arg(long, env = "PGCHAOS_SCHEMA", help_heading = "What to remove, one of the two")]
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
    #[arg(long, value_name = "FILE", env = "PGCHAOS_REPORT", value_delimiter = ',',
          value_parser = out_of_place::file())]
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::settings::{ConnectSettings, Environment, SettingsError, resolve};

    /// What a load would connect to, with these words on its command line.
    fn target(words: &[&str]) -> Result<ConnectSettings, SettingsError> {
        let words = ["pgchaos", "gen"].iter().chain(words);
        let said = command().try_get_matches_from(words).unwrap();
        let Command::Gen(args) = Cli::from_arg_matches(&said).unwrap().command else {
            unreachable!("it is gen");
        };
        let explicit = args.connection.explicit(args.dsn.as_ref());
        resolve(&explicit, &Environment::empty()).map(|resolved| resolved.settings)
    }

    #[test]
    fn what_was_probably_meant_can_be_typed_and_does_it() {
        for (slip, meant) in [
            (&["localhost:5500"][..], "localhost:5500"),
            (&["5500"], "localhost:5500"),
            (&["10.0.0.3:5500/app"], "10.0.0.3:5500"),
            (&["-h", "localhost:5500"], "localhost:5500"),
            (&["-h", "a:5500,[::1]:5501"], "a:5500,[::1]:5501"),
        ] {
            let words = target(slip).unwrap_err().to_string();
            let (_, remedy) = words.split_once("did you mean ").expect("a remedy");
            let (remedy, _) = remedy.split_once('?').unwrap();
            let typed: Vec<&str> = remedy.split(' ').collect();
            assert_eq!(target(&typed).unwrap().display_target(), meant, "{words}");
        }
        let words = target(&["host=localhost:5500"]).unwrap_err().to_string();
        assert!(words.ends_with("did you mean host=localhost port=5500?"), "{words}");
        let typed = target(&["host=localhost port=5500"]).unwrap();
        assert_eq!(typed.display_target(), "localhost:5500");
        // A database may be called so.
        assert_eq!(target(&["-d", "5500"]).unwrap().dbname, "5500");
    }

    #[test]
    fn help_is_asked_for_in_several_ways() {
        for (said, asked) in [
            (&["help"][..], &["--help"][..]),
            (&["help", "gen"], &["gen", "--help"]),
            (&["help", "lab", "up"], &["lab", "up", "--help"]),
            (&["lab", "help", "up"], &["lab", "up", "--help"]),
            (&["drill", "help"], &["drill", "--help"]),
            (&["help", "help"], &["help", "--help"]),
            (&["gen", "help"], &["gen", "help"]),
            (&["gen"], &["gen"]),
            (&[], &[]),
        ] {
            let with_program = |words: &[&str]| -> Vec<OsString> {
                ["pgchaos"].iter().chain(words).map(OsString::from).collect()
            };
            assert_eq!(asking_for_help(with_program(said)), with_program(asked), "{said:?}");
        }
    }
}
