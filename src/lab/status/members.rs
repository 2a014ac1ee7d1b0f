//! The members of a lab at this moment.

use std::time::Duration;

use futures_util::future::join_all;

use crate::lab::handle::Lab;
use crate::lab::member::{Member, MemberKind};
use crate::lab::prediction::Prediction;
use crate::lab::processes::running::{Running, by_processes, out_of_sight};
use crate::lab::processes::scan::{Process, scan};
use crate::lab::spec::Checks;
use crate::lab::status::http::etcd_leads;
use crate::patroni::{Config, MemberStatus, PatroniApi, Role, leader};

/// A member at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberNow {
    /// The member.
    pub member: Member,
    /// Whether it runs.
    pub running: Running,
    /// What it is in the cluster, in Patroni's or etcd's words.
    pub role: Option<String>,
    /// PostgreSQL's state in Patroni's words.
    pub state: Option<String>,
    /// PostgreSQL's timeline.
    pub timeline: Option<u32>,
    /// Its processes, the most important first.
    pub processes: Vec<Process>,
    /// Its ports.
    pub ports: Vec<u16>,
}

/// What can be done to the leader with an outage that can be predicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaderInjection {
    /// `kill`.
    Kill,
    /// `stop`.
    Stop,
}

impl Lab {
    /// All members as they are now.
    pub async fn look(&self) -> Vec<MemberNow> {
        let hidden = out_of_sight(&self.folders);
        let mut processes = scan(&self.folders);
        let etcd = join_all(self.state.ports.etcd_client.map(etcd_leads));
        let apis = self.apis();
        let members = join_all(apis.iter().map(PatroniApi::member));
        let (etcd, members, leader) = tokio::join!(etcd, members, leader(&apis));
        let leader = leader.map(|leader| leader.api.url().to_owned());
        let sight = |member: Member| {
            let own = processes.remove(&member).unwrap_or_default();
            let status = match member.kind() {
                MemberKind::Patroni => {
                    members.get(member.index()).and_then(|answer| answer.as_ref().ok())
                }
                MemberKind::Etcd | MemberKind::HaProxy => None,
            };
            let role = match member.kind() {
                MemberKind::Etcd => etcd[member.index()]
                    .as_ref()
                    .ok()
                    .map(|leads| if *leads { "leader" } else { "follower" }.to_owned()),
                MemberKind::Patroni => {
                    let api = apis.get(member.index()).map(PatroniApi::url);
                    let leads = leader.is_some() && leader.as_deref() == api;
                    status.map(|status| role(status, leads))
                }
                MemberKind::HaProxy => None,
            };
            MemberNow {
                member,
                running: match by_processes(&own) {
                    Running::Stopped if hidden.contains(&member) => Running::OutOfSight,
                    running => running,
                },
                role,
                state: status.map(|status| status.state.clone()),
                timeline: status.and_then(|status| status.timeline),
                processes: own,
                ports: self.state.ports.of(member),
            }
        };
        Member::all().map(sight).collect()
    }

    /// Patroni's settings, from the first member that tells them.
    pub async fn settings(&self) -> Option<Config> {
        for api in self.apis() {
            if let Ok(config) = api.config().await {
                return Some(config);
            }
        }
        None
    }

    /// How long no write is possible after this injection, with Patroni's settings as they are.
    #[must_use]
    pub fn outage(&self, injection: LeaderInjection, settings: &Config) -> Prediction {
        let checks = &self.state.timing.checks;
        let [ttl, loop_wait] = [settings.ttl_s, settings.loop_wait_s].map(Duration::from_secs);
        match injection {
            LeaderInjection::Kill => Prediction::after_kill(ttl, loop_wait, checks),
            LeaderInjection::Stop => Prediction::after_stop(checks),
        }
    }

    /// HAProxy's checks, which are part of an outage.
    #[must_use]
    pub fn checks(&self) -> &Checks {
        &self.state.timing.checks
    }
}

fn role(status: &MemberStatus, leads: bool) -> String {
    match &status.role {
        _ if leads => "leader".to_owned(),
        Role::Primary => "primary, no key".to_owned(),
        Role::StandbyLeader => "standby leader".to_owned(),
        Role::Replica => "replica".to_owned(),
        Role::Other(word) => word.clone(),
    }
}
