//! The settings as they are used.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::config::{ChannelBinding, LoadBalanceHosts};

use super::password::{Password, PasswordSource};
use super::socket_path;
use super::tls::Security;
use super::zoned_address::ZonedAddress;

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A name or an IP address.
    Tcp(String),
    /// The folder of its socket; one that begins with `@` is in Linux's abstract namespace.
    Unix(PathBuf),
}

/// One server to try. Its `Display` is `name:port`, an IPv6 address in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The host as it was named, which a certificate is checked against.
    pub address: Address,
    /// The address to connect to instead of looking the name up.
    pub hostaddr: Option<ZonedAddress>,
    /// The port, also part of a socket's name.
    pub port: u16,
    /// The password for it.
    pub password: Password,
    /// Where the password came from.
    pub password_source: PasswordSource,
    /// Whether only the record of a run names it: then its password stays on this machine.
    pub by_record_alone: bool,
    /// Whether only Patroni names it: then its password goes nowhere in clear text, but over a Unix socket, to a loopback
    /// address, or over TLS to a server with a verified certificate.
    pub by_patroni_alone: bool,
}

impl Host {
    /// The password that this host is sent when it is at this address, or at the other end of a Unix socket (`None`).
    ///
    /// The default password, which the user did not give, is sent only to this machine: elsewhere a server would learn
    /// that a client tries it, and could ask for it in clear text. The same holds for every password where only the record
    /// of a run names the host, as a record may come from anywhere: the driver cannot be limited to SCRAM.
    #[must_use]
    pub fn password_at(&self, address: Option<IpAddr>) -> Option<&Password> {
        let is_here = address.is_none_or(|address| address.to_canonical().is_loopback());
        (self.is_meant() || is_here).then_some(&self.password)
    }

    /// Whether the user gave the password, and gave it for this host.
    fn is_meant(&self) -> bool {
        self.password_source != PasswordSource::Default && !self.by_record_alone
    }

    /// The same for a program that looks the name up by itself: the default password only where the name says that it
    /// is this machine.
    #[must_use]
    pub fn password_by_name(&self) -> Option<&Password> {
        let address = self.address_said().map(|address| address.ip);
        let named = match &self.address {
            Address::Tcp(name) => name == "localhost",
            Address::Unix(_) => true,
        };
        let is_known = address.is_some() || named;
        (self.is_meant() || is_known).then(|| self.password_at(address)).flatten()
    }

    /// The address to connect to, where no name has to be looked up: `hostaddr`, or a host that is an address.
    #[must_use]
    pub fn address_said(&self) -> Option<ZonedAddress> {
        self.hostaddr.clone().or_else(|| match &self.address {
            Address::Tcp(name) => ZonedAddress::parse(name),
            Address::Unix(_) => None,
        })
    }

    /// The socket to open, for a Unix host: `FOLDER/.s.PGSQL.PORT`. One that begins with `@` is abstract.
    #[must_use]
    pub fn socket_path(&self) -> Option<PathBuf> {
        match &self.address {
            Address::Tcp(_) => None,
            Address::Unix(folder) => Some(socket_path::of(folder, self.port)),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.address {
            Address::Tcp(name) if name.contains(':') => write!(f, "[{name}]:{}", self.port),
            Address::Tcp(name) => write!(f, "{name}:{}", self.port),
            Address::Unix(folder) => write!(f, "{}:{}", folder.display(), self.port),
        }
    }
}

/// libpq's `target_session_attrs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetSession {
    /// Any session will do.
    Any,
    /// It must accept writes by default: not in recovery, not read-only.
    ReadWrite,
    /// It must not.
    ReadOnly,
    /// The server must not be in recovery.
    Primary,
    /// The server must be in recovery.
    Standby,
    /// A standby if there is one, otherwise any.
    PreferStandby,
}

impl TargetSession {
    /// Its name to libpq.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::ReadWrite => "read-write",
            Self::ReadOnly => "read-only",
            Self::Primary => "primary",
            Self::Standby => "standby",
            Self::PreferStandby => "prefer-standby",
        }
    }
}

/// TCP keepalive, as far as it was given; `None` is the caller's or the system's default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keepalive {
    /// Whether keepalives are sent (`keepalives`).
    pub enabled: Option<bool>,
    /// Silence before the first (`keepalives_idle`).
    pub idle: Option<Duration>,
    /// Time between two (`keepalives_interval`).
    pub interval: Option<Duration>,
    /// How many may be lost (`keepalives_count`).
    pub count: Option<u32>,
}

/// Where to connect, as which role and how. `Debug` shows no password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectSettings {
    /// The servers, in the order in which to try them; never empty.
    pub hosts: Vec<Host>,
    /// The user.
    pub user: String,
    /// The database.
    pub dbname: String,
    /// The name in `pg_stat_activity`, if one was given; otherwise [`ConnectSettings::called`] sets it to a session's
    /// purpose.
    pub application_name: Option<String>,
    /// Command-line options for the server session.
    pub options: Option<String>,
    /// How the connection is secured.
    pub security: Security,
    /// Whether the login is bound to the TLS session.
    pub channel_binding: ChannelBinding,
    /// The limit for one connection attempt; `None` when not given, or given as unlimited.
    pub connect_timeout: Option<Duration>,
    /// The kind of session wanted, if given.
    pub target_session_attrs: Option<TargetSession>,
    /// Whether hosts are tried in random order.
    pub load_balance_hosts: LoadBalanceHosts,
    /// TCP keepalive.
    pub keepalive: Keepalive,
    /// How long sent data may stay unacknowledged (`tcp_user_timeout`), if given.
    pub tcp_user_timeout: Option<Duration>,
}

impl ConnectSettings {
    /// The servers for a log: `localhost:5500`, several as `a:5432,b:5432`.
    #[must_use]
    pub fn display_target(&self) -> String {
        let hosts: Vec<String> = self.hosts.iter().map(ToString::to_string).collect();
        hosts.join(",")
    }

    /// Whether hosts are tried in random order.
    #[must_use]
    pub fn tries_hosts_in_random_order(&self) -> bool {
        self.load_balance_hosts == LoadBalanceHosts::Random
    }

    /// The same settings with this name in `pg_stat_activity`, unless the user gave one.
    #[must_use]
    pub fn called(&self, application_name: String) -> Self {
        let mut settings = self.clone();
        settings.application_name.get_or_insert(application_name);
        settings
    }

    /// The same settings for a member that only Patroni names, at this host and port. The password is that of the first
    /// host: a role has one in a cluster.
    #[must_use]
    pub fn by_patroni_alone(&self, host: &str, port: u16) -> Option<Self> {
        let first = self.hosts.first()?.clone();
        let address = Address::Tcp(host.to_owned());
        let host = Host { address, hostaddr: None, port, by_patroni_alone: true, ..first };
        Some(Self {
            hosts: vec![host],
            target_session_attrs: None,
            load_balance_hosts: LoadBalanceHosts::Disable,
            ..self.clone()
        })
    }

    /// The same settings for hosts that only the record of a run names.
    #[must_use]
    pub fn by_record_alone(mut self) -> Self {
        for host in &mut self.hosts {
            host.by_record_alone = true;
        }
        self
    }
}
