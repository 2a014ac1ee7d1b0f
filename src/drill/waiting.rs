//! What a step waits for: each within its time, and with words for what was the case instead.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::player::{ASK_EVERY, Player};
use crate::model::run::totals::Totals;
use crate::model::scenario::step::{Until, Wait};

impl Player {
    /// Waits; an error is what was the case instead.
    pub(super) async fn wait(&mut self, wait: Wait) -> Result<(), String> {
        self.say(wait.to_string()).await;
        let before = *self.totals.borrow();
        let limit = wait.within;
        match wait.until {
            Until::Time => {
                tokio::time::sleep(limit).await;
                Ok(())
            }
            Until::Healthy => self.whole(limit).await,
            Until::Recovered => {
                self.until(limit, |totals| totals.recovered).await.map_err(|totals| {
                    if totals.was_out { "still no write" } else { "writes never stopped" }
                        .to_owned()
                })
            }
            Until::Outage => self
                .until(limit, |totals| totals.was_out)
                .await
                .map_err(|_| "writes went on".to_owned()),
            // The first telling may be of writes from before.
            Until::Writable => self
                .until(limit, |totals| {
                    totals.acknowledging_intervals >= before.acknowledging_intervals + 2
                })
                .await
                .map_err(|_| "no write".to_owned()),
            Until::Writes(count) => self
                .until(limit, |totals| totals.acknowledged >= before.acknowledged + count)
                .await
                .map_err(|totals| {
                    format!("{} of them", totals.acknowledged.saturating_sub(before.acknowledged))
                }),
        }
    }

    async fn until(
        &mut self,
        limit: Duration,
        holds: impl Fn(&Totals) -> bool + Send,
    ) -> Result<(), Totals> {
        let came = timeout(limit, self.totals.wait_for(|totals| holds(totals))).await;
        let holds = came.is_ok_and(|totals| totals.is_ok());
        if holds { Ok(()) } else { Err(*self.totals.borrow()) }
    }

    async fn whole(&self, limit: Duration) -> Result<(), String> {
        let end = Instant::now() + limit;
        loop {
            match self.backend.whole().await {
                Ok(_) => return Ok(()),
                Err(missing) if Instant::now() >= end => return Err(missing),
                Err(_) => tokio::time::sleep(ASK_EVERY).await,
            }
        }
    }
}
