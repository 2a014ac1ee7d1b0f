//! libpq's connection options (PostgreSQL 18 and before): name, environment variable, and what pgchaos does with it.

/// One option.
#[derive(Debug)]
pub(super) struct Keyword {
    pub(super) name: &'static str,
    pub(super) variable: Option<&'static str>,
    pub(super) treatment: Treatment,
}

impl Keyword {
    /// Whether it is an option of TLS, and pgchaos acts on it.
    pub(super) fn is_of_tls(&self) -> bool {
        let is_named_so = self.name.starts_with("ssl") || self.name == "channel_binding";
        is_named_so && matches!(self.treatment, Used)
    }
}

/// Whether libpq has an option of this name.
#[must_use]
pub fn is_option(name: &str) -> bool {
    find(name).is_some()
}

/// What pgchaos does with an option.
#[derive(Debug)]
pub(super) enum Treatment {
    /// pgchaos acts on it.
    Used,
    /// It changes nothing that pgchaos does.
    Harmless,
    /// Only these values (any case) are what pgchaos does anyway; for others a warning with this reason.
    WarnUnless(&'static [&'static str], &'static str),
    /// Only these values (any case) are what pgchaos does anyway; others are refused for this reason.
    RefuseUnless(&'static [&'static str], &'static str),
}

use Treatment::{Harmless, RefuseUnless, Used, WarnUnless};

const SCRAM_KEY: Treatment = RefuseUnless(&[], "give the password instead");
const OAUTH: Treatment = WarnUnless(&[], "pgchaos does not authenticate by OAuth");

const fn option(name: &'static str, variable: &'static str, treatment: Treatment) -> Keyword {
    let variable = if variable.is_empty() { None } else { Some(variable) };
    Keyword { name, variable, treatment }
}

/// Every option, in the order of PostgreSQL's documentation.
#[rustfmt::skip]
pub(super) static KEYWORDS: &[Keyword] = &[
    option("host", "PGHOST", Used),
    option("hostaddr", "PGHOSTADDR", Used),
    option("port", "PGPORT", Used),
    option("dbname", "PGDATABASE", Used),
    option("user", "PGUSER", Used),
    option("password", "PGPASSWORD", Used),
    option("passfile", "PGPASSFILE", Used),
    option("require_auth", "PGREQUIREAUTH", RefuseUnless(&[], "pgchaos cannot demand a method of authentication; remove it")),
    option("channel_binding", "PGCHANNELBINDING", Used),
    option("connect_timeout", "PGCONNECT_TIMEOUT", Used),
    option("client_encoding", "PGCLIENTENCODING", WarnUnless(&["utf8", "utf-8", "unicode", "auto"], "pgchaos always speaks UTF-8")),
    option("options", "PGOPTIONS", Used),
    option("application_name", "PGAPPNAME", Used),
    option("fallback_application_name", "", Used),
    option("keepalives", "", Used),
    option("keepalives_idle", "", Used),
    option("keepalives_interval", "", Used),
    option("keepalives_count", "", Used),
    option("tcp_user_timeout", "", Used),
    option("replication", "", RefuseUnless(&["false", "off", "no", "0"], "a replication connection cannot write; remove it")),
    option("gssencmode", "PGGSSENCMODE", RefuseUnless(&["disable", "prefer"], "pgchaos does not encrypt by GSSAPI; use sslmode")),
    option("sslmode", "PGSSLMODE", Used),
    option("requiressl", "", RefuseUnless(&["0"], "use sslmode=require")),
    option("sslnegotiation", "PGSSLNEGOTIATION", Used),
    option("sslcompression", "PGSSLCOMPRESSION", Harmless),
    option("sslcert", "PGSSLCERT", Used),
    option("sslkey", "PGSSLKEY", Used),
    option("sslkeylogfile", "", WarnUnless(&[], "pgchaos writes no TLS keys")),
    option("sslpassword", "", Harmless),
    option("sslcertmode", "PGSSLCERTMODE", Used),
    option("sslrootcert", "PGSSLROOTCERT", Used),
    option("sslcrl", "PGSSLCRL", Used),
    option("sslcrldir", "PGSSLCRLDIR", Used),
    option("sslsni", "PGSSLSNI", Used),
    option("requirepeer", "PGREQUIREPEER", RefuseUnless(&[], "pgchaos does not check who owns the socket; remove it")),
    option("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION", Used),
    option("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION", Used),
    option("min_protocol_version", "PGMINPROTOCOLVERSION", RefuseUnless(&["3.0"], "pgchaos speaks protocol version 3.0")),
    option("max_protocol_version", "PGMAXPROTOCOLVERSION", Harmless),
    option("krbsrvname", "PGKRBSRVNAME", Harmless),
    option("gsslib", "PGGSSLIB", Harmless),
    option("gssdelegation", "PGGSSDELEGATION", Harmless),
    option("scram_client_key", "", SCRAM_KEY),
    option("scram_server_key", "", SCRAM_KEY),
    option("service", "PGSERVICE", Used),
    option("servicefile", "PGSERVICEFILE", Used),
    option("target_session_attrs", "PGTARGETSESSIONATTRS", Used),
    option("load_balance_hosts", "PGLOADBALANCEHOSTS", Used),
    option("oauth_issuer", "", OAUTH),
    option("oauth_client_id", "", OAUTH),
    option("oauth_client_secret", "", OAUTH),
    option("oauth_scope", "", OAUTH),
];

/// What other tools call an option.
const OTHER_NAMES: [(&str, &str); 10] = [
    ("username", "user"),
    ("login", "user"),
    ("database", "dbname"),
    ("db", "dbname"),
    ("pass", "password"),
    ("pwd", "password"),
    ("server", "host"),
    ("timeout", "connect_timeout"),
    ("keepalives_retries", "keepalives_count"),
    ("ssl", "sslmode"),
];

/// The option of this name; libpq's names are lower case only.
pub(super) fn find(name: &str) -> Option<&'static Keyword> {
    KEYWORDS.iter().find(|keyword| keyword.name == name)
}

/// The option that was probably meant.
pub(super) fn suggest(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase().replace('-', "_");
    if let Some((_, meant)) = OTHER_NAMES.iter().find(|(other, _)| *other == name) {
        return Some(meant);
    }
    let close_enough = name.chars().count().min(6) / 3;
    KEYWORDS
        .iter()
        .map(|keyword| (edits(&name, keyword.name), keyword.name))
        .filter(|(edits, _)| *edits <= close_enough)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, name)| name)
}

/// How many letters must be inserted, removed, replaced or swapped with their neighbour to get from one to the other.
fn edits(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().collect();
    let to: Vec<char> = to.chars().collect();
    let mut rows = vec![(0..=to.len()).collect::<Vec<usize>>()];
    for i in 1..=from.len() {
        let mut row = vec![i];
        for j in 1..=to.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(from[i - 1] != to[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}
