//! `pgchaos predict` on the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::file_name::file_name;
use super::patroni_url::patroni_url;
use crate::model::load::values;
use crate::model::prediction::client_waits::ClientWaits;
use crate::model::prediction::fault_kind::PredictedFault;
use crate::model::prediction::release::PatroniRelease;

/// The most connections that write, as of gen.
const WRITERS_MAX: u64 = 100_000;

/// `pgchaos predict`.
#[derive(Debug, Args)]
#[command(after_help = "\
Faults have the names of the built-in drills, which measure them: leader-kill,
leader-stop, leader-freeze, switchover, etcd-quorum, proxy-down, postgres-crash.

With --patroni or --lab, settings that are typed stand in place of those in
force: what if. Without them, Patroni's own defaults stand where none is typed.

The certificates of an https URL are those of the connection's PG... variables.

D is a duration: 500ms, 3s, 2m, 1h. Every long option also reads PGCHAOS_<NAME>.")]
pub struct PredictArgs {
    /// Where Patroni's settings come from.
    #[command(flatten)]
    pub patroni: PatroniSourceArgs,
    /// Where the proxy's come from.
    #[command(flatten)]
    pub proxy: ProxySourceArgs,
    /// The client's.
    #[command(flatten)]
    pub client: ClientWaitsArgs,
    /// What is shown.
    #[command(flatten)]
    pub shown: PredictionShownArgs,
}

/// Patroni's settings.
#[derive(Debug, Args)]
#[command(next_help_heading = "Patroni")]
pub struct PatroniSourceArgs {
    /// Ask Patroni's API, such as host:8008; of several the first that answers
    #[arg(long, value_name = "URL", env = "PGCHAOS_PATRONI", value_delimiter = ',',
          value_parser = patroni_url)]
    pub patroni: Vec<String>,
    /// Ask the lab of this name; its HAProxy is known too
    #[cfg(unix)]
    #[arg(long, value_name = "NAME", env = "PGCHAOS_LAB", conflicts_with = "patroni")]
    pub lab: Option<String>,
    /// How long the leader's key lives, in seconds
    #[arg(long, value_name = "N", env = "PGCHAOS_TTL",
          value_parser = values::whole_number::<u64>(1..=u64::MAX))]
    pub ttl: Option<u64>,
    /// How often a member looks, in seconds
    #[arg(long, value_name = "N", env = "PGCHAOS_LOOP_WAIT",
          value_parser = values::whole_number::<u64>(1..=u64::MAX))]
    pub loop_wait: Option<u64>,
    /// How long a member tries to reach etcd or PostgreSQL, in seconds
    #[arg(long, value_name = "N", env = "PGCHAOS_RETRY_TIMEOUT",
          value_parser = values::whole_number::<u64>(1..=u64::MAX))]
    pub retry_timeout: Option<u64>,
    /// Patroni's version, such as 3.0.2: newer ones clamp what is too small
    #[arg(long, value_name = "VERSION", env = "PGCHAOS_PATRONI_VERSION", value_parser = version)]
    pub patroni_version: Option<PatroniRelease>,
}

/// The proxy's settings.
#[derive(Debug, Args)]
#[command(next_help_heading = "HAProxy")]
pub struct ProxySourceArgs {
    /// Read HAProxy's configuration
    #[arg(long, value_name = "FILE", env = "PGCHAOS_HAPROXY_CONFIG", value_parser = file_name())]
    pub haproxy_config: Option<PathBuf>,
    /// The backend (or listen section) that leads to the primary [default: the only one with checks, or
    /// the only one that asks Patroni for the leader]
    #[arg(long, value_name = "NAME", env = "PGCHAOS_HAPROXY_BACKEND", requires = "haproxy_config")]
    pub haproxy_backend: Option<String>,
    /// The port that clients connect to, which tells the backend too
    #[arg(long, value_name = "PORT", env = "PGCHAOS_HAPROXY_PORT", requires = "haproxy_config",
          conflicts_with = "haproxy_backend", value_parser = values::whole_number::<u16>(1..=65_535))]
    pub haproxy_port: Option<u16>,
}

/// The client's waits, as of gen.
#[derive(Debug, Args)]
#[command(next_help_heading = "Client, as gen")]
pub struct ClientWaitsArgs {
    /// Connections that write
    #[arg(short, long, value_name = "N", default_value_t = 1, env = "PGCHAOS_WRITERS",
          value_parser = values::whole_number::<u32>(1..=WRITERS_MAX))]
    pub writers: u32,
    /// Deadline of a whole connect
    #[arg(long, value_name = "D", default_value = "3s", value_parser = values::positive_duration,
          env = "PGCHAOS_CONNECT_TIMEOUT")]
    pub connect_timeout: Duration,
    /// Deadline of a write
    #[arg(long, value_name = "D", default_value = "5s", value_parser = values::positive_duration,
          env = "PGCHAOS_WRITE_TIMEOUT")]
    pub write_timeout: Duration,
    /// Shortest wait between attempts to connect
    #[arg(long, value_name = "D", default_value = "50ms", value_parser = values::positive_duration,
          env = "PGCHAOS_BACKOFF_MIN")]
    pub backoff_min: Duration,
    /// Longest wait between attempts to connect
    #[arg(long, value_name = "D", default_value = "500ms", value_parser = values::positive_duration,
          env = "PGCHAOS_BACKOFF_MAX")]
    pub backoff_max: Duration,
}

/// What is shown.
#[derive(Debug, Args)]
#[command(next_help_heading = "What is shown")]
pub struct PredictionShownArgs {
    /// One fault alone, with its parts [default: all]
    #[arg(long, value_name = "NAME", env = "PGCHAOS_FAULT")]
    pub fault: Option<PredictedFault>,
    /// The parts of every outage
    #[arg(short, long, env = "PGCHAOS_VERBOSE")]
    pub verbose: bool,
    /// Print JSON
    #[arg(long, env = "PGCHAOS_JSON", conflicts_with = "verbose")]
    pub json: bool,
}

impl ClientWaitsArgs {
    /// The same for the model.
    ///
    /// # Errors
    /// Words about options that contradict each other.
    pub fn waits(&self) -> Result<ClientWaits, String> {
        if self.backoff_min > self.backoff_max {
            return Err(format!(
                "--backoff-min {} is longer than --backoff-max {}",
                humantime::format_duration(self.backoff_min),
                humantime::format_duration(self.backoff_max)
            ));
        }
        Ok(ClientWaits {
            writers: self.writers,
            backoff_min: self.backoff_min,
            backoff_max: self.backoff_max,
            connect_timeout: self.connect_timeout,
            write_timeout: self.write_timeout,
        })
    }
}

impl PatroniSourceArgs {
    /// Whether a setting is typed.
    #[must_use]
    pub fn is_typed(&self) -> bool {
        self.ttl.is_some() || self.loop_wait.is_some() || self.retry_timeout.is_some()
    }
}

/// A version of Patroni.
fn version(text: &str) -> Result<PatroniRelease, String> {
    PatroniRelease::read(text).ok_or_else(|| "write it as Patroni does: 3.0.2".to_owned())
}
