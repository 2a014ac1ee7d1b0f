//! One member, looked at again and again.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;

use crate::engine::clock::Clock;
use crate::engine::watch::told_reason::ToldReason;
use crate::model::cluster::leadership::{KeyWord, Look, LookAnswer, MemberRole, Status};
use crate::model::cluster::member_states::SILENT_BEFORE_TOLD;
use crate::model::cluster::software::MemberSoftware;
use crate::model::event::ApiReached;
use crate::patroni::{MemberStatus, PatroniApi, Role};

/// How often, which is how exactly a change is known.
const EVERY: Duration = Duration::from_millis(100);

/// Looks at one member.
pub(super) struct Looker {
    /// Its name, or its URL where it has none.
    pub(super) key: String,
    pub(super) name: Option<String>,
    pub(super) api: PatroniApi,
    pub(super) clock: Clock,
    pub(super) looks: mpsc::Sender<Looked>,
    /// It was told that it does not answer, or where it was before: that it does is told then.
    pub(super) told: bool,
}

/// A look, and what there is to tell of the API itself.
pub(super) struct Looked {
    pub(super) key: String,
    pub(super) look: Look,
    pub(super) reached: Option<ApiReached>,
    /// What the member runs, where it answered.
    pub(super) software: Option<MemberSoftware>,
    /// When its postmaster started, where it told that.
    pub(super) start: Option<DateTime<Utc>>,
}

/// A look that brought no word of this member's.
struct LookFailed {
    reason: String,
    gone: bool,
}

impl Looker {
    /// Looks until the receiver of its looks is gone.
    pub(super) async fn run(self) {
        let (mut silent, mut told) = (0, ToldReason::told_before(self.told));
        loop {
            let asked = self.clock.now();
            let result = self.look().await;
            let at = self.clock.now();
            silent = match &result {
                Err(failed) if !failed.gone => silent + 1,
                _ => 0,
            };
            let reached = match &result {
                Err(failed) => {
                    let is_certain = failed.gone || silent >= SILENT_BEFORE_TOLD;
                    let is_told = told.cannot_be_asked(&failed.reason, is_certain);
                    is_told.then(|| self.reached(Some(failed.reason.clone())))
                }
                Ok(_) => told.answers().then(|| self.reached(None)),
            };
            let software = result.as_ref().ok().map(|(_, status)| self.software(status));
            let start = result.as_ref().ok().and_then(|(_, status)| status.postmaster_start_time);
            let look = Look { asked, at, answer: answer(result) };
            let looked = Looked { key: self.key.clone(), look, reached, software, start };
            if self.looks.send(looked).await.is_err() {
                return;
            }
            tokio::time::sleep_until(self.clock.instant(asked + EVERY)).await;
        }
    }

    /// Looks, and takes no other member's word for this one's: an address can be used again.
    async fn look(&self) -> Result<(bool, MemberStatus), LookFailed> {
        let result = self.api.look().await;
        let (leads, status) =
            result.map_err(|error| LookFailed { reason: error.reason(), gone: error.is_gone() })?;
        match (&self.name, &status.patroni.name) {
            (Some(own), Some(told)) if own != told => {
                Err(LookFailed { reason: format!("{told} answers there"), gone: false })
            }
            _ => Ok((leads, status)),
        }
    }

    fn software(&self, status: &MemberStatus) -> MemberSoftware {
        MemberSoftware {
            member: self.key.clone(),
            patroni: status.patroni.version.clone(),
            postgresql: status.server_version,
        }
    }

    fn reached(&self, error: Option<String>) -> ApiReached {
        let (member, url) = (self.name.clone(), self.api.url().to_owned());
        ApiReached { member, url, error, watched: true }
    }
}

fn answer(result: Result<(bool, MemberStatus), LookFailed>) -> LookAnswer {
    match result {
        Ok((leads, status)) => LookAnswer::Status(Status {
            leads,
            role: role(status.role),
            state: status.state,
            timeline: status.timeline,
            key: if status.cluster_unlocked { KeyWord::Free } else { KeyWord::Held },
            store_seen: status.dcs_last_seen,
        }),
        Err(failed) if failed.gone => LookAnswer::Gone,
        Err(_) => LookAnswer::Silent,
    }
}

fn role(told: Role) -> MemberRole {
    match told {
        Role::Primary => MemberRole::Primary,
        Role::StandbyLeader => MemberRole::StandbyLeader,
        Role::Replica => MemberRole::Replica,
        told if told.is_demoted() => MemberRole::Demoted,
        Role::Other(word) => MemberRole::Other(word),
    }
}
