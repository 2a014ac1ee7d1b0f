//! What a step waits for: each within its time, and with words for what was the case instead.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::ear::Heard;
use super::player::{ASK_EVERY, Player};
use crate::model::scenario::step::{Until, Wait};

impl Player {
    /// Waits; an error is what was the case instead.
    pub(super) async fn wait(&mut self, wait: Wait) -> Result<(), String> {
        self.say(wait.to_string()).await;
        let before = *self.heard.borrow();
        let limit = wait.within;
        match wait.until {
            Until::Time => {
                tokio::time::sleep(limit).await;
                Ok(())
            }
            Until::Healthy => self.whole(limit).await,
            Until::Recovered => self.hear(limit, |heard| heard.recovered).await.map_err(|heard| {
                if heard.was_out { "still no write" } else { "writes never stopped" }.to_owned()
            }),
            Until::Outage => self
                .hear(limit, |heard| heard.was_out)
                .await
                .map_err(|_| "writes went on".to_owned()),
            // The first telling may be of writes from before.
            Until::Writable => self
                .hear(limit, |heard| heard.tellings >= before.tellings + 2)
                .await
                .map_err(|_| "no write".to_owned()),
            Until::Writes(count) => self
                .hear(limit, |heard| heard.acknowledged >= before.acknowledged + count)
                .await
                .map_err(|heard| {
                    format!("{} of them", heard.acknowledged.saturating_sub(before.acknowledged))
                }),
        }
    }

    async fn hear(
        &mut self,
        limit: Duration,
        holds: impl Fn(&Heard) -> bool + Send,
    ) -> Result<(), Heard> {
        let came = timeout(limit, self.heard.wait_for(|heard| holds(heard))).await;
        let holds = came.is_ok_and(|heard| heard.is_ok());
        if holds { Ok(()) } else { Err(*self.heard.borrow()) }
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
