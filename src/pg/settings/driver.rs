//! The settings in the driver's words.

use std::net::IpAddr;

use tokio_postgres::Config;
use tokio_postgres::config::{SslMode as DriverSslMode, SslNegotiation};

use super::types::{ConnectSettings, Host};

/// The name of a session that belongs to no run.
const APPLICATION_NAME: &str = "pgchaos";

impl ConnectSettings {
    /// The configuration for `connect_raw` on an open socket to this host, at this address or by a Unix socket: what is
    /// sent on it, not how to reach it.
    ///
    /// Timeout, keepalive and the kind of session wanted are the caller's. What counts for TLS is what the socket is,
    /// not what was asked for: over a socket that is secured already the driver believes that it has just begun TLS,
    /// so that it binds the login to it.
    #[must_use]
    pub fn to_driver_config(&self, host: &Host, at: Option<IpAddr>, is_secured: bool) -> Config {
        let mut config = Config::new();
        config
            .user(&self.user)
            .dbname(&self.dbname)
            .application_name(self.application_name.as_deref().unwrap_or(APPLICATION_NAME))
            .channel_binding(self.channel_binding);
        if let Some(password) = host.password_at(at) {
            config.password(password.as_bytes());
        }
        if let Some(options) = &self.options {
            config.options(options);
        }
        if is_secured {
            config.ssl_mode(DriverSslMode::Require).ssl_negotiation(SslNegotiation::Direct);
        } else {
            config.ssl_mode(DriverSslMode::Disable).ssl_negotiation(SslNegotiation::Postgres);
        }
        config
    }
}
