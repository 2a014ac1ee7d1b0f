//! `pgchaos gen` on the command line.

use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::connection::TargetArgs;
use super::file_name::file_name;
use super::haproxy_url::haproxy_url;
use super::headings::MAIN;
use super::log_args::LogArgs;
use super::patroni_url::patroni_url;
use super::predict_args::ProxySourceArgs;
use super::summary_args::SummaryArgs;
use crate::haproxy::HaproxyUrl;
use crate::model::load::options::{Backlog, LoadOptions, Protocol, Rate, Thresholds};
use crate::model::load::values;

/// The most connections that write.
const WRITERS_MAX: u64 = 100_000;

/// `pgchaos gen`.
#[derive(Debug, Args)]
#[command(
    override_usage = "pgchaos gen [OPTIONS] [DSN]",
    after_help = "\
As in pgbench: -c writers, -j threads, -T seconds, -R rate. But -n is the number
of writes, and -r is the rate too.

D is a duration: 500ms, 3s, 2m, 1h. Every long option also reads PGCHAOS_<NAME>.

Exit codes: 0 pass, 1 fail, 2 usage, 3 inconclusive, 4 could not run at all,
130 stopped at once."
)]
pub struct GenArgs {
    /// Where to.
    #[command(flatten)]
    pub target: TargetArgs,
    /// How much.
    #[command(flatten)]
    pub load: LoadArgs,
    /// What is watched beside it.
    #[command(flatten)]
    pub cluster: ClusterArgs,
    /// How HAProxy is set, for what is to be expected of it.
    #[command(flatten)]
    pub haproxy_settings: ProxySourceArgs,
    /// How long to wait.
    #[command(flatten)]
    pub waits: WaitArgs,
    /// What makes it fail.
    #[command(flatten)]
    pub thresholds: ThresholdArgs,
    /// Where the record goes.
    #[command(flatten)]
    pub record: RecordArgs,
    /// What is printed.
    #[command(flatten)]
    pub output: SummaryArgs,
    /// How the log is written.
    #[command(flatten)]
    pub log: LogArgs,
}

/// The load.
#[derive(Debug, Args)]
#[command(next_help_heading = "Load")]
pub struct LoadArgs {
    /// Writes due per second over all writers; max: as fast as the server answers
    #[arg(short, short_alias = 'R', long, value_name = "N|max", default_value = "1", value_parser = values::rate,
          env = "PGCHAOS_RATE", help_heading = MAIN)]
    pub rate: Rate,
    /// How long to write, from the start of the run; a bare number is seconds [default: until Ctrl-C]
    #[arg(short = 'T', long, value_name = "D", value_parser = values::seconds_or_duration,
          env = "PGCHAOS_DURATION", help_heading = MAIN)]
    pub duration: Option<Duration>,
    /// How many writes to send [default: until Ctrl-C]
    #[arg(short = 'n', long, value_name = "N", env = "PGCHAOS_WRITES",
          value_parser = values::whole_number::<u64>(1..=u64::MAX))]
    pub writes: Option<u64>,
    /// Connections that write
    #[arg(short, short_alias = 'c', long, value_name = "N", default_value_t = 1,
          env = "PGCHAOS_WRITERS", value_parser = values::whole_number::<u32>(1..=WRITERS_MAX))]
    pub writers: u32,
    /// Writes in flight per connection
    #[arg(long, value_name = "N", default_value_t = 1, env = "PGCHAOS_PIPELINE",
          value_parser = values::whole_number::<u32>(1..=10_000))]
    pub pipeline: u32,
    /// Threads for the writers [default: one per processor]
    #[arg(short = 'j', long, value_name = "N", env = "PGCHAOS_THREADS",
          value_parser = values::whole_number::<u32>(1..=1024))]
    pub threads: Option<u32>,
    /// prepared: each session prepares its statements once; extended: each write brings its own,
    /// for poolers that share sessions (what such a one refuses makes it extended by itself)
    #[arg(
        short = 'M',
        long,
        value_name = "prepared|extended",
        value_enum,
        default_value = "prepared",
        hide_possible_values = true,
        env = "PGCHAOS_PROTOCOL"
    )]
    pub protocol: ProtocolArg,
    /// Read the last three ids after every Nth write of a writer; 0 is never
    #[arg(long, value_name = "N", default_value_t = 2, env = "PGCHAOS_READ_EVERY",
          value_parser = values::whole_number::<u32>(0..=u64::from(u32::MAX)))]
    pub read_every: u32,
    /// Port of the same host that leads to replicas: they are read, to tell how far behind they are
    #[arg(long, value_name = "PORT", env = "PGCHAOS_READ_PORT", conflicts_with = "read_dsn")]
    pub read_port: Option<String>,
    /// The same by a connection string
    #[arg(long, value_name = "DSN", env = "PGCHAOS_READ_DSN", hide_env_values = true)]
    pub read_dsn: Option<String>,
    /// What becomes of writes that came due during an outage
    #[arg(
        long,
        value_name = "skip|catch-up",
        value_enum,
        default_value = "skip",
        hide_possible_values = true,
        env = "PGCHAOS_BACKLOG"
    )]
    pub backlog: BacklogArg,
}

/// [`Backlog`] on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BacklogArg {
    /// Never sent, counted as skipped.
    Skip,
    /// Sent as fast as the server takes them.
    CatchUp,
}

/// [`Protocol`] on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProtocolArg {
    /// Prepared once a session.
    Prepared,
    /// Unnamed, with each write.
    Extended,
}

/// What is watched beside the load.
#[derive(Debug, Args)]
#[command(next_help_heading = "Cluster")]
pub struct ClusterArgs {
    /// Watch Patroni's API, such as host:8008: it tells the leader and the members' names. One URL
    /// finds the other members; may be repeated. The verification then looks at the leader.
    /// With https the certificates are those of the connection (sslrootcert, sslcert, sslkey)
    #[arg(long, value_name = "URL", env = "PGCHAOS_PATRONI", value_delimiter = ',',
          value_parser = patroni_url)]
    pub patroni: Vec<String>,
    /// Watch each member's PostgreSQL at its own address: role, timeline, replay position. auto: as
    /// Patroni names them, where they can be reached from here; NAME=DSN, such as
    /// patroni1='host=10.0.0.1': what the connection string leaves open is as for the load. May be
    /// repeated
    #[arg(long, value_name = "auto|NAME=DSN", env = "PGCHAOS_MEMBERS", hide_env_values = true)]
    pub members: Vec<String>,
    /// And write a row to each five times a second that is not in recovery, in a run of its own:
    /// evidence for two primaries and for when a member takes writes, and no part of the load
    #[arg(long, env = "PGCHAOS_WITNESS", requires = "members")]
    pub witness: bool,
    /// Watch HAProxy's page, such as host:7000 or host/haproxy?stats, for which servers it
    /// sends to; with user:password@ before the host where it asks for them (stats auth)
    #[arg(long, value_name = "URL", env = "PGCHAOS_HAPROXY", hide_env_values = true,
          value_parser = haproxy_url)]
    pub haproxy: Option<HaproxyUrl>,
}

/// How long to wait.
#[derive(Debug, Args)]
#[command(next_help_heading = "Waiting")]
pub struct WaitArgs {
    /// Deadline of a whole connect to each address of each host [default: the connection's, else 3s]
    #[arg(long, value_name = "D", value_parser = values::positive_duration,
          env = "PGCHAOS_CONNECT_TIMEOUT")]
    pub connect_timeout: Option<Duration>,
    /// Deadline of each write and each read; once the load ends, 10 s at most
    #[arg(long, value_name = "D", default_value = "5s", value_parser = values::positive_duration,
          env = "PGCHAOS_WRITE_TIMEOUT")]
    pub write_timeout: Duration,
    /// A write without an answer for this long begins an outage
    #[arg(long, value_name = "D", default_value = "1s", value_parser = values::positive_duration,
          env = "PGCHAOS_STALL_AFTER")]
    pub stall_after: Duration,
    /// Shortest wait between attempts to connect
    #[arg(long, value_name = "D", default_value = "50ms", value_parser = values::positive_duration,
          env = "PGCHAOS_BACKOFF_MIN")]
    pub backoff_min: Duration,
    /// Longest wait between attempts to connect
    #[arg(long, value_name = "D", default_value = "500ms", value_parser = values::positive_duration,
          env = "PGCHAOS_BACKOFF_MAX")]
    pub backoff_max: Duration,
    /// How long the verification waits for a server that it can look at; the look itself may take
    /// longer, and tells its progress
    #[arg(long, value_name = "D", default_value = "2m", value_parser = values::positive_duration,
          env = "PGCHAOS_VERIFY_TIMEOUT")]
    pub verify_timeout: Duration,
    /// Where to verify, as a connection string [default: where the load writes]
    #[arg(long, value_name = "DSN", env = "PGCHAOS_VERIFY_DSN", hide_env_values = true)]
    pub verify_dsn: Option<String>,
}

/// What makes the verdict fail.
#[derive(Debug, Args)]
#[command(next_help_heading = "The verdict is fail when")]
pub struct ThresholdArgs {
    /// more acknowledged writes are lost than this
    #[arg(long, value_name = "N", default_value_t = 0, env = "PGCHAOS_MAX_LOST",
          value_parser = values::whole_number::<u64>(0..=u64::MAX))]
    pub max_lost: u64,
    /// an outage is longer than this
    #[arg(long, value_name = "D", value_parser = values::duration, env = "PGCHAOS_MAX_OUTAGE")]
    pub max_outage: Option<Duration>,
    /// some writers are out for longer than this while others write
    #[arg(long, value_name = "D", value_parser = values::duration, env = "PGCHAOS_MAX_DEGRADED")]
    pub max_degraded: Option<Duration>,
    /// the share of the due writes that is acknowledged is below this; with --rate max, the share
    /// of the time without an outage
    #[arg(long, value_name = "PCT", value_parser = values::percentage,
          env = "PGCHAOS_MIN_AVAILABILITY")]
    pub min_availability: Option<f64>,
    /// the 99th percentile of latency is above this
    #[arg(long, value_name = "D", value_parser = values::duration, env = "PGCHAOS_MAX_P99")]
    pub max_p99: Option<Duration>,
    /// a replica is further behind than this, or is not read; needs --read-port or --read-dsn
    #[arg(long, value_name = "D", value_parser = values::duration, env = "PGCHAOS_MAX_LAG")]
    pub max_lag: Option<Duration>,
    /// two primaries acknowledge writes at the same time for longer than this; 0s: at all
    #[arg(long, value_name = "D", default_value = "0s", value_parser = values::duration,
          env = "PGCHAOS_MAX_TWO_PRIMARIES")]
    pub max_two_primaries: Duration,
}

/// Where the record goes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Record")]
pub struct RecordArgs {
    /// Where to keep the run's record, for verify and report [default: in the state folder]
    #[arg(long, value_name = "FILE", env = "PGCHAOS_RECORD", conflicts_with = "no_record",
          value_parser = file_name())]
    pub record: Option<PathBuf>,
    /// Keep no record
    #[arg(long, env = "PGCHAOS_NO_RECORD")]
    pub no_record: bool,
    /// The group of runs that this one belongs to, each a process of its own, here or elsewhere
    #[arg(long, value_name = "NAME", env = "PGCHAOS_GROUP", value_parser = values::name)]
    pub group: Option<String>,
    /// The name of this run in its group, such as zone-a
    #[arg(long, value_name = "NAME", env = "PGCHAOS_NAME", value_parser = values::name)]
    pub name: Option<String>,
}

/// One thread a processor, and no more threads than writers.
fn default_threads(writers: u32) -> u32 {
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    u32::try_from(processors).unwrap_or(u32::MAX).min(writers)
}

impl GenArgs {
    /// The load in plain units; `said_timeout` is the `connect_timeout` of the connection settings.
    ///
    /// # Errors
    /// Words about options that contradict each other.
    pub fn load_options(&self, said_timeout: Option<Duration>) -> Result<LoadOptions, String> {
        let (load, waits) = (&self.load, &self.waits);
        if waits.backoff_min > waits.backoff_max {
            return Err(format!(
                "--backoff-min {} is longer than --backoff-max {}",
                humantime::format_duration(waits.backoff_min),
                humantime::format_duration(waits.backoff_max)
            ));
        }
        Ok(LoadOptions {
            rate: load.rate,
            writers: load.writers,
            pipeline: load.pipeline,
            threads: load.threads.unwrap_or_else(|| default_threads(load.writers)),
            duration: load.duration,
            writes: load.writes,
            protocol: match load.protocol {
                ProtocolArg::Prepared => Protocol::Prepared,
                ProtocolArg::Extended => Protocol::Extended,
            },
            read_every: load.read_every,
            backlog: match load.backlog {
                BacklogArg::Skip => Backlog::Skip,
                BacklogArg::CatchUp => Backlog::CatchUp,
            },
            connect_timeout: waits
                .connect_timeout
                .or(said_timeout)
                .unwrap_or(Duration::from_secs(3)),
            write_timeout: waits.write_timeout,
            stall_after: waits.stall_after,
            backoff_min: waits.backoff_min,
            backoff_max: waits.backoff_max,
            verify_timeout: waits.verify_timeout,
        })
    }

    /// What makes the verdict fail.
    #[must_use]
    pub fn thresholds(&self) -> Thresholds {
        Thresholds {
            max_outage: self.thresholds.max_outage,
            max_degraded: self.thresholds.max_degraded,
            max_lost: self.thresholds.max_lost,
            min_availability_pct: self.thresholds.min_availability,
            max_p99: self.thresholds.max_p99,
            max_lag: self.thresholds.max_lag,
            max_two_primaries: self.thresholds.max_two_primaries,
        }
    }
}
