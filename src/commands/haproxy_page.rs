//! HAProxy's page of a command, by the trust of its connection where it is asked by https.

use super::problem::Problem;
use crate::engine::watch::haproxy::DEADLINE;
use crate::haproxy::{HaproxyPage, HaproxyUrl};
use crate::pg::settings::{Environment, Explicit, https_client};

/// The page at this URL. For `https` the connection says which authority is trusted, and which
/// certificate the client shows: see [`https_client`].
///
/// # Errors
/// A usage problem.
pub(super) fn haproxy_page(
    url: Option<&HaproxyUrl>,
    connection: &Explicit,
) -> Result<Option<HaproxyPage>, Problem> {
    let Some(url) = url else { return Ok(None) };
    let tls = match url.is_https() {
        true => Some(https_client(connection, &Environment::of_process())?),
        false => None,
    };
    let page = HaproxyPage::new(url.clone(), DEADLINE, tls);
    page.map(Some).map_err(|error| Problem::usage(error.to_string()))
}
