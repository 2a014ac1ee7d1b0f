//! What can be refused before anything is broken: a step that the cluster cannot do, or that names
//! no member.

use super::cluster::compose::ComposeCluster;
use super::cluster::hooks::HooksCluster;
use super::cluster::lab::LabCluster;
use crate::model::cluster::selector::Selector;
use crate::model::scenario::Scenario;
use crate::model::scenario::error::ScenarioError;
use crate::model::scenario::step::{Act, Action, Deed, Step, StepTarget, TargetName, Until};

/// What a kind of cluster can do, as far as it is known without asking it.
#[derive(Debug)]
pub enum Abilities {
    /// A lab.
    Lab,
    /// The Compose project.
    Compose,
    /// These hooks.
    Hooks(HooksCluster),
}

impl Abilities {
    /// Whether this can be done to this target.
    ///
    /// # Errors
    /// Words that say why not.
    fn can(&self, action: Action, target: &Selector) -> Result<(), String> {
        match self {
            Self::Lab => LabCluster::can(action, target),
            Self::Compose => ComposeCluster::can(action, target),
            Self::Hooks(hooks) => hooks.can(action, target),
        }
    }
}

/// Checks every step.
///
/// # Errors
/// The first step that cannot be played, with its line.
pub fn check(scenario: &Scenario, abilities: &Abilities) -> Result<(), ScenarioError> {
    check_synchrony(scenario, abilities)?;
    for step in &scenario.steps {
        match &step.act {
            Act::Do(deed) => check_deed(scenario, abilities, deed)?,
            Act::Wait(wait) if wait.until == Until::Healthy => {
                check_health(scenario, abilities, step)?;
            }
            Act::Wait(_) | Act::Exec(_) => {}
        }
    }
    Ok(())
}

fn check_deed(
    scenario: &Scenario,
    abilities: &Abilities,
    deed: &Deed,
) -> Result<(), ScenarioError> {
    let targets = deed.targets.iter().map(|target| (deed.action, target));
    // The old and the new leader must be members with PostgreSQL.
    let to = deed.to.iter().map(|target| (Action::Switchover, target));
    for (action, target) in targets.chain(to) {
        let Some(selector) = selector_of(scenario, target) else { continue };
        abilities.can(action, selector).map_err(|words| scenario.error(&target.span, words))?;
    }
    Ok(())
}

/// A drill that needs a cluster to be synchronous, or not to be, cannot be played where that is
/// not known.
fn check_synchrony(scenario: &Scenario, abilities: &Abilities) -> Result<(), ScenarioError> {
    match (abilities, scenario.synchronous) {
        (Abilities::Hooks(hooks), Some(_)) if !hooks.knows_synchrony() => Err(scenario.error(
            &scenario.synchronous_span,
            "nothing tells whether this cluster is synchronous: [hooks] needs synchronous = \"…\", \
             which prints t or f, or give --patroni",
        )),
        _ => Ok(()),
    }
}

fn check_health(
    scenario: &Scenario,
    abilities: &Abilities,
    step: &Step,
) -> Result<(), ScenarioError> {
    match abilities {
        Abilities::Hooks(hooks) if !hooks.knows_health() => Err(scenario.error(
            &step.span,
            "nothing tells whether this cluster is healthy: [hooks] needs healthy = \"…\", or \
             give --patroni",
        )),
        _ => Ok(()),
    }
}

/// The selector of a target; for a name that a step gave, the selector of that step's target.
fn selector_of<'s>(scenario: &'s Scenario, target: &'s StepTarget) -> Option<&'s Selector> {
    match &target.name {
        TargetName::Selector(selector) => Some(selector),
        TargetName::Everything => None,
        TargetName::Alias(alias) => scenario.steps.iter().find_map(|step| match &step.act {
            Act::Do(deed) if deed.alias.as_ref() == Some(alias) => {
                selector_of(scenario, deed.targets.first()?)
            }
            _ => None,
        }),
    }
}

/// The actions that no hook undoes when the drill ends, in words.
#[must_use]
pub fn never_undone(scenario: &Scenario, abilities: &Abilities) -> Vec<String> {
    let mut found = Vec::new();
    let Abilities::Hooks(hooks) = abilities else { return found };
    for step in &scenario.steps {
        let Act::Do(deed) = &step.act else { continue };
        let Some(undo) = deed.action.undone_by() else { continue };
        for target in &deed.targets {
            let called = target.name.to_string();
            if hooks.undo_command(undo, &[&called]).is_none() {
                found.push(format!("{} {called}", deed.action));
            }
        }
    }
    found
}
