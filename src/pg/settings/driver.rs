//! The settings in the driver's words.

use std::net::IpAddr;

use tokio_postgres::Config;
use tokio_postgres::config::{SslMode as DriverSslMode, SslNegotiation};

use super::tls::SslMode;
use super::types::{Address, ConnectSettings, Host};

/// The name of a session that belongs to no run.
const APPLICATION_NAME: &str = "pgchaos";

impl ConnectSettings {
    /// The configuration for `connect_raw` on an open socket to this host, at this address or by a Unix socket: what is
    /// sent on it, not how to reach it.
    ///
    /// Timeout, keepalive and the kind of session wanted are the caller's. The driver verifies no certificate:
    /// [`ConnectSettings::certificate_check`] is for the TLS connector. So every mode that demands TLS is `Require` to
    /// the driver.
    #[must_use]
    pub fn to_driver_config(&self, host: &Host, at: Option<IpAddr>) -> Config {
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
        match host.address {
            // The server offers no TLS over a Unix socket.
            Address::Unix(_) => {
                config.ssl_mode(DriverSslMode::Disable).ssl_negotiation(SslNegotiation::Postgres)
            }
            Address::Tcp(_) => {
                config.ssl_mode(driver_ssl_mode(self.sslmode)).ssl_negotiation(self.sslnegotiation)
            }
        };
        config
    }
}

fn driver_ssl_mode(mode: SslMode) -> DriverSslMode {
    match mode {
        SslMode::Disable => DriverSslMode::Disable,
        SslMode::Allow | SslMode::Prefer => DriverSslMode::Prefer,
        SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => DriverSslMode::Require,
    }
}
