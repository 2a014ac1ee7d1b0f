//! The HTTP calls that [`crate::patroni`] does not have: etcd's leader, and the servers that HAProxy
//! holds to be up.

use std::time::Duration;

use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

use crate::lab::error::{LabError, chain};

/// Short, as all members are on this machine. An etcd that starts accepts connections, and is
/// silent until it has joined the others.
const DEADLINE: Duration = Duration::from_millis(500);

/// More than any answer has.
const BYTES_MAX: usize = 1024 * 1024;

async fn answer(
    url: String,
    request: impl FnOnce(&Client, &str) -> RequestBuilder,
) -> Result<String, LabError> {
    let client = Client::builder().timeout(DEADLINE).no_proxy().pool_max_idle_per_host(0).build();
    let asked = async {
        let mut response = request(&client?, &url).send().await?.error_for_status()?;
        let mut body = Vec::new();
        // The answers have a few kilobytes: the rest of a longer one is not taken.
        while body.len() < BYTES_MAX
            && let Some(chunk) = response.chunk().await?
        {
            body.extend_from_slice(&chunk);
        }
        Ok(String::from_utf8_lossy(&body).into_owned())
    };
    asked
        .await
        .map_err(|error: reqwest::Error| LabError::Http { url: url.clone(), reason: chain(&error) })
}

/// Whether the etcd at this port leads the others.
pub(in crate::lab) async fn etcd_leads(port: u16) -> Result<bool, LabError> {
    let url = format!("http://127.0.0.1:{port}/v3/maintenance/status");
    let text = answer(url.clone(), |client, url| client.post(url).json(&json!({}))).await?;
    let status: Value = serde_json::from_str(&text)
        .map_err(|error| LabError::Http { url, reason: error.to_string() })?;
    // 64-bit numbers as text; no leader is 0, which is left out.
    let (own, leader) = (&status["header"]["member_id"], &status["leader"]);
    Ok(leader.is_string() && own == leader)
}

/// Whether the etcd with this peer port answers its peers.
pub(in crate::lab) async fn etcd_serves_peers(port: u16) -> bool {
    let url = format!("http://127.0.0.1:{port}/version");
    answer(url, |client, url| client.get(url)).await.is_ok()
}

/// How many servers HAProxy holds to be up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::lab) struct Pools {
    /// Servers behind the write port that are up.
    pub(in crate::lab) primary: usize,
    /// Servers behind the read port that are up.
    pub(in crate::lab) replicas: usize,
}

/// The servers that HAProxy, with its page at this port, holds to be up.
pub(in crate::lab) async fn pools(port: u16) -> Result<Pools, LabError> {
    let url = format!("http://127.0.0.1:{port}/;csv");
    answer(url, |client, url| client.get(url)).await.map(|text| count(&text))
}

/// Of HAProxy's table the name of the pool, of the server, and its state.
fn count(csv: &str) -> Pools {
    let up = |pool: &str| {
        let rows = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
        rows.filter(|row| {
            let is_server = row.get(1).is_some_and(|server| server.starts_with("patroni"));
            is_server
                && row.first() == Some(&pool)
                && row.get(17).is_some_and(|s| s.starts_with("UP"))
        })
        .count()
    };
    Pools { primary: up("primary"), replicas: up("replicas") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_that_are_up_are_counted_by_pool() {
        let row = |pool: &str, server: &str, state: &str| {
            format!("{pool},{server},{}{state},1", "0,".repeat(15))
        };
        let csv = [
            "# pxname,svname".to_owned(),
            row("primary", "FRONTEND", "OPEN"),
            row("primary", "patroni1", "UP"),
            row("primary", "patroni2", "DOWN 1/2"),
            row("primary", "BACKEND", "UP"),
            row("replicas", "patroni2", "UP 1/2"),
            row("replicas", "patroni3", "UP"),
        ];
        assert_eq!(count(&csv.join("\n")), Pools { primary: 1, replicas: 2 });
    }
}
