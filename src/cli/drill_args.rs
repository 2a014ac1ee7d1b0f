//! `pgchaos drill` on the command line.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::connection::ConnectionArgs;
use super::file_name::file_name;
use super::haproxy_url::haproxy_url;
use super::lab_args::ProfileName;
use super::log_args::LogArgs;
use super::summary_args::PrintedArgs;
use crate::haproxy::HaproxyUrl;
use crate::model::load::values;
use crate::model::scenario::On;

/// `pgchaos drill`.
#[derive(Debug, Args)]
#[command(
    disable_help_subcommand = true,
    after_help = "\
A drill is a TOML file: the load, the steps, and what must be seen. Several are
built in; one of them is a good beginning for your own."
)]
pub struct DrillArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: DrillCommand,
}

/// The commands of `pgchaos drill`.
#[derive(Debug, Subcommand)]
pub enum DrillCommand {
    /// Name the drills that are built in
    List,
    /// Print a drill's file
    Show(ShowArgs),
    /// Break a cluster under load, mend it, and judge what was seen
    ///
    /// Whatever a drill breaks is mended when it ends: also after a failure, and on Ctrl-C. Ctrl-C
    /// once plays no more steps, mends, verifies and reports; twice leaves the verification out.
    /// What a killed pgchaos has left broken, the next drill run on the same cluster mends first.
    #[command(after_help = "\
Backends (--on):
  lab      the lab of --name if it runs, else a quick one is brought up for the
           drill and taken down after it
  compose  the cluster of docker-compose.yml, which must run:
           docker compose up -d --build --wait
  hooks    any cluster, by the commands in the drill's [hooks]

Every long option also reads PGCHAOS_<NAME>.

Exit codes: 0 all that was expected was seen, 1 something was not, 2 usage or a
mistake in a drill's file, 3 not everything could be seen, 4 a drill could not
run, 130 stopped at once. Of several drills the gravest counts.")]
    Run(Box<RunArgs>),
}

/// `pgchaos drill show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// One of `pgchaos drill list`
    #[arg(value_name = "NAME", required_unless_present = "schema")]
    pub name: Option<String>,
    /// Print a drill that explains every key
    #[arg(long, env = "PGCHAOS_SCHEMA", conflicts_with = "name")]
    pub schema: bool,
}

/// `pgchaos drill run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Built-in drills, or files; they run in this order
    #[arg(value_name = "NAME|FILE", required = true)]
    pub drills: Vec<String>,
    /// Which cluster to break, see below [default: the first that the drill names]
    #[arg(
        long,
        value_enum,
        value_name = "lab|compose|hooks",
        hide_possible_values = true,
        env = "PGCHAOS_ON"
    )]
    pub on: Option<OnArg>,
    /// Check everything and say what would be done, without doing it
    #[arg(long, env = "PGCHAOS_DRY_RUN")]
    pub dry_run: bool,
    /// Run each drill N times, and tell how its outages spread
    #[arg(long, value_name = "N", default_value_t = 1, env = "PGCHAOS_REPEAT",
          value_parser = values::whole_number::<u32>(1..=1000))]
    pub repeat: u32,
    /// Write a report, by the ending .html, .md, .json or .xml (JUnit); may be repeated
    #[arg(long, value_name = "FILE", env = "PGCHAOS_REPORT", value_delimiter = ',',
          value_parser = file_name())]
    pub report: Vec<PathBuf>,
    /// What to print.
    #[command(flatten)]
    pub printed: PrintedArgs,
    /// Keep no record of the runs
    #[arg(long, env = "PGCHAOS_NO_RECORD")]
    pub no_record: bool,
    /// On a cluster that takes TLS alone: a lab is brought up so, a Compose project must run so
    #[arg(long, env = "PGCHAOS_TLS")]
    pub tls: bool,
    /// The lab.
    #[command(flatten)]
    pub lab: LabOfDrillArgs,
    /// The Compose project
    #[arg(
        long,
        value_name = "NAME",
        default_value = "pgchaos",
        env = "PGCHAOS_PROJECT",
        help_heading = "Compose"
    )]
    pub project: String,
    /// Patroni's API of a cluster that is drilled by hooks; may be repeated
    #[arg(
        long,
        value_name = "URL",
        value_delimiter = ',',
        env = "PGCHAOS_PATRONI",
        help_heading = "Hooks"
    )]
    pub patroni: Vec<String>,
    /// HAProxy's page of such a cluster, to be watched; with user:password@ before the host where it
    /// asks for them
    #[arg(
        long,
        value_name = "URL",
        env = "PGCHAOS_HAPROXY",
        hide_env_values = true,
        value_parser = haproxy_url,
        help_heading = "Hooks"
    )]
    pub haproxy: Option<HaproxyUrl>,
    /// Where to, for a cluster that is drilled by hooks.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// How the log is written.
    #[command(flatten)]
    pub log: LogArgs,
    /// Whether `pgchaos demo` runs this drill: its remedies then name the demo.
    #[arg(skip)]
    pub is_demo: bool,
}

/// The lab of a drill.
#[derive(Debug, Args)]
#[command(next_help_heading = "Lab")]
pub struct LabOfDrillArgs {
    /// The lab's name
    #[arg(long, value_name = "NAME", default_value = "pgchaos", env = "PGCHAOS_NAME")]
    pub name: String,
    /// The first port of a lab that is brought up [default: the usual ones]
    #[arg(long, value_name = "P", env = "PGCHAOS_BASE_PORT")]
    pub base_port: Option<u16>,
    /// How fast a lab that is brought up fails over [default: quick, or as the lab was]
    #[arg(
        long,
        value_enum,
        value_name = "default|quick",
        hide_possible_values = true,
        env = "PGCHAOS_PROFILE"
    )]
    pub profile: Option<ProfileName>,
    /// Leave a lab running that was brought up
    #[arg(long, env = "PGCHAOS_KEEP")]
    pub keep: bool,
}

/// [`On`] on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnArg {
    /// The local cluster.
    Lab,
    /// The Compose project.
    Compose,
    /// Commands.
    Hooks,
}

impl From<OnArg> for On {
    fn from(on: OnArg) -> Self {
        match on {
            OnArg::Lab => Self::Lab,
            OnArg::Compose => Self::Compose,
            OnArg::Hooks => Self::Hooks,
        }
    }
}
