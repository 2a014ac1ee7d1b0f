//! The Docker Compose project of this repository, broken and mended container by container.
//!
//! Containers are stopped and started by docker itself: `docker compose start` may start other
//! services too, and so silently mend what was broken on purpose.

use std::collections::BTreeMap;

use super::docker::{
    LOOK_DEADLINE, containers, docker, kill_postmaster, mounted, networks, published, state,
    variable, walsenders,
};
use super::error::ClusterError;
use super::patroni_view::PatroniView;
use super::proxy_page::proxy_page_at;
use super::{DrillCluster, abilities};
use crate::drill::command::run_program;
use crate::haproxy::HaproxyPage;
use crate::model::cluster::selector::Selector;
use crate::model::scenario::Through;
use crate::model::scenario::step::Action;
use crate::patroni::PatroniApi;
use crate::tls::ClusterFiles;

const PATRONI: [&str; 3] = ["patroni1", "patroni2", "patroni3"];
const ETCD: [&str; 3] = ["etcd1", "etcd2", "etcd3"];
const PROXY: &str = "haproxy";

/// The service of docker-compose.tls.yml that has made the certificates, and ended.
const CERTIFICATES: &str = "certificates";

/// Where a member's PostgreSQL writes the number of its postmaster.
const POSTMASTER_PID: &str = "/var/lib/postgresql/data/postmaster.pid";

/// One project.
#[derive(Debug, Clone)]
pub struct ComposeCluster {
    project: String,
    /// Containers by service.
    containers: BTreeMap<String, String>,
    port: u16,
    /// Those of the members' own servers, by service; none of a project that was brought up without them.
    servers: BTreeMap<&'static str, u16>,
    /// What clients need, where it takes TLS alone.
    tls: Option<ClusterFiles>,
    patroni: PatroniView,
    /// Where the project publishes it.
    page: Option<HaproxyPage>,
}

impl ComposeCluster {
    /// The project of this name, which must have been brought up.
    ///
    /// # Errors
    /// When there is no docker, no such project, or a part of it is missing.
    pub async fn find(project: &str) -> Result<Self, ClusterError> {
        let containers = containers(project).await?;
        let missing: Vec<&str> = PATRONI
            .iter()
            .chain(&ETCD)
            .chain([&PROXY])
            .filter(|service| !containers.contains_key(**service))
            .copied()
            .collect();
        if !missing.is_empty() {
            return Err(ClusterError::NoContainers {
                project: project.to_owned(),
                services: missing.into_iter().map(str::to_owned).collect(),
            });
        }
        let port = published(&containers[PROXY], 5500).await?;
        let tls = tls(project, &containers).await?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let (mut urls, mut servers) = (Vec::new(), BTreeMap::new());
        for service in PATRONI {
            if let Ok(port) = published(&containers[service], 5432).await {
                servers.insert(service, port);
            }
            let port = published(&containers[service], 8008).await?;
            urls.push(format!("{scheme}://127.0.0.1:{port}"));
        }
        let patroni = PatroniView::new(&urls, tls.as_ref())?;
        let page = published(&containers[PROXY], 7500).await.ok();
        let page = page.map(proxy_page_at).transpose()?;
        Ok(Self { project: project.to_owned(), containers, port, servers, tls, patroni, page })
    }

    /// Whether it takes TLS alone.
    #[must_use]
    pub fn has_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Whether this can be done to that target, as far as it is known without asking it.
    ///
    /// # Errors
    /// Words that say why not.
    pub fn can(action: Action, target: &Selector) -> Result<(), String> {
        let known = [&ETCD[..], &PATRONI[..], &[PROXY]].concat();
        abilities::can(action, target, &known)
    }

    async fn select(&self, selector: &Selector) -> Result<String, ClusterError> {
        match selector {
            Selector::Leader => self.patroni.leader().await,
            Selector::Replica => self.patroni.replica().await,
            Selector::EtcdLeader | Selector::EtcdAny => self.etcd(selector).await,
            Selector::Member(name) => Ok(name.clone()),
        }
    }

    /// The etcd that leads, or one that runs and, if possible, does not.
    async fn etcd(&self, selector: &Selector) -> Result<String, ClusterError> {
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
        found.map(str::to_owned).ok_or_else(|| ClusterError::NoSuchRole(selector.clone()))
    }

    fn container(&self, member: &str) -> Result<&str, ClusterError> {
        let found = self.containers.get(member).map(String::as_str);
        found.ok_or_else(|| ClusterError::NoService(member.to_owned()))
    }
}

impl DrillCluster for ComposeCluster {
    fn name(&self) -> String {
        format!("compose-{}", self.project)
    }

    /// One proxy is all that the project publishes, whatever a scenario asks for.
    fn dsn(&self, _through: Through) -> Option<String> {
        let tls = self.tls.as_ref().map(ClusterFiles::url_query).unwrap_or_default();
        Some(format!("postgresql://postgres:postgres@127.0.0.1:{}/postgres{tls}", self.port))
    }

    fn members(&self) -> Vec<(String, String)> {
        let tls = self.tls.as_ref().map(ClusterFiles::url_query).unwrap_or_default();
        let dsn = |(service, port): (&&str, &u16)| {
            let dsn = format!("postgresql://postgres:postgres@127.0.0.1:{port}/postgres{tls}");
            ((*service).to_owned(), dsn)
        };
        self.servers.iter().map(dsn).collect()
    }

    fn watched(&self) -> Vec<PatroniApi> {
        self.patroni.watched()
    }

    /// The load goes through the proxy, whatever a scenario asks for.
    fn proxy_page(&self, _through: Through) -> Option<HaproxyPage> {
        self.page.clone()
    }

    async fn synchronous(&self) -> Result<Option<bool>, ClusterError> {
        Ok(self.patroni.synchronous().await)
    }

    /// A member that is down has no role: of its kind, the one that is down is meant.
    async fn select_for(
        &self,
        action: Action,
        selector: &Selector,
    ) -> Result<String, ClusterError> {
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
            [] => Err(ClusterError::NoneDown(selector.clone())),
            several => Err(ClusterError::SeveralDown {
                selector: selector.clone(),
                services: several.iter().map(|service| (*service).to_owned()).collect(),
            }),
        }
    }

    async fn act(&self, action: Action, member: &str, target: &str) -> Result<(), ClusterError> {
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
            Action::Resume => self.undo("resume", member, target).await,
            Action::Start => self.undo("start", member, target).await,
            Action::Heal => {
                for undo in ["heal", "resume", "start"] {
                    self.undo(undo, member, target).await?;
                }
                Ok(())
            }
            Action::KillPostmaster => kill_postmaster(container, POSTMASTER_PID).await,
            Action::PauseWalsenders => walsenders(container, "STOP").await,
            Action::Switchover => self.patroni.switch_over(member, None).await,
        }
    }

    async fn switch_over(&self, from: &str, to: Option<&str>) -> Result<(), ClusterError> {
        self.patroni.switch_over(from, to).await
    }

    async fn undo(&self, action: &str, member: &str, _target: &str) -> Result<(), ClusterError> {
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

    fn by_hand(&self, action: &str, member: &str, _target: &str) -> String {
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

    async fn whole(&self) -> Result<Option<String>, ClusterError> {
        self.patroni.whole().await.map(Some)
    }

    async fn not_running(&self) -> Result<Vec<String>, ClusterError> {
        let mut found = Vec::new();
        // What made the certificates has ended, and is to.
        for service in PATRONI.iter().chain(&ETCD).chain([&PROXY]) {
            match state(self.container(service)?).await?.as_str() {
                "running" => {}
                other => found.push(format!("{service} is {other}")),
            }
        }
        Ok(found)
    }
}

/// What clients need, where the project was brought up with TLS: where `make-certificates` put it.
async fn tls(
    project: &str,
    containers: &BTreeMap<String, String>,
) -> Result<Option<ClusterFiles>, ClusterError> {
    if variable(&containers[PATRONI[0]], "PATRONI_RESTAPI_CERTFILE").await?.is_none() {
        return Ok(None);
    }
    let missing = || ClusterError::NoContainers {
        project: project.to_owned(),
        services: vec![CERTIFICATES.to_owned()],
    };
    let container = containers.get(CERTIFICATES).ok_or_else(missing)?;
    let folder = mounted(container, "/cluster").await?.ok_or_else(missing)?.join("tls");
    Ok(Some(ClusterFiles {
        authority: folder.join("ca.crt"),
        certificate: folder.join("client.crt"),
        key: folder.join("client.key"),
    }))
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
