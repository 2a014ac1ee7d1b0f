//! From everything that was given to the settings.

use tokio_postgres::config::{ChannelBinding, LoadBalanceHosts};

use super::environment::Environment;
use super::error::SettingsError;
use super::explicit::Explicit;
use super::hosts::{self, HostAndPort};
use super::layers::Layers;
use super::password::{Password, PasswordSource};
use super::pgpass::PasswordFile;
use super::tls::{self, Security};
use super::tls_variables;
use super::types::{Address, ConnectSettings, Host, Keepalive, TargetSession};
use super::unsupported;
use super::values::{choice, integer, milliseconds, positive, seconds};
use super::warning::Warning;

const DEFAULT_NAME: &str = "postgres";

const SESSIONS: [(&str, TargetSession); 6] = [
    (TargetSession::Any.name(), TargetSession::Any),
    (TargetSession::ReadWrite.name(), TargetSession::ReadWrite),
    (TargetSession::ReadOnly.name(), TargetSession::ReadOnly),
    (TargetSession::Primary.name(), TargetSession::Primary),
    (TargetSession::Standby.name(), TargetSession::Standby),
    (TargetSession::PreferStandby.name(), TargetSession::PreferStandby),
];
const BINDINGS: [(&str, ChannelBinding); 3] = [
    ("disable", ChannelBinding::Disable),
    ("prefer", ChannelBinding::Prefer),
    ("require", ChannelBinding::Require),
];
const BALANCES: [(&str, LoadBalanceHosts); 2] =
    [("disable", LoadBalanceHosts::Disable), ("random", LoadBalanceHosts::Random)];

/// The settings, and warnings about them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Where to connect, as which role and how.
    pub settings: ConnectSettings,
    /// What was ignored or is done otherwise.
    pub warnings: Vec<Warning>,
    /// How TLS is spoken, as libpq's variables, without any secret.
    pub tls_variables: Vec<(&'static str, String)>,
    /// The options of TLS that were given, by their names, and the mode that they come to; files by their whole paths,
    /// without any secret.
    pub tls_options: Vec<(&'static str, String)>,
    /// Options that were given and that no record has: they may hold anything.
    pub unrecorded: Vec<&'static str>,
}

/// Options of a session that a record names alone.
const UNRECORDED: [&str; 8] = [
    "options",
    "application_name",
    "fallback_application_name",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
];

/// Resolves what was given as libpq does, with pgchaos's defaults (see the module's documentation).
///
/// # Errors
///
/// When a value cannot be read, does not exist or would weaken security if it were ignored. The message tells what it
/// is, where it was given, and what to do.
pub fn resolve(explicit: &Explicit, environment: &Environment) -> Result<Resolved, SettingsError> {
    let layers = Layers::gather(explicit, environment)?;
    let mut warnings = Vec::new();
    unsupported::check(&layers, &mut warnings)?;
    let name = |keyword| layers.text(keyword).unwrap_or_else(|| DEFAULT_NAME.to_owned());
    let (user, dbname) = (name("user"), name("dbname"));
    let endpoints = hosts::read(&layers, &mut warnings)?;
    let security = security(&layers, &endpoints, environment, &mut warnings)?;
    let tls_variables = tls_variables::of(&layers, security.sslmode);
    let tls_options = tls_variables::recorded(&layers, security.sslmode);
    let is_given = |name: &&'static str| layers.text(name).is_some();
    let unrecorded = UNRECORDED.into_iter().filter(is_given).collect();
    let settings = ConnectSettings {
        security,
        channel_binding: choice(&layers, "channel_binding", &BINDINGS)?
            .unwrap_or(ChannelBinding::Prefer),
        application_name: layers
            .text("application_name")
            .or_else(|| layers.text("fallback_application_name")),
        options: layers.text("options"),
        connect_timeout: seconds(&layers, "connect_timeout")?,
        target_session_attrs: choice(&layers, "target_session_attrs", &SESSIONS)?,
        load_balance_hosts: choice(&layers, "load_balance_hosts", &BALANCES)?
            .unwrap_or(LoadBalanceHosts::Disable),
        keepalive: keepalive(&layers)?,
        tcp_user_timeout: milliseconds(&layers, "tcp_user_timeout")?,
        // Last, so that no password file is read for settings that are refused.
        hosts: with_passwords(endpoints, &layers, environment, [&dbname, &user], &mut warnings),
        user,
        dbname,
    };
    Ok(Resolved { settings, warnings, tls_variables, tls_options, unrecorded })
}

/// TLS matters only to hosts that are reached by TCP.
fn security(
    layers: &Layers,
    endpoints: &[HostAndPort],
    environment: &Environment,
    warnings: &mut Vec<Warning>,
) -> Result<Security, SettingsError> {
    let by_tcp = |endpoint: &HostAndPort| matches!(endpoint.address, Address::Tcp(_));
    tls::read(layers, endpoints.iter().any(by_tcp), environment, warnings)
}

fn keepalive(layers: &Layers) -> Result<Keepalive, SettingsError> {
    let count = integer(layers, "keepalives_count")?.and_then(positive);
    Ok(Keepalive {
        enabled: integer(layers, "keepalives")?.map(|said| said != 0),
        idle: seconds(layers, "keepalives_idle")?,
        interval: seconds(layers, "keepalives_interval")?,
        count: count.and_then(|count| u32::try_from(count).ok()),
    })
}

/// A password that was given is for every host; otherwise each has its line in the password file, or the default.
fn with_passwords(
    endpoints: Vec<HostAndPort>,
    layers: &Layers,
    environment: &Environment,
    [dbname, user]: [&str; 2],
    warnings: &mut Vec<Warning>,
) -> Vec<Host> {
    let said = layers.get("password");
    let file = match said {
        Some(_) => None,
        None => PasswordFile::open(layers, environment, warnings),
    };
    let of_said = said.map(|said| {
        let password = Password::new(said.value.as_str());
        (password, PasswordSource::Said(said.origin.clone()))
    });
    let of_host = |endpoint: &HostAndPort| {
        let of_file = || {
            let file = file.as_ref()?;
            let password = file.find(endpoint, dbname, user)?;
            Some((password, PasswordSource::File(file.path.clone())))
        };
        let default = || (Password::new(DEFAULT_NAME), PasswordSource::Default);
        of_said.clone().or_else(of_file).unwrap_or_else(default)
    };
    endpoints
        .into_iter()
        .map(|endpoint| {
            let (password, password_source) = of_host(&endpoint);
            let HostAndPort { address, hostaddr, port } = endpoint;
            Host {
                address,
                hostaddr,
                port,
                password,
                password_source,
                by_record_alone: false,
                by_patroni_alone: false,
            }
        })
        .collect()
}
