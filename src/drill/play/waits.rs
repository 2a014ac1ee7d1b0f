//! The conditions that a step can wait for. Each has its limit, and words for what was the case
//! instead.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::drill::cluster::DrillCluster;
use crate::model::run::totals::Totals;
use crate::model::scenario::step::{Until, Wait};

/// How often a cluster is asked.
pub(super) const ASK_EVERY: Duration = Duration::from_millis(300);

/// Waits until the condition holds.
///
/// # Errors
/// What was the case instead, in words.
pub(super) async fn wait_until<C: DrillCluster>(
    wait: Wait,
    cluster: &C,
    totals: &mut watch::Receiver<Totals>,
) -> Result<(), String> {
    let before = *totals.borrow();
    let limit = wait.within;
    match wait.until {
        Until::Time => {
            sleep(limit).await;
            Ok(())
        }
        Until::Healthy => whole(cluster, limit).await,
        Until::Recovered => reached(totals, limit, |now| now.recovered).await.map_err(|now| {
            if now.was_out { "still no write" } else { "writes never stopped" }.to_owned()
        }),
        Until::Outage => {
            reached(totals, limit, |now| now.was_out).await.map_err(|_| "writes went on".to_owned())
        }
        // The first interval may have writes from before.
        Until::Writable => reached(totals, limit, |now| {
            now.acknowledging_intervals >= before.acknowledging_intervals + 2
        })
        .await
        .map_err(|_| "no write".to_owned()),
        Until::Writes(count) => {
            let wanted = before.acknowledged + count;
            reached(totals, limit, |now| now.acknowledged >= wanted).await.map_err(|now| {
                format!("{} of them", now.acknowledged.saturating_sub(before.acknowledged))
            })
        }
    }
}

/// Waits for the load; an error is how far it came.
async fn reached(
    totals: &mut watch::Receiver<Totals>,
    limit: Duration,
    holds: impl Fn(&Totals) -> bool + Send,
) -> Result<(), Totals> {
    let waited = timeout(limit, totals.wait_for(|now| holds(now))).await;
    let holds = waited.is_ok_and(|now| now.is_ok());
    if holds { Ok(()) } else { Err(*totals.borrow()) }
}

async fn whole<C: DrillCluster>(cluster: &C, limit: Duration) -> Result<(), String> {
    let end = Instant::now() + limit;
    loop {
        match cluster.whole().await {
            Ok(_) => return Ok(()),
            Err(missing) if Instant::now() >= end => return Err(missing.to_string()),
            Err(_) => sleep(ASK_EVERY).await,
        }
    }
}
