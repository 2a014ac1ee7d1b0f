//! Where writes go, as record and reports have it: without any secret.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use crate::model::foreign::{NAME_CHARS_MAX, name, shortened};

/// How much is said of many hosts.
pub const PLACES_CHARS_MAX: usize = 300;

/// Where the writes go, as the user named it. Never has a password.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Host names or addresses, separated by commas when there are several.
    pub host: String,
    /// The address of each that is dialled in place of its name (`hostaddr`), where any was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostaddr: Option<String>,
    /// The first host's port.
    pub port: u16,
    /// Every host with its port, as shown to people.
    pub endpoints: String,
    /// The database.
    pub dbname: String,
    /// The role.
    pub user: String,
    /// How its connections are secured: libpq's options of TLS by their names, those that were given and the mode; files
    /// by their whole paths, and no secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "read_tls")]
    pub tls: BTreeMap<String, String>,
    /// Which of several hosts is wanted (`target_session_attrs`), where that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_session_attrs: Option<String>,
    /// Whether they are tried in random order (`load_balance_hosts`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub random_hosts: bool,
    /// Options that were given as well, by their names: what they were set to no record has.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "read_names")]
    pub unrecorded: Vec<String>,
}

/// A connection has few of them.
const UNRECORDED_MAX: usize = 16;

fn read_names<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let names = Vec::<String>::deserialize(from)?;
    Ok(names.iter().take(UNRECORDED_MAX).map(|text| name(text)).collect())
}

/// The options of TLS that a record may have.
const TLS_OPTIONS: [&str; 12] = [
    "channel_binding",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcert",
    "sslcertmode",
    "sslcrl",
    "sslcrldir",
    "sslkey",
    "sslmode",
    "sslnegotiation",
    "sslrootcert",
    "sslsni",
];

/// Whether a record may have this option of TLS: it is one, and no secret.
#[must_use]
pub fn is_tls_option(name: &str) -> bool {
    TLS_OPTIONS.contains(&name)
}

/// A record may come from anywhere: another option in its place could lead a connection elsewhere.
fn read_tls<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, String>, D::Error> {
    let mut tls = BTreeMap::<String, String>::deserialize(from)?;
    tls.retain(|name, _| is_tls_option(name));
    Ok(tls)
}

impl Target {
    /// As a connection string, which may be typed where one is taken.
    #[must_use]
    pub fn connection_string(&self) -> String {
        let ports = ports(&self.endpoints, self.port);
        let words = [("host", self.host.as_str()), ("port", &ports), ("user", &self.user)];
        let words = words.into_iter().chain([("dbname", self.dbname.as_str())]);
        connection_string(words.chain(self.options()))
    }

    /// What is said of the connection beside host, port, role and database.
    pub fn options(&self) -> impl Iterator<Item = (&str, &str)> {
        let hostaddr = self.hostaddr.as_deref().map(|addresses| ("hostaddr", addresses));
        let attrs = self.target_session_attrs.as_deref();
        let attrs = attrs.map(|attrs| ("target_session_attrs", attrs));
        let random = self.random_hosts.then_some(("load_balance_hosts", "random"));
        let tls = self.tls.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        hostaddr.into_iter().chain(tls).chain(attrs).chain(random)
    }

    /// With each text no longer than a report has it.
    #[must_use]
    pub fn shortened(&self) -> Self {
        let places = |text: &String| shortened(text, PLACES_CHARS_MAX);
        Self {
            host: places(&self.host),
            hostaddr: self.hostaddr.as_ref().map(places),
            endpoints: places(&self.endpoints),
            dbname: shortened(&self.dbname, NAME_CHARS_MAX),
            user: shortened(&self.user, NAME_CHARS_MAX),
            target_session_attrs: self.target_session_attrs.as_ref().map(places),
            ..self.clone()
        }
    }

    /// Whether any text of it is only the beginning of what was said.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        let texts = [&self.host, &self.endpoints, &self.dbname, &self.user];
        texts.into_iter().chain(&self.hostaddr).any(|text| text.ends_with('…'))
    }
}

/// The ports of these endpoints, as an option takes them: one where all have the same.
#[must_use]
pub fn ports(endpoints: &str, first: u16) -> String {
    let ports: Option<Vec<&str>> =
        endpoints.split(',').map(|one| Some(one.rsplit_once(':')?.1)).collect();
    let ports = ports.filter(|ports| ports.windows(2).any(|pair| pair[0] != pair[1]));
    ports.map_or_else(|| first.to_string(), |ports| ports.join(","))
}

/// Options and their values as a connection string.
pub fn connection_string<'a>(words: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    words.map(|(keyword, value)| assigned(keyword, value)).collect::<Vec<_>>().join(" ")
}

/// A word of a connection string: `dbname=app`, with its value in quotes where it needs them.
fn assigned(keyword: &str, value: &str) -> String {
    // A comma is none of these: a list of members is split at it.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:".contains(c);
    if !value.is_empty() && value.chars().all(is_plain) {
        return format!("{keyword}={value}");
    }
    format!("{keyword}={}", quoted_value(value))
}

/// A value of a connection string, in quotes: whatever is in it, it is a value.
#[must_use]
pub fn quoted_value(value: &str) -> String {
    format!("'{}'", value.replace('\\', r"\\").replace('\'', r"\'"))
}
