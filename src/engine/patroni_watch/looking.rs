//! One member, looked at again and again.

use std::time::Duration;

use tokio::sync::mpsc;

use crate::engine::clock::Clock;
use crate::model::event::ApiReached;
use crate::model::leadership::{Answer, Look, Status};
use crate::patroni::{MemberStatus, PatroniApi, PatroniError, Role};

/// How often, which is how exactly a change is known.
const EVERY: Duration = Duration::from_millis(250);

/// Answers missing in a row before that is told: one can come late on a busy machine.
const SILENT_BEFORE_TOLD: u32 = 2;

/// Looks at one member.
pub(super) struct Looker {
    /// Its name, or its URL where it has none.
    pub(super) key: String,
    pub(super) name: Option<String>,
    pub(super) api: PatroniApi,
    pub(super) clock: Clock,
    pub(super) looks: mpsc::Sender<Looked>,
}

/// A look, and what there is to tell of the API itself.
pub(super) struct Looked {
    pub(super) key: String,
    pub(super) look: Look,
    pub(super) reached: Option<ApiReached>,
}

impl Looker {
    /// Looks until nobody takes what it sees.
    pub(super) async fn run(self) {
        let (mut silent, mut told) = (0, false);
        loop {
            let asked = self.clock.now();
            let result = self.api.look().await;
            let at = self.clock.now();
            silent = match &result {
                Err(error) if !error.is_gone() => silent + 1,
                _ => 0,
            };
            let reached = match &result {
                Err(error) if !told && (error.is_gone() || silent >= SILENT_BEFORE_TOLD) => {
                    told = true;
                    Some(self.reached(Some(error.reason())))
                }
                Ok(_) if told => {
                    told = false;
                    Some(self.reached(None))
                }
                _ => None,
            };
            let look = Look { asked, at, answer: answer(result) };
            let looked = Looked { key: self.key.clone(), look, reached };
            if self.looks.send(looked).await.is_err() {
                return;
            }
            tokio::time::sleep_until(self.clock.instant(asked + EVERY)).await;
        }
    }

    fn reached(&self, error: Option<String>) -> ApiReached {
        let (member, url) = (self.name.clone(), self.api.url().to_owned());
        ApiReached { member, url, error, watched: true }
    }
}

fn answer(result: Result<(bool, MemberStatus), PatroniError>) -> Answer {
    match result {
        Ok((leads, status)) => Answer::Status(Status {
            leads,
            replica: status.role == Role::Replica,
            demoted: status.role.is_demoted(),
            state: status.state,
            timeline: status.timeline,
            unlocked: status.cluster_unlocked,
        }),
        Err(error) if error.is_gone() => Answer::Gone,
        Err(_) => Answer::Silent,
    }
}
