//! `pgchaos verify` on the command line.

use std::time::Duration;

use clap::Args;

use super::connection::ConnectionArgs;
use super::patroni_url::patroni_url;
use super::record_args::RecordedRunArgs;
use super::summary_args::SummaryArgs;
use crate::model::load::values;

/// `pgchaos verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Which run.
    #[command(flatten)]
    pub run: RecordedRunArgs,
    /// Where to look, when it is not where the run wrote to
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// How long to wait for a server that can be looked at; the look itself may take longer, and
    /// tells its progress
    #[arg(long, value_name = "D", default_value = "2m", value_parser = values::duration,
          env = "PGCHAOS_VERIFY_TIMEOUT", help_heading = "Verification")]
    pub verify_timeout: Duration,
    /// Patroni's API, such as host:8008, which tells the leader; may be repeated [default: those that
    /// the run watched]
    #[arg(long, value_name = "URL", env = "PGCHAOS_PATRONI", value_delimiter = ',',
          value_parser = patroni_url, conflicts_with = "no_patroni", help_heading = "Verification")]
    pub patroni: Vec<String>,
    /// Do not ask Patroni, although the run watched it
    #[arg(long, env = "PGCHAOS_NO_PATRONI", help_heading = "Verification")]
    pub no_patroni: bool,
    /// What to print, and into which files.
    #[command(flatten)]
    pub output: SummaryArgs,
}
