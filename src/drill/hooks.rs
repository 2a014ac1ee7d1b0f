//! Any cluster, broken and mended by the commands of a scenario.

use std::sync::Arc;
use std::time::Duration;

use super::backend::BackendError;
use super::command::{Variables, run_line};
use super::patroni_view::PatroniView;
use crate::model::cluster::selector::Selector;
use crate::model::scenario::command_line::CommandLine;
use crate::model::scenario::hooks::Hooks;
use crate::model::scenario::step::Action;

/// For a command that breaks or mends: a cloud's take minutes.
pub(super) const ACT_DEADLINE: Duration = Duration::from_secs(600);

/// For a command that only looks.
const LOOK_DEADLINE: Duration = Duration::from_secs(30);

/// How much of a cluster's endpoints fits into a file's name.
const CLUSTER_BYTES_MAX: usize = 160;

/// The commands of one scenario.
#[derive(Debug, Clone)]
pub struct HooksBackend {
    name: String,
    hooks: Arc<Hooks>,
    patroni: Option<PatroniView>,
    variables: Variables,
}

impl HooksBackend {
    /// The hooks of the scenario `name`; with Patroni's API where there is one.
    #[must_use]
    pub fn new(name: &str, hooks: Hooks, patroni: Option<PatroniView>) -> Self {
        Self { name: name.to_owned(), hooks: Arc::new(hooks), patroni, variables: Vec::new() }
    }

    /// Patroni's API, when it was named.
    pub(super) fn patroni(&self) -> Option<&PatroniView> {
        self.patroni.as_ref()
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The cluster, by where the load goes to, as a part of a file's name.
    pub(super) fn cluster(&self) -> String {
        let value = |wanted: &str| {
            let found = self.variables.iter().find(|(name, _)| name == wanted);
            found.map_or("", |(_, value)| value)
        };
        let plain = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '.' | '-');
        let endpoints = format!("{}-{}", value("PGHOST"), value("PGPORT"));
        let name: String =
            endpoints.chars().map(|sign| if plain(sign) { sign } else { '_' }).collect();
        if name.len() <= CLUSTER_BYTES_MAX {
            return name;
        }
        // All signs are single bytes. The middle of many long names tells the least.
        let half = CLUSTER_BYTES_MAX / 2;
        format!("{}_{}", &name[..half], &name[name.len() - half..])
    }

    pub(super) fn tell_connection(&mut self, variables: &Variables) {
        self.variables.clone_from(variables);
    }

    pub(super) fn can(&self, action: Action, target: &Selector) -> Result<(), String> {
        let target = target.to_string();
        let has = self.hooks.command(action, &[&target]).is_some();
        let heals = action == Action::Heal && self.hooks.heal.is_some();
        let patroni_does = action == Action::Switchover && self.patroni.is_some();
        if has || heals || patroni_does {
            return Ok(());
        }
        Err(format!("no hook does that: [hooks] has neither {action}.{target} nor {action}"))
    }

    pub(super) fn undoes(&self, undo: Action, called: &[&str]) -> Option<String> {
        let own = self.hooks.command(undo, called);
        own.or(self.hooks.heal.as_ref()).map(ToString::to_string)
    }

    pub(super) async fn select(&self, selector: &Selector) -> Result<String, BackendError> {
        match (selector, &self.hooks.leader, &self.patroni) {
            (Selector::Leader, Some(command), _) => {
                let printed = run_line(command, &self.variables, LOOK_DEADLINE).await?;
                match printed.lines().next().map(str::trim) {
                    Some(name) if !name.is_empty() => Ok(name.to_owned()),
                    _ => Err(BackendError(format!("{command} printed no name of a leader"))),
                }
            }
            (Selector::Leader, None, Some(patroni)) => patroni.leader().await,
            (Selector::Replica, _, Some(patroni)) => patroni.replica().await,
            _ => Ok(selector.to_string()),
        }
    }

    pub(super) async fn act(
        &self,
        action: Action,
        member: &str,
        target: &str,
    ) -> Result<(), BackendError> {
        let own = self.hooks.command(action, &[member, target]);
        let all = self.hooks.heal.as_ref().filter(|_| action == Action::Heal);
        let Some(command) = own.or(all) else {
            return Err(BackendError(format!("no hook does {action} to {target}")));
        };
        self.run(command, action.name(), member, target).await
    }

    pub(super) async fn switch_over(
        &self,
        from: &str,
        to: Option<&str>,
    ) -> Result<(), BackendError> {
        match (self.hooks.command(Action::Switchover, &[from, "leader"]), &self.patroni) {
            (Some(command), _) => self.run(command, "switchover", from, "leader").await,
            (None, Some(patroni)) => patroni.switch_over(from, to).await,
            (None, None) => Err(BackendError("no hook does a switchover".to_owned())),
        }
    }

    pub(super) async fn undo(
        &self,
        action: &str,
        member: &str,
        target: &str,
    ) -> Result<(), BackendError> {
        let known = Action::ALL.iter().find(|(name, _)| *name == action).map(|(_, found)| *found);
        match known.and_then(|found| self.hooks.command(found, &[member, target])) {
            Some(command) => self.run(command, action, member, target).await,
            // The command that heals everything is run by itself.
            None if self.hooks.heal.is_some() => Ok(()),
            None => Err(BackendError(format!(
                "the drill {} has no hook for it: one that has, or `heal`, can mend it",
                self.name
            ))),
        }
    }

    pub(super) fn by_hand(&self, action: &str, member: &str, target: &str) -> String {
        let known = Action::ALL.iter().find(|(name, _)| *name == action).map(|(_, found)| *found);
        known
            .and_then(|found| self.hooks.command(found, &[member, target]))
            .map_or_else(|| format!("{action} {member}"), ToString::to_string)
    }

    pub(super) fn heal_command(&self) -> Option<CommandLine> {
        self.hooks.heal.clone()
    }

    pub(super) async fn whole(&self) -> Result<Option<String>, String> {
        if let Some(command) = &self.hooks.healthy {
            let looked = run_line(command, &self.variables, LOOK_DEADLINE).await;
            return looked
                .map(|words| Some(words).filter(|words| !words.is_empty()))
                .map_err(|error| error.to_string());
        }
        match &self.patroni {
            Some(patroni) => patroni.whole().await.map(Some),
            None => Ok(None),
        }
    }

    pub(super) async fn synchronous(&self) -> Option<bool> {
        self.patroni.as_ref()?.synchronous().await
    }

    /// Whether it can tell that the cluster is whole.
    #[must_use]
    pub fn knows_health(&self) -> bool {
        self.hooks.healthy.is_some() || self.patroni.is_some()
    }

    async fn run(
        &self,
        command: &CommandLine,
        action: &str,
        member: &str,
        target: &str,
    ) -> Result<(), BackendError> {
        let mut variables = self.variables.clone();
        for (name, value) in
            [("PGCHAOS_ACTION", action), ("PGCHAOS_MEMBER", member), ("PGCHAOS_TARGET", target)]
        {
            variables.push((name.to_owned(), value.to_owned()));
        }
        run_line(command, &variables, ACT_DEADLINE).await?;
        Ok(())
    }
}
