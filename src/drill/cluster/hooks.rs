//! Any cluster, broken and mended by the commands of a scenario.

use std::sync::Arc;
use std::time::Duration;

use super::DrillCluster;
use super::error::ClusterError;
use super::patroni_view::PatroniView;
use crate::drill::command::{HOOK_DEADLINE, Variables, run_line};
use crate::haproxy::HaproxyPage;
use crate::model::cluster::selector::Selector;
use crate::model::foreign;
use crate::model::scenario::Through;
use crate::model::scenario::command_line::CommandLine;
use crate::model::scenario::hooks::Hooks;
use crate::model::scenario::step::Action;
use crate::patroni::PatroniApi;

/// For a command that only looks.
const LOOK_DEADLINE: Duration = Duration::from_secs(30);

/// How much of a cluster's endpoints fits into a file's name.
const CLUSTER_BYTES_MAX: usize = 160;

/// The commands of one scenario.
#[derive(Debug, Clone)]
pub struct HooksCluster {
    name: String,
    hooks: Arc<Hooks>,
    patroni: Option<PatroniView>,
    /// Boxed: the other kinds of clusters hold less.
    page: Option<Box<HaproxyPage>>,
    variables: Variables,
}

impl HooksCluster {
    /// The hooks of the scenario `name`; with Patroni's API and HAProxy's page where there are such.
    #[must_use]
    pub fn new(
        name: &str,
        hooks: Hooks,
        patroni: Option<PatroniView>,
        page: Option<HaproxyPage>,
    ) -> Self {
        let (name, hooks) = (name.to_owned(), Arc::new(hooks));
        let page = page.map(Box::new);
        Self { name, hooks, patroni, page, variables: Vec::new() }
    }

    /// The endpoints of the load, as a part of a file's name.
    fn cluster(&self) -> String {
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

    /// Whether there is a command that does this to that target.
    ///
    /// # Errors
    /// Words that say why not.
    pub fn can(&self, action: Action, target: &Selector) -> Result<(), String> {
        let target = target.to_string();
        let has = self.hooks.command(action, &[&target]).is_some();
        let heals = action == Action::Heal && self.hooks.heal.is_some();
        let patroni_does = action == Action::Switchover && self.patroni.is_some();
        if has || heals || patroni_does {
            return Ok(());
        }
        Err(format!("no hook does that: [hooks] has neither {action}.{target} nor {action}"))
    }

    /// The command that undoes this at a member of one of these names.
    #[must_use]
    pub fn undo_command(&self, undo: Action, names: &[&str]) -> Option<&CommandLine> {
        let own = self.hooks.command(undo, names);
        own.or(self.hooks.heal.as_ref())
    }

    /// Whether it can tell that the cluster is whole.
    #[must_use]
    pub fn knows_health(&self) -> bool {
        self.hooks.healthy.is_some() || self.patroni.is_some()
    }

    /// Whether it can tell that the cluster replicates synchronously.
    #[must_use]
    pub fn knows_synchrony(&self) -> bool {
        self.hooks.synchronous.is_some() || self.patroni.is_some()
    }

    async fn run(
        &self,
        command: &CommandLine,
        action: &str,
        member: &str,
        target: &str,
    ) -> Result<(), ClusterError> {
        let of_action =
            [("PGCHAOS_ACTION", action), ("PGCHAOS_MEMBER", member), ("PGCHAOS_TARGET", target)];
        self.run_with(command, &of_action).await
    }

    async fn run_with(
        &self,
        command: &CommandLine,
        of_action: &[(&str, &str)],
    ) -> Result<(), ClusterError> {
        let mut variables = self.variables.clone();
        let of_action = of_action.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        variables.extend(of_action);
        run_line(command, &variables, HOOK_DEADLINE).await?;
        Ok(())
    }

    /// The name that the hook for a role prints.
    async fn named(&self, command: &CommandLine, role: &Selector) -> Result<String, ClusterError> {
        let printed = run_line(command, &self.variables, LOOK_DEADLINE).await?;
        match printed.lines().next().map(str::trim) {
            Some(name) if !name.is_empty() => Ok(name.to_owned()),
            _ => Err(ClusterError::NoMemberPrinted(command.clone(), role.clone())),
        }
    }

    /// The command for an action by its name, for a member of one of these names.
    fn command_named(&self, action: &str, names: &[&str]) -> Option<&CommandLine> {
        let (_, action) = Action::ALL.iter().find(|(name, _)| *name == action)?;
        self.hooks.command(*action, names)
    }
}

impl DrillCluster for HooksCluster {
    fn name(&self) -> String {
        format!("hooks-{}", self.name)
    }

    fn journal_name(&self) -> String {
        format!("hooks-{}", self.cluster())
    }

    fn set_variables(&mut self, variables: &Variables) {
        self.variables.clone_from(variables);
    }

    fn watched(&self) -> Vec<PatroniApi> {
        self.patroni.as_ref().map_or_else(Vec::new, PatroniView::watched)
    }

    /// The user says by it that the load goes through that proxy.
    fn proxy_page(&self, _through: Through) -> Option<HaproxyPage> {
        self.page.as_deref().cloned()
    }

    async fn synchronous(&self) -> Result<Option<bool>, ClusterError> {
        if let Some(command) = &self.hooks.synchronous {
            let printed = run_line(command, &self.variables, LOOK_DEADLINE).await?;
            // As psql prints a boolean.
            return match printed.trim() {
                "t" => Ok(Some(true)),
                "f" => Ok(Some(false)),
                other => Err(ClusterError::NeitherPrinted(command.clone(), foreign::said(other))),
            };
        }
        match &self.patroni {
            Some(patroni) => Ok(patroni.synchronous().await),
            None => Ok(None),
        }
    }

    /// A hook is asked for the role, whatever the action.
    async fn select_for(
        &self,
        _action: Action,
        selector: &Selector,
    ) -> Result<String, ClusterError> {
        let of_role = match selector {
            Selector::Leader => &self.hooks.leader,
            Selector::Replica => &self.hooks.replica,
            _ => &None,
        };
        match (selector, of_role, &self.patroni) {
            (role, Some(command), _) => self.named(command, role).await,
            (Selector::Leader, None, Some(patroni)) => patroni.leader().await,
            (Selector::Replica, None, Some(patroni)) => patroni.replica().await,
            _ => Ok(selector.to_string()),
        }
    }

    async fn act(&self, action: Action, member: &str, target: &str) -> Result<(), ClusterError> {
        let own = self.hooks.command(action, &[member, target]);
        let all = self.hooks.heal.as_ref().filter(|_| action == Action::Heal);
        let Some(command) = own.or(all) else {
            return Err(ClusterError::NoHook { action, target: target.to_owned() });
        };
        self.run(command, action.name(), member, target).await
    }

    async fn switch_over(&self, from: &str, to: Option<&str>) -> Result<(), ClusterError> {
        match (self.hooks.command(Action::Switchover, &[from, "leader"]), &self.patroni) {
            (Some(command), _) => {
                let of_action = [
                    ("PGCHAOS_ACTION", "switchover"),
                    ("PGCHAOS_MEMBER", from),
                    ("PGCHAOS_TARGET", "leader"),
                    ("PGCHAOS_TO", to.unwrap_or_default()),
                ];
                self.run_with(command, &of_action).await
            }
            (None, Some(patroni)) => patroni.switch_over(from, to).await,
            (None, None) => Err(ClusterError::NoSwitchoverHook),
        }
    }

    fn undoes(&self, action: Action, member: &str, target: &str) -> bool {
        let undo = action.undone_by();
        undo.is_some_and(|undo| self.undo_command(undo, &[member, target]).is_some())
    }

    async fn undo(&self, action: &str, member: &str, target: &str) -> Result<(), ClusterError> {
        match self.command_named(action, &[member, target]) {
            Some(command) => self.run(command, action, member, target).await,
            // The command that heals everything is run by itself.
            None if self.hooks.heal.is_some() => Ok(()),
            None => Err(ClusterError::NoUndoHook(self.name.clone())),
        }
    }

    fn undo_deadline(&self) -> Duration {
        HOOK_DEADLINE
    }

    fn by_hand(&self, action: &str, member: &str, target: &str) -> String {
        let command = self.command_named(action, &[member, target]);
        command.map_or_else(|| format!("{action} {member}"), ToString::to_string)
    }

    fn heal_command(&self) -> Option<CommandLine> {
        self.hooks.heal.clone()
    }

    async fn whole(&self) -> Result<Option<String>, ClusterError> {
        if let Some(command) = &self.hooks.healthy {
            let words = run_line(command, &self.variables, LOOK_DEADLINE).await?;
            return Ok(Some(words).filter(|words| !words.is_empty()));
        }
        match &self.patroni {
            Some(patroni) => patroni.whole().await.map(Some),
            None => Ok(None),
        }
    }
}
