//! Parses a connection string, in either form, into its options.
//!
//! `tokio_postgres::Config` reads only the options that it knows, not `service`, `passfile`, `sslrootcert`,
//! `verify-full`, …, so all pairs must be found here anyway. Parsed once by libpq's rules, they can be layered with
//! those of service file and environment. A test compares the two parsers.

use std::collections::HashSet;

use super::dsn_error::DsnError;
use super::error::{Origin, SettingsError};
use super::pair::Pair;
use super::{key_value, keyword, uri};

/// Longer than any connection string that a person writes.
const DSN_BYTES_MAX: usize = 64 * 1024;
/// Long enough for every option's name.
const NAME_CHARS_MAX: usize = 40;

/// Whether a text is a connection string rather than the name of a database, by libpq's rule.
pub(super) fn is_connection_string(text: &str) -> bool {
    text.contains('=') || text.contains("://")
}

/// The name of a database, given in a connection string's place.
pub(super) fn database_name(text: &str) -> Result<&str, DsnError> {
    match text.contains('@') && text.contains([':', '/']) {
        true => Err(DsnError::NoScheme),
        false => Ok(text),
    }
}

/// The options in a connection string; of an option that is given twice the last, as in libpq.
pub(super) fn parse(text: &str) -> Result<Vec<(&'static str, String)>, SettingsError> {
    let mut options: Vec<(&'static str, String)> = Vec::new();
    for pair in pairs(text)? {
        let Some(known) = keyword::find(&pair.name) else {
            return Err(unknown_option(&pair));
        };
        options.retain(|(name, _)| *name != known.name);
        options.push((known.name, pair.value));
    }
    Ok(options)
}

/// The hosts that a connection string names, each alone and with its port; none where it cannot be read.
#[must_use]
pub fn hosts_named(text: &str) -> HashSet<String> {
    let Ok(options) = parse(text) else { return HashSet::new() };
    let list = |keyword: &str| -> Vec<&str> {
        let said = options.iter().find(|(name, _)| *name == keyword);
        said.map(|(_, value)| value.split(',').collect()).unwrap_or_default()
    };
    let ports = list("port");
    let mut named = HashSet::new();
    for hosts in [list("host"), list("hostaddr")] {
        for (nth, host) in hosts.into_iter().enumerate() {
            named.insert(host.to_owned());
            let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
            // One port is that of all hosts; else each has its own.
            let port = if ports.len() == 1 { ports.first() } else { ports.get(nth) };
            named.extend(port.map(|port| format!("{host}:{port}")));
            named.insert(host);
        }
    }
    named
}

pub(super) fn pairs(text: &str) -> Result<Vec<Pair>, DsnError> {
    if text.len() > DSN_BYTES_MAX {
        return Err(DsnError::TooLong);
    }
    for scheme in ["postgresql://", "postgres://"] {
        if let Some(rest) = text.strip_prefix(scheme) {
            return uri::parse(rest);
        }
    }
    // Only before the first "=" can it be a scheme; after that it is part of a value.
    let before_equals = text.split('=').next().unwrap_or_default();
    if before_equals.contains("://") {
        return Err(DsnError::Scheme);
    }
    key_value::parse(text)
}

fn unknown_option(pair: &Pair) -> SettingsError {
    let like_a_name = pair.name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    let short = pair.name.chars().count() <= NAME_CHARS_MAX;
    let name = (pair.showable && like_a_name && short).then(|| pair.name.clone());
    SettingsError::UnknownOption {
        suggestion: name.as_deref().and_then(keyword::suggest),
        name,
        origin: Origin::ConnectionString,
    }
}
