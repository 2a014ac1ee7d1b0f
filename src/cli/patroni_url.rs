//! A member of Patroni's on the command line.

use crate::patroni::api::base_of;

/// The URL of a Patroni API, as [`PatroniApi::url`](crate::patroni::PatroniApi::url) gives it.
///
/// # Errors
/// Words that say what is wrong.
pub fn patroni_url(text: &str) -> Result<String, String> {
    base_of(text).map_err(|error| error.to_string())
}
