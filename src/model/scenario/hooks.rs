//! Commands that break and mend a cluster of any kind.

use std::collections::BTreeMap;

use super::command_line::{self, CommandLine};
use super::error::ScenarioError;
use super::fields::{Fields, Value, instead};
use super::step::Action;

/// The commands. They get `PGCHAOS_ACTION`, `PGCHAOS_TARGET` (as the scenario names it),
/// `PGCHAOS_MEMBER` (the name that `leader` or `replica` gave, else the target), for a switchover
/// `PGCHAOS_TO`, and the connection's `PG…`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hooks {
    /// By action, then by target; an empty target stands for all that have none of their own.
    actions: BTreeMap<String, BTreeMap<String, CommandLine>>,
    /// Prints the name of the member that leads.
    pub leader: Option<CommandLine>,
    /// Prints the name of a member that does not lead.
    pub replica: Option<CommandLine>,
    /// Prints whether the cluster replicates synchronously.
    pub synchronous: Option<CommandLine>,
    /// Ends with 0 when the cluster is whole.
    pub healthy: Option<CommandLine>,
    /// Mends whatever the drill broke.
    pub heal: Option<CommandLine>,
}

impl Hooks {
    pub(super) fn read(value: &Value<'_>) -> Result<Self, ScenarioError> {
        let fields = value.fields()?;
        let mut hooks = Self::default();
        for value in fields.all() {
            match value.key.as_str() {
                "leader" => hooks.leader = Some(command_line::read(&value)?),
                "replica" => hooks.replica = Some(command_line::read(&value)?),
                "synchronous" => hooks.synchronous = Some(command_line::read(&value)?),
                "healthy" => hooks.healthy = Some(command_line::read(&value)?),
                "heal" if !value.is_table() => hooks.heal = Some(command_line::read(&value)?),
                key if Action::ALL.iter().any(|(name, _)| *name == key) => {
                    hooks.actions.insert(key.to_owned(), by_target(&value)?);
                }
                key => {
                    let actions = Action::ALL.iter().map(|(name, _)| *name);
                    let known = actions.chain(["leader", "replica", "healthy", "synchronous"]);
                    return Err(
                        value.wrong(format!("[hooks] has no {key:?}; {}", instead(key, known)))
                    );
                }
            }
        }
        Ok(hooks)
    }

    /// The command for this, for one of these names of the target, the first that has one.
    #[must_use]
    pub fn command(&self, action: Action, names: &[&str]) -> Option<&CommandLine> {
        let by_target = self.actions.get(action.name())?;
        names.iter().chain(&[""]).find_map(|name| by_target.get(*name))
    }
}

fn by_target(value: &Value<'_>) -> Result<BTreeMap<String, CommandLine>, ScenarioError> {
    if !value.is_table() {
        return Ok([(String::new(), command_line::read(value)?)].into());
    }
    let fields: Fields<'_> = value.fields()?;
    fields.all().map(|value| Ok((value.key.clone(), command_line::read(&value)?))).collect()
}
