//! Waiting until a cluster is whole: before anything is broken, and after all is mended.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::DrillCluster;
use super::error::ClusterError;

/// Between two looks.
const EVERY: Duration = Duration::from_millis(500);

/// Between two lines about what is missing.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// Waits until the cluster is whole and all of its members run; `told` gets a line now and then
/// about what is missing. Returns the leader, in words, where it is known.
///
/// # Errors
/// What was missing at the end of `within`.
pub async fn wait_until_whole<C: DrillCluster>(
    cluster: &C,
    within: Duration,
    told: &mut (dyn FnMut(String) + Send),
) -> Result<Option<String>, ClusterError> {
    let end = Instant::now() + within;
    let mut tell_next = Instant::now() + TOLD_EVERY;
    loop {
        let missing = match whole_and_running(cluster).await {
            Ok(leader) => return Ok(leader),
            Err(missing) => missing,
        };
        let now = Instant::now();
        if now >= end {
            return Err(missing);
        }
        if now >= tell_next {
            told(format!("not whole yet: {missing}"));
            tell_next = now + TOLD_EVERY;
        }
        sleep(EVERY).await;
    }
}

/// All members must run, also those without PostgreSQL: where one etcd is gone already, a drill
/// that stops another one would break more than it says.
async fn whole_and_running<C: DrillCluster>(cluster: &C) -> Result<Option<String>, ClusterError> {
    let not_running = cluster.not_running().await?;
    if !not_running.is_empty() {
        return Err(ClusterError::NotRunning(not_running));
    }
    cluster.whole().await
}
