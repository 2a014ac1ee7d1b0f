//! How a connection is secured, as libpq's variables: for programs that are to connect alike.

use super::keyword::{KEYWORDS, Keyword, Treatment};
use super::layers::Layers;
use super::ssl_mode::SslMode;

/// Every option of TLS that pgchaos acts on, with its value: the one that was given, else libpq's own default, so that
/// a variable of this process is not taken for one of a connection that it was not read for.
///
/// A passphrase is not among them: pgchaos uses none.
pub(super) fn of(layers: &Layers, sslmode: SslMode) -> Vec<(&'static str, String)> {
    let of_option = |keyword: &'static Keyword| {
        let variable = keyword.variable.filter(|_| is_of_tls(keyword))?;
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

fn is_of_tls(keyword: &Keyword) -> bool {
    let is_named_so = keyword.name.starts_with("ssl") || keyword.name == "channel_binding";
    is_named_so && matches!(keyword.treatment, Treatment::Used)
}

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
