//! The members of a lab at this moment.

use futures_util::future::join_all;

use crate::lab::handle::Lab;
use crate::lab::member::{Member, MemberKind};
use crate::lab::processes::running::{Running, by_processes, out_of_sight};
use crate::lab::processes::scan::{Process, scan};
use crate::lab::status::http::etcd_leads;
use crate::model::cluster::proxy_checks::ProxyChecks;
use crate::model::cluster::software::PatroniSettings;
use crate::model::prediction::release::PatroniRelease;
use crate::patroni::{MemberStatus, PatroniApi, Role, leader};

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

    /// Patroni's settings as it was told them, and its version, from the first member that tells them.
    pub async fn told(&self) -> Option<(PatroniSettings, Option<PatroniRelease>)> {
        for api in self.apis() {
            if let Ok(config) = api.config().await {
                let version = api.member().await.ok().map(|member| member.patroni.version);
                let release = version.as_deref().and_then(PatroniRelease::read);
                return Some((config, release));
            }
        }
        None
    }

    /// HAProxy's settings, which are part of an outage.
    #[must_use]
    pub fn proxy_checks(&self) -> ProxyChecks {
        self.state.timing.checks.proxy()
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
