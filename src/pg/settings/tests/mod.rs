//! An explicit, an environment and files in; the whole settings out. What psql 15 does with the same words was seen
//! with a server that tells what it was sent.

mod connection_strings;
mod files;
mod precedence;
mod properties;
mod secrets;
mod security;
mod tls_variables;

use std::error::Error;

use tokio_postgres::config::{ChannelBinding, LoadBalanceHosts, SslNegotiation};

use super::{
    Address, ConnectSettings, Environment, Explicit, Host, Keepalive, Origin, Password,
    PasswordSource, Resolved, Security, SslMode, Warning, ZonedAddress, resolve,
};
use crate::tls::settings::POSTGRESQL;
use crate::tls::{TlsClient, TlsSettings};

/// An authority's certificate, made with `openssl req -x509` for a hundred years.
const ROOT: &str = include_str!("root.pem");
/// A client's certificate that signed itself, its key, the key with a passphrase, and another's.
const CLIENT: &str = include_str!("client.pem");
const CLIENT_KEY: &str = include_str!("client-key.pem");
const ENCRYPTED_KEY: &str = include_str!("encrypted-key.pem");
const OTHER_KEY: &str = include_str!("other-key.pem");

/// The settings when nothing is said.
fn defaults() -> ConnectSettings {
    ConnectSettings {
        hosts: vec![tcp("localhost", 5432)],
        user: "postgres".to_owned(),
        dbname: "postgres".to_owned(),
        application_name: None,
        options: None,
        security: security(SslMode::Prefer, TlsSettings::default()),
        channel_binding: ChannelBinding::Prefer,
        connect_timeout: None,
        target_session_attrs: None,
        load_balance_hosts: LoadBalanceHosts::Disable,
        keepalive: Keepalive::default(),
        tcp_user_timeout: None,
    }
}

/// A mode with TLS by these settings, as PostgreSQL speaks it.
fn security(sslmode: SslMode, settings: TlsSettings) -> Security {
    let settings = TlsSettings { protocol: Some(POSTGRESQL), ..settings };
    let client = TlsClient::new(settings, &with_files()).unwrap();
    Security { sslmode, negotiation: SslNegotiation::Postgres, client: Some(client) }
}

/// A mode in which no TLS is spoken: `disable`, or with Unix sockets alone.
fn in_the_clear(sslmode: SslMode) -> Security {
    Security { sslmode, negotiation: SslNegotiation::Postgres, client: None }
}

/// A home folder with a root certificate, which is at another place too.
fn with_files() -> Environment {
    Environment::empty()
        .with_home("/home/me")
        .with_file("/home/me/.postgresql/root.crt", 0o644, ROOT)
        .with_file("/ca.pem", 0o644, ROOT)
}

fn host(address: Address, port: u16) -> Host {
    Host {
        address,
        hostaddr: None,
        port,
        password: Password::new("postgres"),
        password_source: PasswordSource::Default,
        by_record_alone: false,
        by_patroni_alone: false,
    }
}

fn tcp(name: &str, port: u16) -> Host {
    host(Address::Tcp(name.to_owned()), port)
}

fn unix(folder: &str, port: u16) -> Host {
    host(Address::Unix(folder.into()), port)
}

fn with_password(host: Host, password: &str, password_source: PasswordSource) -> Host {
    Host { password: Password::new(password), password_source, ..host }
}

fn said(origin: Origin) -> PasswordSource {
    PasswordSource::Said(origin)
}

fn dsn(text: &str) -> Explicit {
    Explicit { dsn: Some(text.to_owned()), ..Explicit::default() }
}

fn variables(variables: &[(&str, &str)]) -> Environment {
    let add = |environment: Environment, (name, value): &(&str, &str)| {
        environment.with_variable(name, *value)
    };
    variables.iter().fold(Environment::empty(), add)
}

/// The settings of something that gives no warning.
fn quietly(explicit: &Explicit, environment: &Environment) -> ConnectSettings {
    let Resolved { settings, warnings, .. } = resolve(explicit, environment).unwrap();
    assert_eq!(warnings, [], "warnings");
    settings
}

/// The whole chain of an error, as `main` prints it.
fn failure(explicit: &Explicit, environment: &Environment) -> String {
    let error = resolve(explicit, environment).unwrap_err();
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        words = format!("{words}: {error}");
        source = error.source();
    }
    words
}
