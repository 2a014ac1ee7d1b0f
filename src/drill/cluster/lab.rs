//! The local cluster of plain processes.

use std::time::Duration;

use tokio::time::Instant;

use super::error::ClusterError;
use super::patroni_view::PatroniView;
use super::proxy_page::proxy_page_at;
use super::{DrillCluster, abilities};
use crate::haproxy::HaproxyPage;
use crate::lab::{DEFAULT_NAME, Down, Lab, Member, Running};
use crate::model::cluster::proxy_checks::ProxyChecks;
use crate::model::cluster::selector::Selector;
use crate::model::scenario::Through;
use crate::model::scenario::step::Action;
use crate::patroni::PatroniApi;

/// A member that is to stop has stopped by then, or was killed.
const DOWN_WITHIN: Duration = Duration::from_secs(45);

/// How often it is looked at meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A lab that runs.
#[derive(Debug, Clone)]
pub struct LabCluster {
    lab: Lab,
    patroni: PatroniView,
    page: HaproxyPage,
}

impl LabCluster {
    /// This lab.
    ///
    /// # Errors
    /// When its members have no URL; none is known.
    pub fn new(lab: Lab) -> Result<Self, ClusterError> {
        let patroni = PatroniView::new(&lab.patroni_urls(), lab.tls().as_ref())?;
        let page = proxy_page_at(lab.ports().page)?;
        Ok(Self { lab, patroni, page })
    }

    /// Whether this can be done to that target, as far as it is known without asking it.
    ///
    /// # Errors
    /// Words that say why not.
    pub fn can(action: Action, target: &Selector) -> Result<(), String> {
        let names: Vec<String> = Member::all().map(|member| member.to_string()).collect();
        let known: Vec<&str> = names.iter().map(String::as_str).collect();
        if action == Action::Partition {
            return Err("the lab is one machine with one network, and cannot cut a member off: \
                        pause it, or use --on compose"
                .to_owned());
        }
        abilities::can(action, target, &known)
    }

    /// Starts a member that was stopped or killed, or was about to be when pgchaos itself was
    /// killed: then it may be frozen, or still on its way down.
    async fn start_again(&self, member: Member) -> Result<(), ClusterError> {
        let end = Instant::now() + DOWN_WITHIN;
        loop {
            match self.lab.running(member) {
                Running::Stopped => return Ok(self.lab.start(member).await.map(drop)?),
                Running::Paused => self.lab.resume(member).await?,
                Running::Running | Running::OutOfSight => {}
            }
            if self.patroni.whole().await.is_ok() || Instant::now() > end {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

impl DrillCluster for LabCluster {
    fn name(&self) -> String {
        format!("lab-{}", self.lab.name())
    }

    fn dsn(&self, through: Through) -> Option<String> {
        let (user, password) = self.lab.credentials();
        let ports = match through {
            Through::Proxy => vec![self.lab.write_port()],
            Through::Members => self.lab.ports().postgresql.to_vec(),
        };
        let hosts: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        let tls = self.lab.tls().map(|files| files.url_query()).unwrap_or_default();
        Some(format!("postgresql://{user}:{password}@{}/postgres{tls}", hosts.join(",")))
    }

    fn members(&self) -> Vec<(String, String)> {
        let (user, password) = self.lab.credentials();
        let tls = self.lab.tls().map(|files| files.url_query()).unwrap_or_default();
        let dsn = |member: Member| {
            let port = self.lab.server_port(member)?;
            let dsn = format!("postgresql://{user}:{password}@127.0.0.1:{port}/postgres{tls}");
            Some((member.to_string(), dsn))
        };
        Member::all().filter_map(dsn).collect()
    }

    fn watched(&self) -> Vec<PatroniApi> {
        self.patroni.watched()
    }

    fn proxy_checks(&self) -> Option<ProxyChecks> {
        Some(self.lab.proxy_checks())
    }

    fn proxy_page(&self, through: Through) -> Option<HaproxyPage> {
        (through == Through::Proxy).then(|| self.page.clone())
    }

    async fn synchronous(&self) -> Result<Option<bool>, ClusterError> {
        Ok(self.patroni.synchronous().await)
    }

    async fn select_for(
        &self,
        action: Action,
        selector: &Selector,
    ) -> Result<String, ClusterError> {
        let down = match action {
            Action::Start => Down::Stopped,
            Action::Resume => Down::Frozen,
            _ => return Ok(self.lab.select(selector).await?.to_string()),
        };
        Ok(self.lab.select_down(selector, down).await?.to_string())
    }

    async fn act(&self, action: Action, member: &str, target: &str) -> Result<(), ClusterError> {
        let found = named(member)?;
        match action {
            Action::Kill => self.lab.kill(found).await.map(drop)?,
            Action::Stop => self.lab.stop(found).await.map(drop)?,
            Action::Pause => self.lab.pause(found).await?,
            Action::Resume => self.lab.resume(found).await?,
            Action::Start => self.lab.start(found).await.map(drop)?,
            Action::KillPostmaster => self.lab.kill_postmaster(found).await.map(drop)?,
            Action::PauseWalsenders => self.lab.pause_walsenders(found).await.map(drop)?,
            Action::Switchover => self.patroni.switch_over(member, None).await?,
            Action::Heal => {
                self.undo("resume", member, target).await?;
                self.undo("start", member, target).await?;
            }
            Action::Partition => {
                return Err(ClusterError::NoPartition(member.to_owned()));
            }
        }
        Ok(())
    }

    async fn switch_over(&self, from: &str, to: Option<&str>) -> Result<(), ClusterError> {
        self.patroni.switch_over(from, to).await
    }

    async fn undo(&self, action: &str, member: &str, _target: &str) -> Result<(), ClusterError> {
        let found = named(member)?;
        match (action, self.lab.running(found)) {
            ("resume", Running::Running | Running::Paused) => self.lab.resume(found).await?,
            ("start", _) => self.start_again(found).await?,
            _ => {}
        }
        Ok(())
    }

    fn by_hand(&self, action: &str, member: &str, _target: &str) -> String {
        let name = self.lab.name();
        let named = if name == DEFAULT_NAME { String::new() } else { format!(" --name {name}") };
        format!("pgchaos lab {action} {member}{named}")
    }

    async fn whole(&self) -> Result<Option<String>, ClusterError> {
        self.patroni.whole().await.map(Some)
    }

    async fn not_running(&self) -> Result<Vec<String>, ClusterError> {
        let state = |member: Member| match self.lab.running(member) {
            Running::Running => None,
            Running::Paused => Some(format!("{member} is paused")),
            Running::Stopped => Some(format!("{member} is stopped")),
            Running::OutOfSight => Some(format!("{member} cannot be seen from here")),
        };
        Ok(self.lab.members().into_iter().filter_map(state).collect())
    }
}

fn named(member: &str) -> Result<Member, ClusterError> {
    let found = Member::named(member);
    found.ok_or_else(|| ClusterError::NoMember(member.to_owned()))
}
