//! A cluster as Patroni's API shows it: what lab and Compose have in common.

use std::time::Duration;

use super::error::ClusterError;
use crate::engine::watch::patroni;
use crate::patroni::{PatroniApi, Role, convergence, leader};
use crate::tls::ClusterFiles;

/// For one question. A frozen member does not answer, and must not hold the others up for long.
const DEADLINE: Duration = Duration::from_secs(2);

/// A switchover is answered when it is done, or was given up.
const SWITCHOVER_DEADLINE: Duration = Duration::from_secs(60);

/// The APIs of all members.
#[derive(Debug, Clone)]
pub struct PatroniView {
    apis: Vec<PatroniApi>,
}

impl PatroniView {
    /// The APIs at these URLs, which are asked by TLS as these files say.
    ///
    /// # Errors
    /// When one is no URL, or a file is of no use.
    pub fn new<S: AsRef<str>>(
        urls: &[S],
        tls: Option<&ClusterFiles>,
    ) -> Result<Self, ClusterError> {
        let client = tls.map(ClusterFiles::client).transpose()?;
        let api = |url: &S| PatroniApi::secured(url.as_ref(), DEADLINE, client.clone());
        Ok(Self { apis: urls.iter().map(api).collect::<Result<_, _>>()? })
    }

    /// These APIs.
    #[must_use]
    pub fn of(apis: Vec<PatroniApi>) -> Self {
        Self { apis }
    }

    /// The name of the member that leads.
    ///
    /// # Errors
    /// When none does.
    pub async fn leader(&self) -> Result<String, ClusterError> {
        let found = leader(&self.apis).await;
        found.and_then(|leader| leader.name).ok_or(ClusterError::NoLeader)
    }

    /// The name of a member that replicates, the first when there are several.
    ///
    /// # Errors
    /// When none does.
    pub async fn replica(&self) -> Result<String, ClusterError> {
        let leader = leader(&self.apis).await.ok_or(ClusterError::NoReplica)?;
        let mut members = leader.api.cluster().await?.members;
        members.sort_by(|one, other| one.name.cmp(&other.name));
        let is_well = |state: &str| state == "running" || state == "streaming";
        let found = members
            .into_iter()
            .find(|member| member.role == Role::Replica && is_well(&member.state));
        found.map(|member| member.name).ok_or(ClusterError::NoReplica)
    }

    /// Hands the leadership over.
    ///
    /// # Errors
    /// Patroni's words.
    pub async fn switch_over(&self, from: &str, to: Option<&str>) -> Result<(), ClusterError> {
        let leader = leader(&self.apis).await.ok_or(ClusterError::NoLeader)?;
        leader.api.with_deadline(SWITCHOVER_DEADLINE)?.switchover(from, to).await?;
        Ok(())
    }

    /// Whether all members run or stream on one timeline: the leader, in words.
    ///
    /// # Errors
    /// What is missing.
    pub async fn whole(&self) -> Result<String, ClusterError> {
        let converged = convergence(&self.apis, self.apis.len()).await?;
        let name = converged.leader.name.unwrap_or_else(|| "somebody".to_owned());
        Ok(format!("{name} leads on timeline {}", converged.timeline))
    }

    /// The same APIs with the watch's deadline.
    #[must_use]
    pub fn watched(&self) -> Vec<PatroniApi> {
        self.apis.iter().filter_map(|api| api.with_deadline(patroni::DEADLINE).ok()).collect()
    }

    /// Whether the cluster replicates synchronously.
    pub async fn synchronous(&self) -> Option<bool> {
        for api in &self.apis {
            if let Ok(config) = api.config().await {
                return Some(config.synchronous_mode);
            }
        }
        None
    }
}
