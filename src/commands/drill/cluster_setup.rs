//! The cluster that drills are played on: found, or brought up for them and taken down after.

use tokio_util::sync::CancellationToken;

use super::super::activity::Activity;
use super::super::lab::name_option::name_option;
use super::super::lab::problem::{AskingCommand, of_lab};
use super::super::problem::Problem;
use super::super::terminal::tell_progress;
use crate::cli::drill_args::RunArgs;
use crate::commands::haproxy_page::haproxy_page;
use crate::commands::patroni_apis::patroni_apis;
use crate::drill::cluster::PatroniView;
use crate::drill::cluster::compose::ComposeCluster;
use crate::drill::cluster::hooks::HooksCluster;
use crate::drill::cluster::lab::LabCluster;
use crate::lab::{Lab, LabError, LabSpec, Profile, Running};
use crate::model::scenario::Scenario;

/// The lab that was brought up for the drills, if one was.
#[derive(Debug, Default)]
pub(super) struct ClusterSetup {
    brought_up: Option<BroughtUpLab>,
}

#[derive(Debug)]
struct BroughtUpLab {
    lab: Lab,
    /// Whether there was nothing before: then nothing is kept.
    fresh: bool,
}

impl ClusterSetup {
    /// The lab for this drill: the one that runs, or one that is brought up.
    pub(super) async fn lab(
        &mut self,
        args: &RunArgs,
        scenario: &Scenario,
        interrupted: &CancellationToken,
    ) -> Result<LabCluster, Problem> {
        let problem = |error: LabError| of_lab(&error, &asking_command(args));
        let found = Lab::find(&args.lab.name).map_err(problem)?;
        let runs = found.as_ref().filter(|lab| lab.is_complete()).is_some_and(|lab| {
            lab.members().into_iter().any(|member| lab.running(member) != Running::Stopped)
        });
        let kept = found.as_ref().map(Lab::spec);
        let fits = kept.as_ref().is_none_or(|kept| {
            let is_secured = kept.tls || !args.tls;
            is_secured && scenario.synchronous.is_none_or(|wanted| wanted == kept.synchronous)
        });
        let without_tls = kept.as_ref().is_some_and(|kept| args.tls && !kept.tls);
        if runs && self.brought_up.is_none() && without_tls {
            return Err(no_tls(&args.lab.name));
        }
        let lab = match found {
            Some(lab) if runs && fits => lab,
            // Another's lab is not restarted: the check before the drill refuses it.
            Some(lab) if runs && self.brought_up.is_none() => lab,
            found => {
                let fresh = self.brought_up.take().map_or(found.is_none(), |ours| ours.fresh);
                if let Some(lab) = found.filter(|_| runs) {
                    let _taking_down = taking_down(&lab);
                    lab.down(false, &mut tell_progress).await.map_err(problem)?;
                }
                let spec = spec(args, scenario, kept.as_ref());
                let stop = interrupted.clone();
                let _bringing_up = Activity::begin(&format!("bringing up lab {}", spec.name));
                let lab = Lab::up_unless(&spec, &mut tell_progress, stop.cancelled_owned())
                    .await
                    .map_err(problem)?;
                self.brought_up = Some(BroughtUpLab { lab: lab.clone(), fresh });
                lab
            }
        };
        LabCluster::new(lab).map_err(|error| Problem::could_not_run(error.to_string()))
    }

    /// Takes down the lab that was brought up.
    pub(super) async fn clear(self, keep: bool) -> Result<(), Problem> {
        let Some(ours) = self.brought_up else { return Ok(()) };
        if keep {
            let name = ours.lab.name();
            let wipe = if ours.fresh { " --wipe" } else { "" };
            tell_progress(format!(
                "the lab {name} is left running; end it: pgchaos lab down{wipe}{}",
                name_option(name)
            ));
            return Ok(());
        }
        let _taking_down = taking_down(&ours.lab);
        Ok(ours.lab.down(ours.fresh, &mut tell_progress).await?)
    }
}

fn taking_down(lab: &Lab) -> Activity {
    Activity::begin(&format!("taking down lab {}", lab.name()))
}

/// The lab runs already, and it is not ended by the way.
fn no_tls(lab: &str) -> Problem {
    let named = name_option(lab);
    Problem::could_not_run(format!("lab {lab} runs without TLS")).try_this(format!(
        "pgchaos lab down{named}, and the same again: it comes up with TLS; or without --tls"
    ))
}

/// The command that the user typed.
fn asking_command(args: &RunArgs) -> AskingCommand {
    if args.is_demo { AskingCommand::Demo } else { AskingCommand::Drill(args.drills.clone()) }
}

/// The Compose project, which must run.
pub(super) async fn compose(args: &RunArgs) -> Result<ComposeCluster, Problem> {
    let found = ComposeCluster::find(&args.project).await.map_err(|error| {
        Problem::could_not_run(error.to_string())
            .try_this("docker compose up -d --build --wait; --project names another one")
    })?;
    if args.tls && !found.has_tls() {
        let runs = format!("the Compose project {} runs without TLS", args.project);
        return Err(Problem::could_not_run(runs).try_this(
            "COMPOSE_FILE=docker-compose.yml:docker-compose.tls.yml docker compose up -d --build \
             --wait; or without --tls",
        ));
    }
    Ok(found)
}

/// The lab that a drill needs; options that are not given stay as they were.
fn spec(args: &RunArgs, scenario: &Scenario, kept: Option<&LabSpec>) -> LabSpec {
    let profile = args.lab.profile.map(Profile::from);
    let profile = profile.or(kept.map(|kept| kept.profile)).unwrap_or(Profile::Quick);
    let synchronous = scenario.synchronous.or(kept.map(|kept| kept.synchronous)).unwrap_or(false);
    let tls = args.tls || kept.is_some_and(|kept| kept.tls);
    let (name, base_port) = (args.lab.name.clone(), args.lab.base_port);
    LabSpec { name, base_port, profile, synchronous, tls }
}

/// The hooks of a drill.
pub(super) fn hooks(args: &RunArgs, scenario: &Scenario) -> Result<HooksCluster, Problem> {
    if args.tls {
        return Err(Problem::usage(
            "--tls is for clusters that pgchaos knows: the lab and Compose",
        )
        .try_this("sslmode and sslrootcert in the connection string"));
    }
    let hooks = scenario.hooks.clone().ok_or_else(|| {
        Problem::usage(format!("the drill {} has no [hooks] to break anything with", scenario.name))
    })?;
    let patroni = match args.patroni.is_empty() {
        true => None,
        false => {
            let connection = args.connection.explicit(None);
            Some(PatroniView::of(patroni_apis(&args.patroni, &connection)?))
        }
    };
    let page = haproxy_page(args.haproxy.as_ref(), &args.connection.explicit(None))?;
    Ok(HooksCluster::new(&scenario.name, hooks, patroni, page))
}
