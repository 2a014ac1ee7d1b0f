//! `pgchaos lab`: what can be said about a local cluster.

use std::ffi::OsString;

use clap::{ArgAction, Args, Subcommand};

use crate::lab::Profile;
use crate::model::cluster::selector::Selector;

/// `pgchaos lab`.
#[derive(Debug, Args)]
#[command(
    disable_help_subcommand = true,
    after_help = "\
Members: patroni1 to patroni3 (Patroni with its PostgreSQL), etcd1 to etcd3,
haproxy; or by their role now: leader, replica, etcd:leader, etcd:any. What is
down has no role: for start and resume a role means the one member of its kind
that is stopped, or frozen.

Ports, all on 127.0.0.1:     usual      --base-port P
  write, read                5500 5501  P    P+1
  HAProxy's page             7500       P+2
  Patroni's APIs             8001-8003  P+3  to P+5
  PostgreSQL servers         5511-5513  P+6  to P+8
  etcd, clients and peers    5521-5523, 5531-5533  P+9 to P+14

Files are in $XDG_STATE_HOME/pgchaos/labs/NAME (~/.local/state by default).
Root's labs are in /var/lib/pgchaos/labs, as root runs their members as the user
postgres. Labs of root and of other users do not know each other. Linux only."
)]
pub struct LabArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: LabCommand,
    /// The lab's name: labs of different names live side by side
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        default_value = "pgchaos",
        env = "PGCHAOS_NAME"
    )]
    pub name: String,
}

/// The commands of `pgchaos lab`.
#[derive(Debug, Subcommand)]
pub enum LabCommand {
    /// Bring the cluster up, and return when both ports work
    ///
    /// From nothing, from the data that `down` kept, or from what is left of a cluster that runs.
    /// Options that are not given stay as they were. Profile and synchronous mode of kept data can
    /// be changed, its ports cannot: `lab down --wipe` first.
    Up(UpArgs),
    /// Name all labs, with their ports, their state and who leads
    #[command(after_help = "\
Example: pgchaos lab list
State: running; down (its data is kept); 5 of 7 run; never worked, removed in
part (what an `up` or a `down --wipe` that was cut off has left); unseen (it
runs in another PID namespace).")]
    List,
    /// Show members, settings, and the outage to expect
    Status,
    /// Stop members in good order (SIGTERM, after a while SIGKILL)
    Stop(MembersArgs),
    /// Kill members as when their machine fails (SIGKILL)
    Kill(MembersArgs),
    /// Freeze all processes of members (SIGSTOP)
    Pause(MembersArgs),
    /// Let frozen members go on (SIGCONT)
    Resume(MembersArgs),
    /// Start members that do not run
    Start(MembersArgs),
    /// Stop members in good order and start them again, each up again before the next
    #[command(after_help = "Example: pgchaos lab restart patroni1 haproxy")]
    Restart(MembersArgs),
    /// Hand the leadership over in good order, by Patroni
    #[command(after_help = "Example: pgchaos lab switchover patroni2")]
    Switchover(SwitchoverArgs),
    /// Run psql on the write port, or on a member's own server; its exit code is passed through
    #[command(after_help = "\
Example: pgchaos lab psql replica -- -c 'select pg_last_wal_replay_lsn()'
It is the psql of the PostgreSQL that the lab runs. Your own PG… variables are
not used.")]
    Psql(PsqlArgs),
    /// Print logs
    Logs(LogsArgs),
    /// Print the environment for psql and others
    Env,
    /// Stop everything; data and logs are kept for the next up
    Down(DownArgs),
    /// Install PostgreSQL, Patroni, etcd and HAProxy by apt-get
    ///
    /// Needs Debian or Ubuntu, and root or sudo. None of the services that the packages would
    /// start by themselves is left running.
    InstallDeps(InstallDepsArgs),
}

/// `pgchaos lab up`.
#[derive(Debug, Args)]
pub struct UpArgs {
    /// How fast it fails over: default (Patroni's defaults, about 30 s after a killed leader) or
    /// quick (the fastest that this Patroni allows) [default: default]
    #[arg(
        long,
        value_enum,
        value_name = "default|quick",
        hide_possible_values = true,
        env = "PGCHAOS_PROFILE"
    )]
    pub profile: Option<ProfileName>,
    /// Patroni's synchronous mode; --sync=false turns it off again
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", hide_possible_values = true, env = "PGCHAOS_SYNC")]
    pub sync: Option<bool>,
    /// PostgreSQL and Patroni's API with TLS alone, by certificates of the lab's own; --tls=false
    /// turns it off again
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", hide_possible_values = true, env = "PGCHAOS_TLS")]
    pub tls: Option<bool>,
    /// The first of its 15 ports [default: the usual ones, see lab --help]
    #[arg(long, value_name = "P", env = "PGCHAOS_BASE_PORT")]
    pub base_port: Option<u16>,
}

/// The profiles by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ProfileName {
    /// Patroni's own defaults.
    Default,
    /// The fastest that the installed Patroni honours.
    Quick,
}

impl From<ProfileName> for Profile {
    fn from(name: ProfileName) -> Self {
        match name {
            ProfileName::Default => Self::Default,
            ProfileName::Quick => Self::Quick,
        }
    }
}

/// Which members.
#[derive(Debug, Args)]
pub struct MembersArgs {
    /// patroni1 to 3, etcd1 to 3, haproxy, leader, replica, etcd:leader, etcd:any
    #[arg(value_name = "MEMBER", required = true)]
    pub members: Vec<Selector>,
}

/// `pgchaos lab switchover`.
#[derive(Debug, Args)]
pub struct SwitchoverArgs {
    /// The next leader: patroni1 to 3, or replica; without it Patroni chooses
    #[arg(value_name = "TO")]
    pub to: Option<Selector>,
}

/// `pgchaos lab psql`.
#[derive(Debug, Args)]
pub struct PsqlArgs {
    /// Whose server: patroni1 to 3, leader, replica; without it the write port, by HAProxy
    #[arg(value_name = "MEMBER")]
    pub member: Option<Selector>,
    /// Arguments for psql, after --
    #[arg(value_name = "ARG", last = true)]
    pub arguments: Vec<OsString>,
}

/// `pgchaos lab logs`.
#[derive(Debug, Args)]
pub struct LogsArgs {
    /// Whose logs [default: all members']
    #[arg(value_name = "MEMBER")]
    pub members: Vec<Selector>,
    /// Go on with new lines, until Ctrl-C
    #[arg(short, long, action = ArgAction::SetTrue, env = "PGCHAOS_FOLLOW")]
    pub follow: bool,
}

/// `pgchaos lab down`.
#[derive(Debug, Args)]
pub struct DownArgs {
    /// Remove the data too; logs are kept
    #[arg(long, env = "PGCHAOS_WIPE")]
    pub wipe: bool,
}

/// `pgchaos lab install-deps`.
#[derive(Debug, Args)]
pub struct InstallDepsArgs {
    /// Do not ask
    #[arg(short = 'y', long, env = "PGCHAOS_YES")]
    pub yes: bool,
}
