//! What a lab is like at this moment.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::error::LabError;
use super::folders::Folders;
use super::http::etcd_leads;
use super::life::is_held;
use super::member::{Kind, Member};
use super::prediction::Prediction;
use super::processes::{Process, Role, of, scan};
use super::spec::Checks;
use super::{Lab, Running};
use crate::patroni::{Config, MemberStatus, PatroniApi, Role as PatroniRole, leader};

/// A member at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// Which.
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

/// What the leader can be hit by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// `kill`.
    Kill,
    /// `stop`.
    Stop,
}

impl Lab {
    /// All members as they are now.
    pub async fn look(&self) -> Vec<Sight> {
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
                Kind::Patroni => members[member.index()].as_ref().ok(),
                Kind::Etcd | Kind::HaProxy => None,
            };
            let role = match member.kind() {
                Kind::Etcd => etcd[member.index()]
                    .as_ref()
                    .ok()
                    .map(|leads| if *leads { "leader" } else { "follower" }.to_owned()),
                Kind::Patroni => {
                    let leads = leader.as_deref() == Some(apis[member.index()].url());
                    status.map(|status| role(status, leads))
                }
                Kind::HaProxy => None,
            };
            Sight {
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

    /// How long no write is possible after this fault, with Patroni's settings as they are.
    #[must_use]
    pub fn outage(&self, fault: Fault, settings: &Config) -> Prediction {
        let checks = &self.state.timing.checks;
        let [ttl, loop_wait] = [settings.ttl_s, settings.loop_wait_s].map(Duration::from_secs);
        match fault {
            Fault::Kill => Prediction::after_kill(ttl, loop_wait, checks),
            Fault::Stop => Prediction::after_stop(checks),
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
        PatroniRole::Primary => "primary, no key".to_owned(),
        PatroniRole::StandbyLeader => "standby leader".to_owned(),
        PatroniRole::Replica => "replica".to_owned(),
        PatroniRole::Other(word) => word.clone(),
    }
}

/// A process that becomes another program cannot be told for a moment, and one that has ended
/// gives its log back a moment later.
const CLEAR_WITHIN: Duration = Duration::from_millis(500);

const LOOK_EVERY: Duration = Duration::from_millis(10);

/// By its processes, and by its log where none is seen.
pub(super) fn running(folders: &Folders, member: Member) -> Running {
    let end = Instant::now() + CLEAR_WITHIN;
    loop {
        let by_processes = by_processes(&of(folders, member));
        if by_processes != Running::Stopped || !is_held(folders, member) {
            return by_processes;
        }
        if Instant::now() > end {
            return Running::OutOfSight;
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Refuses what is to be done to a lab that lives where it cannot be seen.
///
/// # Errors
/// [`LabError::OutOfSight`], with the members of which that is so.
pub(super) fn must_be_seen(folders: &Folders) -> Result<(), LabError> {
    let members: Vec<String> = out_of_sight(folders).iter().map(Member::to_string).collect();
    match members.is_empty() {
        true => Ok(()),
        false => Err(LabError::OutOfSight { lab: folders.name(), members: members.join(", ") }),
    }
}

/// The members that live, and of which no process is seen.
fn out_of_sight(folders: &Folders) -> Vec<Member> {
    let end = Instant::now() + CLEAR_WITHIN;
    loop {
        let seen = scan(folders);
        let unseen = Member::all().filter(|member| !seen.contains_key(member));
        let hidden: Vec<Member> = unseen.filter(|member| is_held(folders, *member)).collect();
        if hidden.is_empty() || Instant::now() > end {
            return hidden;
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// One that runs in part runs.
pub(super) fn by_processes(own: &[Process]) -> Running {
    let main = own.iter().find(|process| process.role == Role::Main);
    match main.or(own.first()) {
        None => Running::Stopped,
        Some(process) if process.is_paused => Running::Paused,
        Some(_) => Running::Running,
    }
}
