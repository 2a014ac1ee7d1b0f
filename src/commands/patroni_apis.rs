//! The Patroni APIs of a command, by the trust of its connection where they are asked by https.

use super::problem::Problem;
use crate::engine::watch::patroni::DEADLINE;
use crate::patroni::PatroniApi;
use crate::pg::settings::{Environment, Explicit, https_client};

/// The APIs at these URLs. For `https` the connection says which authority is trusted, and which
/// certificate the client shows: see [`https_client`].
///
/// # Errors
/// A usage problem.
pub(super) fn patroni_apis(
    urls: &[String],
    connection: &Explicit,
) -> Result<Vec<PatroniApi>, Problem> {
    let is_secured = urls.iter().any(|url| url.starts_with("https://"));
    let tls = match is_secured {
        true => Some(https_client(connection, &Environment::of_process())?),
        false => None,
    };
    let api = |url: &String| PatroniApi::secured(url, DEADLINE, tls.clone());
    let apis: Result<Vec<_>, _> = urls.iter().map(api).collect();
    apis.map_err(|error| Problem::usage(error.to_string()))
}
