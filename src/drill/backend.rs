//! What a drill is played on: the lab, the Compose project, or commands of the user's.

use std::time::Duration;

use super::command::{CommandError, Variables};
use super::compose::Compose;
use super::hooks::HooksBackend;
use super::lab::LabBackend;
use super::patroni_view::PatroniView;
use crate::lab::LabError;
use crate::model::cluster::selector::Selector;
use crate::model::scenario::Through;
use crate::model::scenario::command_line::CommandLine;
use crate::model::scenario::step::Action;
use crate::patroni::{PatroniApi, PatroniError};

/// A cluster that can be broken and mended.
#[derive(Debug, Clone)]
pub enum Backend {
    /// The local cluster of plain processes.
    Lab(LabBackend),
    /// The Docker Compose project.
    Compose(Compose),
    /// Any cluster, by commands.
    Hooks(HooksBackend),
}

/// What a backend could not do, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BackendError(pub String);

impl From<CommandError> for BackendError {
    fn from(error: CommandError) -> Self {
        Self(error.to_string())
    }
}

impl From<PatroniError> for BackendError {
    fn from(error: PatroniError) -> Self {
        Self(error.to_string())
    }
}

impl From<LabError> for BackendError {
    fn from(error: LabError) -> Self {
        Self(error.to_string())
    }
}

impl Backend {
    /// What it is called: `lab-pgchaos`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Lab(lab) => format!("lab-{}", lab.name()),
            Self::Compose(compose) => format!("compose-{}", compose.project()),
            Self::Hooks(hooks) => format!("hooks-{}", hooks.name()),
        }
    }

    /// The name of the journal of its damage: the same for whatever drill is played on it.
    #[must_use]
    pub fn journal_name(&self) -> String {
        match self {
            Self::Lab(_) | Self::Compose(_) => self.name(),
            Self::Hooks(hooks) => format!("hooks-{}", hooks.cluster()),
        }
    }

    /// Whether there is something that undoes this action at this member when the drill ends.
    #[must_use]
    pub fn undoes(&self, action: Action, member: &str, target: &str) -> bool {
        match (self, action.undone_by()) {
            (_, None) => false,
            (Self::Lab(_) | Self::Compose(_), Some(_)) => true,
            (Self::Hooks(hooks), Some(undo)) => hooks.undoes(undo, &[member, target]).is_some(),
        }
    }

    /// The name of the member that this is now.
    ///
    /// # Errors
    /// When it is nobody, or cannot be found out.
    pub async fn select(&self, selector: &Selector) -> Result<String, BackendError> {
        match self {
            Self::Lab(lab) => lab.select(selector).await,
            Self::Compose(compose) => compose.select(selector).await,
            Self::Hooks(hooks) => hooks.select(selector).await,
        }
    }

    /// The same for this action: of what is to be started or resumed a role means the member that
    /// is down. A hook is asked for the role as always.
    ///
    /// # Errors
    /// As [`Self::select`]; also when a role fits several that are down.
    pub async fn select_for(
        &self,
        action: Action,
        selector: &Selector,
    ) -> Result<String, BackendError> {
        match self {
            Self::Lab(lab) => lab.select_for(action, selector).await,
            Self::Compose(compose) => compose.select_for(action, selector).await,
            Self::Hooks(hooks) => hooks.select(selector).await,
        }
    }

    /// Does something to a member. `target` is what the scenario calls it.
    ///
    /// # Errors
    /// When it could not be done.
    pub async fn act(
        &self,
        action: Action,
        member: &str,
        target: &str,
    ) -> Result<(), BackendError> {
        match self {
            Self::Lab(lab) => lab.act(action, member).await,
            Self::Compose(compose) => compose.act(action, member).await,
            Self::Hooks(hooks) => hooks.act(action, member, target).await,
        }
    }

    /// Hands the leadership over, in good order.
    ///
    /// # Errors
    /// When it could not be done.
    pub async fn switch_over(&self, from: &str, to: Option<&str>) -> Result<(), BackendError> {
        match self {
            Self::Lab(lab) => lab.patroni().switch_over(from, to).await,
            Self::Compose(compose) => compose.patroni().switch_over(from, to).await,
            Self::Hooks(hooks) => hooks.switch_over(from, to).await,
        }
    }

    /// Undoes something, as far as it is broken still: a drill that was killed may have noted what
    /// it had not done yet.
    ///
    /// # Errors
    /// When it could not be done.
    pub async fn undo(&self, action: &str, member: &str, target: &str) -> Result<(), BackendError> {
        match self {
            Self::Lab(lab) => lab.undo(action, member).await,
            Self::Compose(compose) => compose.undo(action, member).await,
            Self::Hooks(hooks) => hooks.undo(action, member, target).await,
        }
    }

    /// What people type when a healing fails.
    #[must_use]
    pub fn by_hand(&self, action: &str, member: &str, target: &str) -> String {
        match self {
            Self::Lab(lab) => lab.by_hand(action, member),
            Self::Compose(compose) => compose.by_hand(action, member),
            Self::Hooks(hooks) => hooks.by_hand(action, member, target),
        }
    }

    /// The command that mends everything, when there is one.
    #[must_use]
    pub fn heal_command(&self) -> Option<CommandLine> {
        match self {
            Self::Lab(_) | Self::Compose(_) => None,
            Self::Hooks(hooks) => hooks.heal_command(),
        }
    }

    /// Whether the cluster is whole: who leads it, in words; `None` when there is no way to know.
    ///
    /// # Errors
    /// What is still missing, in words.
    pub async fn whole(&self) -> Result<Option<String>, String> {
        match self {
            Self::Lab(lab) => lab.patroni().whole().await.map(Some),
            Self::Compose(compose) => compose.patroni().whole().await.map(Some),
            Self::Hooks(hooks) => hooks.whole().await,
        }
    }

    /// The members that do not run, etcd and the proxy among them, in words.
    ///
    /// # Errors
    /// When that cannot be found out.
    pub async fn not_running(&self) -> Result<Vec<String>, BackendError> {
        match self {
            Self::Lab(lab) => Ok(lab.not_running()),
            Self::Compose(compose) => compose.not_running().await,
            Self::Hooks(_) => Ok(Vec::new()),
        }
    }

    /// The members' Patroni, to be watched beside the load, where it is known.
    #[must_use]
    pub fn watched(&self) -> Vec<PatroniApi> {
        match self {
            Self::Lab(lab) => lab.patroni().watched(),
            Self::Compose(compose) => compose.patroni().watched(),
            Self::Hooks(hooks) => hooks.patroni().map_or_else(Vec::new, PatroniView::watched),
        }
    }

    /// Whether the cluster replicates synchronously; `None` where it cannot be asked.
    pub async fn synchronous(&self) -> Option<bool> {
        match self {
            Self::Lab(lab) => lab.patroni().synchronous().await,
            Self::Compose(compose) => compose.patroni().synchronous().await,
            Self::Hooks(hooks) => hooks.synchronous().await,
        }
    }

    /// The connection string of its write port, where it knows it, or of every member.
    #[must_use]
    pub fn dsn(&self, through: Through) -> Option<String> {
        match self {
            Self::Lab(lab) => Some(lab.dsn(through)),
            Self::Compose(compose) => Some(compose.dsn()),
            Self::Hooks(_) => None,
        }
    }

    /// Variables for the commands of a scenario.
    pub fn tell_connection(&mut self, variables: &Variables) {
        if let Self::Hooks(hooks) = self {
            hooks.tell_connection(variables);
        }
    }
}

/// Whether the cluster is whole, and all that belongs to it runs: with one etcd gone already, a
/// drill that stops another one would break more than it says.
async fn whole_and_running(backend: &Backend) -> Result<Option<String>, String> {
    let not_running = backend.not_running().await.map_err(|error| error.to_string())?;
    if !not_running.is_empty() {
        return Err(not_running.join(", "));
    }
    backend.whole().await
}

/// Waits until the cluster is whole; `told` hears now and then what is missing.
///
/// # Errors
/// What was missing at last.
pub async fn wait_until_whole(
    backend: &Backend,
    within: Duration,
    told: &mut (dyn FnMut(String) + Send),
) -> Result<Option<String>, String> {
    const EVERY: Duration = Duration::from_millis(500);
    const TOLD_EVERY: Duration = Duration::from_secs(10);
    let end = tokio::time::Instant::now() + within;
    let mut tell_next = tokio::time::Instant::now() + TOLD_EVERY;
    loop {
        let missing = match whole_and_running(backend).await {
            Ok(leader) => return Ok(leader),
            Err(missing) => missing,
        };
        let now = tokio::time::Instant::now();
        if now >= end {
            return Err(missing);
        }
        if now >= tell_next {
            told(format!("not whole yet: {missing}"));
            tell_next = now + TOLD_EVERY;
        }
        tokio::time::sleep(EVERY).await;
    }
}
