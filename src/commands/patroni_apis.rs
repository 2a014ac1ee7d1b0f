//! The Patroni APIs of a command, by the trust of its connection where they are asked by https.

use super::problem::Problem;
use crate::engine::watch::patroni::DEADLINE;
use crate::patroni::PatroniApi;
use crate::pg::settings::{Environment, Explicit, https_client};

/// The APIs at these URLs, each once. For `https` the connection says which authority is trusted, and which
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
    let mut apis: Vec<PatroniApi> = Vec::with_capacity(urls.len());
    for url in urls {
        let api = api(url).map_err(|error| Problem::usage(error.to_string()))?;
        // A member that is given twice would be asked twice at once.
        if apis.iter().all(|one| one.url() != api.url()) {
            apis.push(api);
        }
    }
    Ok(apis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_that_is_given_twice_is_asked_once() {
        let urls = ["node1:8008", "http://node2:8008", "http://node1:8008/"].map(str::to_owned);
        let apis = patroni_apis(&urls, &Explicit::default()).unwrap();
        let urls: Vec<&str> = apis.iter().map(PatroniApi::url).collect();
        assert_eq!(urls, ["http://node1:8008", "http://node2:8008"]);
    }
}
