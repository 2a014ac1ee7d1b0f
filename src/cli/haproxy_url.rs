//! HAProxy's page on the command line.

use crate::haproxy::HaproxyUrl;

/// The URL of HAProxy's page.
///
/// # Errors
/// Words that say what is wrong, without the password.
pub fn haproxy_url(text: &str) -> Result<HaproxyUrl, String> {
    HaproxyUrl::read(text).map_err(|error| error.to_string())
}
