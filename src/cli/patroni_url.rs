//! A member of Patroni's on the command line.

use crate::engine::watch::patroni::DEADLINE;
use crate::patroni::PatroniApi;

/// The URL of a Patroni API.
///
/// # Errors
/// Words that say what is wrong.
pub fn patroni_api(text: &str) -> Result<PatroniApi, String> {
    PatroniApi::new(text, DEADLINE).map_err(|error| error.to_string())
}
