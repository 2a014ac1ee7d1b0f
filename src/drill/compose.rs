//! The Docker Compose project of this repository, broken and mended container by container.
//!
//! Containers are stopped and started by docker itself: `docker compose start` may start other
//! services too, and so silently mend what was broken on purpose.

use std::collections::BTreeMap;

use super::backend::BackendError;
use super::command::run_program;
use super::docker::{
    LOOK_DEADLINE, containers, docker, kill_postmaster, networks, published, state, walsenders,
};
use super::patroni_view::PatroniView;
use crate::model::cluster::selector::Selector;
use crate::model::scenario::step::Action;

const PATRONI: [&str; 3] = ["patroni1", "patroni2", "patroni3"];
const ETCD: [&str; 3] = ["etcd1", "etcd2", "etcd3"];
const PROXY: &str = "haproxy";

/// Where a member's PostgreSQL writes the number of its postmaster.
const POSTMASTER_PID: &str = "/var/lib/postgresql/data/postmaster.pid";

/// One project.
#[derive(Debug, Clone)]
pub struct Compose {
    project: String,
    /// Containers by service.
    containers: BTreeMap<String, String>,
    port: u16,
    patroni: PatroniView,
}

impl Compose {
    /// The project of this name, which must have been brought up.
    ///
    /// # Errors
    /// When there is no docker, no such project, or a part of it is missing.
    pub async fn find(project: &str) -> Result<Self, BackendError> {
        let containers = containers(project).await?;
        let missing: Vec<&str> = PATRONI
            .iter()
            .chain(&ETCD)
            .chain([&PROXY])
            .filter(|service| !containers.contains_key(**service))
            .copied()
            .collect();
        if !missing.is_empty() {
            return Err(BackendError(format!(
                "the Compose project {project} has no container for {}",
                missing.join(", ")
            )));
        }
        let port = published(&containers[PROXY], 5500).await?;
        let mut urls = Vec::new();
        for service in PATRONI {
            let port = published(&containers[service], 8008).await?;
            urls.push(format!("http://127.0.0.1:{port}"));
        }
        let patroni = PatroniView::new(&urls)?;
        Ok(Self { project: project.to_owned(), containers, port, patroni })
    }

    pub(super) fn project(&self) -> &str {
        &self.project
    }

    pub(super) fn patroni(&self) -> &PatroniView {
        &self.patroni
    }

    pub(super) fn dsn(&self) -> String {
        format!("postgresql://postgres:postgres@127.0.0.1:{}/postgres", self.port)
    }

    pub(super) fn can(action: Action, target: &Selector) -> Result<(), String> {
        let known = [&ETCD[..], &PATRONI[..], &[PROXY]].concat();
        can(action, target, &known)
    }

    pub(super) async fn not_running(&self) -> Result<Vec<String>, BackendError> {
        let mut found = Vec::new();
        for (service, container) in &self.containers {
            match state(container).await?.as_str() {
                "running" => {}
                other => found.push(format!("{service} is {other}")),
            }
        }
        Ok(found)
    }

    pub(super) async fn select(&self, selector: &Selector) -> Result<String, BackendError> {
        match selector {
            Selector::Leader => self.patroni.leader().await,
            Selector::Replica => self.patroni.replica().await,
            Selector::EtcdLeader | Selector::EtcdAny => self.etcd(selector).await,
            Selector::Member(name) => Ok(name.clone()),
        }
    }

    /// A member that is down has no role: it is the one of its kind that is.
    pub(super) async fn select_for(
        &self,
        action: Action,
        selector: &Selector,
    ) -> Result<String, BackendError> {
        let candidates = match selector {
            Selector::Leader | Selector::Replica => PATRONI,
            Selector::EtcdLeader | Selector::EtcdAny => ETCD,
            Selector::Member(name) => return Ok(name.clone()),
        };
        if !matches!(action, Action::Start | Action::Resume) {
            return self.select(selector).await;
        }
        let mut down = Vec::new();
        for service in candidates {
            let state = state(self.container(service)?).await?;
            let is_meant = match action {
                Action::Resume => state == "paused",
                _ => state != "running" && state != "paused",
            };
            if is_meant {
                down.push(service);
            }
        }
        match down.as_slice() {
            [service] => Ok((*service).to_owned()),
            // The walsenders of one that runs may be what is frozen.
            [] if action == Action::Resume => self.select(selector).await,
            [] => Err(BackendError(format!("no service that could be {selector} is down"))),
            several => {
                let names = several.join(" and ");
                Err(BackendError(format!("{selector} could be {names}, which are down")))
            }
        }
    }

    /// The etcd that leads, or one that runs and, if possible, does not.
    async fn etcd(&self, selector: &Selector) -> Result<String, BackendError> {
        let mut running = Vec::new();
        let mut leads = None;
        for service in ETCD {
            if state(self.container(service)?).await? != "running" {
                continue;
            }
            running.push(service);
            let look = ["docker", "exec", self.container(service)?, "etcdctl"];
            let words = ["--command-timeout=5s", "endpoint", "status", "-w", "json"];
            let told = run_program(&[&look[..], &words[..]].concat(), LOOK_DEADLINE).await;
            if told.is_ok_and(|told| is_etcd_leader(&told)) {
                leads = Some(service);
            }
        }
        let found = match selector {
            Selector::EtcdLeader => leads,
            _ => running.iter().copied().find(|service| Some(*service) != leads).or(leads),
        };
        found.map(str::to_owned).ok_or_else(|| BackendError(format!("nobody is {selector} now")))
    }

    pub(super) async fn act(&self, action: Action, member: &str) -> Result<(), BackendError> {
        let container = self.container(member)?;
        match action {
            Action::Kill => docker(&["kill", container]).await,
            Action::Stop => docker(&["stop", container]).await,
            Action::Pause => docker(&["pause", container]).await,
            Action::Partition => {
                for network in networks(container).await? {
                    docker(&["network", "disconnect", &network, container]).await?;
                }
                Ok(())
            }
            Action::Resume => self.undo("resume", member).await,
            Action::Start => self.undo("start", member).await,
            Action::Heal => {
                for undo in ["heal", "resume", "start"] {
                    self.undo(undo, member).await?;
                }
                Ok(())
            }
            Action::KillPostmaster => kill_postmaster(container, POSTMASTER_PID).await,
            Action::PauseWalsenders => walsenders(container, "STOP").await,
            Action::Switchover => self.patroni.switch_over(member, None).await,
        }
    }

    pub(super) async fn undo(&self, action: &str, member: &str) -> Result<(), BackendError> {
        let container = self.container(member)?;
        match (action, state(container).await?.as_str()) {
            ("start", "paused") => docker(&["unpause", container]).await,
            ("start", _) => docker(&["start", container]).await,
            ("resume", "paused") => docker(&["unpause", container]).await,
            ("resume", "running") if PATRONI.contains(&member) => {
                walsenders(container, "CONT").await
            }
            ("heal", _) if networks(container).await?.is_empty() => {
                let network = format!("{}_default", self.project);
                docker(&["network", "connect", "--alias", member, &network, container]).await
            }
            _ => Ok(()),
        }
    }

    pub(super) fn by_hand(&self, action: &str, member: &str) -> String {
        let container = self.containers.get(member).map_or(member, String::as_str);
        match action {
            "start" => format!("docker start {container}"),
            "resume" => format!("docker unpause {container}"),
            _ => format!(
                "docker network connect --alias {member} {}_default {container}",
                self.project
            ),
        }
    }

    fn container(&self, member: &str) -> Result<&str, BackendError> {
        let found = self.containers.get(member).map(String::as_str);
        found.ok_or_else(|| BackendError(format!("the project has no service {member}")))
    }
}

/// What a cluster with these members can do, as far as it is known without asking it.
pub(super) fn can(action: Action, target: &Selector, known: &[&str]) -> Result<(), String> {
    let is_postgresql = match target {
        Selector::Leader | Selector::Replica => true,
        Selector::EtcdLeader | Selector::EtcdAny => false,
        Selector::Member(name) if known.contains(&name.as_str()) => name.starts_with("patroni"),
        Selector::Member(name) => {
            let roles = ["leader", "replica", "etcd:leader", "etcd:any"];
            let names = known.iter().copied().chain(roles);
            let instead = crate::model::scenario::instead(name, names);
            return Err(format!("{name:?} names no member; {instead}"));
        }
    };
    let needs_postgresql =
        matches!(action, Action::Switchover | Action::KillPostmaster | Action::PauseWalsenders);
    if needs_postgresql && !is_postgresql {
        return Err(format!("{action} needs a member with PostgreSQL, and {target} is none"));
    }
    Ok(())
}

/// `etcdctl endpoint status -w json`, of one member.
fn is_etcd_leader(told: &str) -> bool {
    let Ok(told) = serde_json::from_str::<serde_json::Value>(told) else { return false };
    let status = &told[0]["Status"];
    !status["leader"].is_null() && status["leader"] == status["header"]["member_id"]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_done_is_said_before() {
        let known = ["etcd1", "haproxy", "patroni1"];
        let can = |action, target: &str| can(action, &target.parse().unwrap(), &known);
        assert_eq!(can(Action::Kill, "patroni1"), Ok(()));
        assert_eq!(can(Action::PauseWalsenders, "leader"), Ok(()));
        let error = can(Action::Stop, "patronni1").unwrap_err();
        assert_eq!(error, "\"patronni1\" names no member; did you mean \"patroni1\"?");
        let error = can(Action::Switchover, "etcd:leader").unwrap_err();
        assert!(error.contains("etcd:leader is none"), "{error}");
    }

    #[test]
    fn the_etcd_that_leads_says_so() {
        let told = |leader: u64| {
            format!(
                r#"[{{"Endpoint":"x","Status":{{"header":{{"member_id":9372538179322589801}},"leader":{leader}}}}}]"#
            )
        };
        assert!(is_etcd_leader(&told(9_372_538_179_322_589_801)));
        assert!(!is_etcd_leader(&told(9_372_538_179_322_589_802)));
        assert!(!is_etcd_leader("no answer"));
    }
}
