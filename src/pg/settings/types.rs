//! The settings as they are used.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::config::{ChannelBinding, LoadBalanceHosts, SslNegotiation};

use super::password::{Password, PasswordSource};
use super::tls::{CertificateCheck, RootCertificate, SslMode};

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
    pub hostaddr: Option<IpAddr>,
    /// The port, also part of a socket's name.
    pub port: u16,
    /// The password for it.
    pub password: Password,
    /// Where the password came from.
    pub password_source: PasswordSource,
    /// Whether the record of a run is all that names it: its password then stays on this machine.
    pub by_record_alone: bool,
}

impl Host {
    /// The password that this host is sent when it is at this address, or at the other end of a Unix socket (`None`).
    ///
    /// The default one, which was not asked for, is sent to this machine alone: elsewhere a server would learn that a client
    /// tries it, and could ask for it in clear text. The same holds of any password where the record of a run alone names
    /// the host, as a record may come from anywhere: the driver cannot be told to answer SCRAM and nothing weaker.
    #[must_use]
    pub fn password_at(&self, address: Option<IpAddr>) -> Option<&Password> {
        let is_here = address.is_none_or(|address| address.to_canonical().is_loopback());
        (self.is_meant() || is_here).then_some(&self.password)
    }

    /// Whether the password was said, and said for this host.
    fn is_meant(&self) -> bool {
        self.password_source != PasswordSource::Default && !self.by_record_alone
    }

    /// The same for a program that looks the name up by itself: the default password only where the name says that it
    /// is this machine.
    #[must_use]
    pub fn password_by_name(&self) -> Option<&Password> {
        let address = self.hostaddr.or_else(|| match &self.address {
            Address::Tcp(name) => name.parse().ok(),
            Address::Unix(_) => None,
        });
        let named = match &self.address {
            Address::Tcp(name) => name == "localhost",
            Address::Unix(_) => true,
        };
        let is_known = address.is_some() || named;
        (self.is_meant() || is_known).then(|| self.password_at(address)).flatten()
    }

    /// The socket to open, for a Unix host: `FOLDER/.s.PGSQL.PORT`. One that begins with `@` is abstract.
    #[must_use]
    pub fn socket_path(&self) -> Option<PathBuf> {
        match &self.address {
            Address::Tcp(_) => None,
            Address::Unix(folder) => Some(folder.join(format!(".s.PGSQL.{}", self.port))),
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

/// TCP keepalive, as far as it was said; `None` is the caller's or the system's default.
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

/// Where to connect, as whom and how. `Debug` shows no password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectSettings {
    /// The servers, in the order in which to try them; never empty.
    pub hosts: Vec<Host>,
    /// The user.
    pub user: String,
    /// The database.
    pub dbname: String,
    /// What the server calls us in `pg_stat_activity`, if that was said; else a session says by
    /// [`ConnectSettings::called`] what it is for.
    pub application_name: Option<String>,
    /// Command-line options for the server session.
    pub options: Option<String>,
    /// How much TLS. Unix sockets never use it, as in libpq.
    pub sslmode: SslMode,
    /// Who is trusted to have signed the server's certificate; `None` when nobody was named and there is no default.
    pub sslrootcert: Option<RootCertificate>,
    /// How TLS begins.
    pub sslnegotiation: SslNegotiation,
    /// Whether the login is bound to the TLS session.
    pub channel_binding: ChannelBinding,
    /// The limit for one connection attempt; `None` when not said, or said to be none.
    pub connect_timeout: Option<Duration>,
    /// What kind of session is wanted, if that was said.
    pub target_session_attrs: Option<TargetSession>,
    /// Whether hosts are tried in random order.
    pub load_balance_hosts: LoadBalanceHosts,
    /// TCP keepalive.
    pub keepalive: Keepalive,
    /// How long sent data may stay unacknowledged (`tcp_user_timeout`), if that was said.
    pub tcp_user_timeout: Option<Duration>,
}

impl ConnectSettings {
    /// The servers for a log: `localhost:5500`, several as `a:5432,b:5432`.
    #[must_use]
    pub fn display_target(&self) -> String {
        let hosts: Vec<String> = self.hosts.iter().map(ToString::to_string).collect();
        hosts.join(",")
    }

    /// The same for a session that is called so in `pg_stat_activity`, unless another name was said.
    #[must_use]
    pub fn called(&self, application_name: String) -> Self {
        let mut settings = self.clone();
        settings.application_name.get_or_insert(application_name);
        settings
    }

    /// The same where the record of a run is all that names the hosts.
    #[must_use]
    pub fn by_record_alone(mut self) -> Self {
        for host in &mut self.hosts {
            host.by_record_alone = true;
        }
        self
    }

    /// What must be checked of a server's certificate, should TLS be used.
    #[must_use]
    pub fn certificate_check(&self) -> CertificateCheck {
        CertificateCheck::of(self.sslmode, self.sslrootcert.as_ref())
    }
}
