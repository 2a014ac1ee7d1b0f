//! How a connection is secured, as libpq's variables and options: for programs that are to connect alike, and for a
//! later verification of the run.

use std::path::Path;

use super::keyword::{KEYWORDS, Keyword};
use super::layers::Layers;
use super::ssl_mode::SslMode;

/// Every option of TLS that pgchaos acts on, with its value: the one that was given, else libpq's own default, so that
/// a variable of this process is not taken for one of a connection that it was not read for.
///
/// A passphrase is not among them: pgchaos uses none.
pub(super) fn of(layers: &Layers, sslmode: SslMode) -> Vec<(&'static str, String)> {
    let of_option = |keyword: &'static Keyword| {
        let variable = keyword.variable.filter(|_| keyword.is_of_tls())?;
        let given = || layers.get_even_empty(keyword.name).map(|given| given.value.clone());
        let value = match keyword.name {
            // Other options have their say in the mode.
            "sslmode" => sslmode.name().to_owned(),
            name => given().unwrap_or_else(|| libpq_default(name).to_owned()),
        };
        Some((variable, value))
    };
    KEYWORDS.iter().filter_map(of_option).collect()
}

/// The options of TLS that were given, and the mode that they come to, for the record of a run: files by their whole
/// paths, and no passphrase.
pub(super) fn recorded(layers: &Layers, sslmode: SslMode) -> Vec<(&'static str, String)> {
    let of_option = |keyword: &'static Keyword| {
        if keyword.name == "sslmode" {
            return (sslmode != SslMode::Prefer).then(|| ("sslmode", sslmode.name().to_owned()));
        }
        let value = layers.get(keyword.name)?.value.clone();
        let is_file = FILES.contains(&keyword.name) && value != "system";
        let whole = is_file.then(|| std::path::absolute(Path::new(&value)).ok()).flatten();
        let whole = whole.and_then(|path| path.into_os_string().into_string().ok());
        Some((keyword.name, whole.unwrap_or(value)))
    };
    KEYWORDS.iter().filter(|keyword| keyword.is_of_tls()).filter_map(of_option).collect()
}

/// Options that name a file or a folder.
const FILES: [&str; 5] = ["sslrootcert", "sslcert", "sslkey", "sslcrl", "sslcrldir"];

/// Of a file, and of the highest version, it is empty: the file of the user's folder, and no limit.
fn libpq_default(name: &str) -> &'static str {
    match name {
        "channel_binding" => "prefer",
        "sslnegotiation" => "postgres",
        "sslcertmode" => "allow",
        "sslsni" => "1",
        "ssl_min_protocol_version" => "TLSv1.2",
        _ => "",
    }
}
