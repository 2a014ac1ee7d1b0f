//! The cluster that drills are played on: found, or brought up for them and taken down after.

use tokio_util::sync::CancellationToken;

use super::super::lab::name_option;
use super::super::lab::problem::{Door, of_lab};
use super::super::problem::Problem;
use super::tell;
use crate::cli::drill_args::RunArgs;
use crate::drill::PatroniView;
use crate::drill::backend::{Backend, BackendError};
use crate::drill::compose::Compose;
use crate::drill::hooks::HooksBackend;
use crate::drill::lab::LabBackend;
use crate::lab::{Lab, LabError, LabSpec, Profile, Running};
use crate::model::scenario::{On, Scenario};

/// What was brought up for the drills.
#[derive(Debug, Default)]
pub(super) struct Stage {
    ours: Option<Ours>,
}

/// A lab of ours.
#[derive(Debug)]
struct Ours {
    lab: Lab,
    /// Whether there was nothing before: then nothing is kept.
    fresh: bool,
}

impl Stage {
    /// The cluster for this drill.
    pub(super) async fn set(
        &mut self,
        args: &RunArgs,
        scenario: &Scenario,
        on: On,
        interrupted: &CancellationToken,
    ) -> Result<Backend, Problem> {
        match on {
            On::Lab => self.lab(args, scenario, interrupted).await,
            On::Compose => {
                Compose::find(&args.project).await.map(Backend::Compose).map_err(|error| {
                    Problem::could_not_run(error.to_string()).try_this(
                        "docker compose up -d --build --wait; --project names another one",
                    )
                })
            }
            On::Hooks => hooks(args, scenario).map(Backend::Hooks),
        }
    }

    async fn lab(
        &mut self,
        args: &RunArgs,
        scenario: &Scenario,
        interrupted: &CancellationToken,
    ) -> Result<Backend, Problem> {
        let problem = |error: LabError| of_lab(&error, &door(args));
        let found = Lab::find(&args.lab.name).map_err(problem)?;
        let runs = found.as_ref().filter(|lab| lab.is_complete()).is_some_and(|lab| {
            lab.members().into_iter().any(|member| lab.running(member) != Running::Stopped)
        });
        let kept = found.as_ref().map(Lab::spec);
        let fits = kept.as_ref().is_none_or(|kept| {
            scenario.synchronous.is_none_or(|wanted| wanted == kept.synchronous)
        });
        let lab = match found {
            Some(lab) if runs && fits => lab,
            // One that is not ours is told of later, when it was asked.
            Some(lab) if runs && self.ours.is_none() => lab,
            found => {
                let fresh = self.ours.take().map_or(found.is_none(), |ours| ours.fresh);
                if let Some(lab) = found.filter(|_| runs) {
                    lab.down(false, &mut tell).await.map_err(problem)?;
                }
                let spec = spec(args, scenario, kept.as_ref());
                let stop = interrupted.clone();
                let lab = Lab::up_unless(&spec, &mut tell, stop.cancelled_owned())
                    .await
                    .map_err(problem)?;
                self.ours = Some(Ours { lab: lab.clone(), fresh });
                lab
            }
        };
        LabBackend::new(lab).map(Backend::Lab).map_err(|error| failed(&error))
    }

    /// Takes down what was brought up.
    pub(super) async fn clear(self, keep: bool) -> Result<(), Problem> {
        let Some(ours) = self.ours else { return Ok(()) };
        if keep {
            let name = ours.lab.name();
            let wipe = if ours.fresh { " --wipe" } else { "" };
            tell(format!(
                "the lab {name} is left running; end it: pgchaos lab down{wipe}{}",
                name_option(name)
            ));
            return Ok(());
        }
        Ok(ours.lab.down(ours.fresh, &mut tell).await?)
    }
}

/// The command that its user typed.
fn door(args: &RunArgs) -> Door {
    if args.is_demo { Door::Demo } else { Door::Drill(args.drills.clone()) }
}

/// What is asked for; what is not said stays as it was.
fn spec(args: &RunArgs, scenario: &Scenario, kept: Option<&LabSpec>) -> LabSpec {
    let profile = args.lab.profile.map(Profile::from);
    let profile = profile.or(kept.map(|kept| kept.profile)).unwrap_or(Profile::Quick);
    let synchronous = scenario.synchronous.or(kept.map(|kept| kept.synchronous)).unwrap_or(false);
    LabSpec { name: args.lab.name.clone(), base_port: args.lab.base_port, profile, synchronous }
}

/// The hooks of a drill.
pub(super) fn hooks(args: &RunArgs, scenario: &Scenario) -> Result<HooksBackend, Problem> {
    let hooks = scenario.hooks.clone().ok_or_else(|| {
        Problem::usage(format!("the drill {} has no [hooks] to break anything with", scenario.name))
    })?;
    let patroni = match args.patroni.is_empty() {
        true => None,
        false => Some(
            PatroniView::new(&args.patroni).map_err(|error| Problem::usage(error.to_string()))?,
        ),
    };
    Ok(HooksBackend::new(&scenario.name, hooks, patroni))
}

fn failed(error: &BackendError) -> Problem {
    Problem::could_not_run(error.to_string())
}
