//! `pgchaos drill run`: one drill after the other.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::output::{must_be_writable, named_reports, print, write_report};
use super::super::problem::Problem;
use super::super::same_file::all_distinct;
use super::super::signals::cancel_on_signals;
use super::super::terminal::tell_progress;
use super::cluster_setup::{ClusterSetup, hooks};
use super::layout::stdout_layout;
use super::request::DrillRequest;
use super::scenarios;
use super::single_run::RunOutcome;
use crate::cli::drill_args::RunArgs;
use crate::cli::exit::Exit;
use crate::cli::summary_args::SummaryFormat;
use crate::drill::check::{Abilities, check, never_undone};
use crate::drill::play::Interrupt;
use crate::engine::descriptors;
use crate::model::outcome::Outcome;
use crate::model::scenario::drill_report::DrillReport;
use crate::model::scenario::{On, Scenario};
use crate::report::drill::{DrillFormat, plan, table};
use crate::report::layout::fitted;

/// Runs the command.
pub(super) async fn run(args: RunArgs) -> Result<Exit, Problem> {
    if args.dry_run {
        for (scenario, on) in &checked(&args)? {
            print(&fitted(&plan(scenario, on.name()), stdout_layout().width))?;
        }
        return Ok(Exit::Pass);
    }
    Ok(run_for_report(args).await?.0)
}

/// Plays the drills; returns the exit code and the report.
pub(crate) async fn run_for_report(args: RunArgs) -> Result<(Exit, DrillReport), Problem> {
    let scenarios = checked(&args)?;
    for (scenario, _) in &scenarios {
        descriptors::provide(&scenario.load)?;
    }
    for drill in &args.drills {
        let drill = ("the drill", Path::new(drill));
        all_distinct(std::iter::once(drill).chain(named_reports(&args.report)))?;
    }
    let reports = reports(&args.report)?;
    let interrupt = Interrupt::default();
    let signals = tokio::spawn(cancel_on_signals(interrupt.once.clone(), interrupt.twice.clone()));
    let mut setup = ClusterSetup::default();
    let mut outcomes = Vec::new();
    'drills: for (scenario, on) in &scenarios {
        for repetition in 1..=args.repeat {
            let (on, interrupt) = (*on, &interrupt);
            let request = DrillRequest { args: &args, scenario, on, repetition, interrupt };
            outcomes.push(request.run(&mut setup).await);
            if interrupt.once.is_cancelled() {
                break 'drills;
            }
        }
    }
    let cleared = setup.clear(args.lab.keep).await;
    signals.abort();
    let exit = exit(&outcomes, &interrupt);
    let report = DrillReport::of(outcomes.into_iter().map(|outcome| outcome.run).collect());
    let shown = show(&args, &report);
    for (path, format) in reports {
        write(&path, format, &report)?;
    }
    shown?;
    cleared?;
    Ok((exit, report))
}

/// Every drill, read and checked before anything is touched.
fn checked(args: &RunArgs) -> Result<Vec<(Arc<Scenario>, On)>, Problem> {
    let mut checked = Vec::new();
    for said in &args.drills {
        let scenario = scenarios::find(said)?;
        let on = on(args, &scenario)?;
        let abilities = match on {
            On::Lab => Abilities::Lab,
            On::Compose => Abilities::Compose,
            On::Hooks => Abilities::Hooks(hooks(args, &scenario)?),
        };
        check(&scenario, &abilities).map_err(|error| scenarios::wrong(&error))?;
        let never = never_undone(&scenario, &abilities);
        if !never.is_empty() {
            tell_progress(format!(
                "warning: no hook undoes {}: the drill {} leaves that as it is",
                never.join(", "),
                scenario.name
            ));
        }
        checked.push((Arc::new(scenario), on));
    }
    Ok(checked)
}

fn on(args: &RunArgs, scenario: &Scenario) -> Result<On, Problem> {
    let Some(asked) = args.on.map(On::from) else {
        return scenario.on.first().copied().ok_or_else(|| Problem::usage("no backend"));
    };
    if scenario.on.contains(&asked) {
        return Ok(asked);
    }
    let names: Vec<&str> = scenario.on.iter().map(|on| on.name()).collect();
    Err(Problem::usage(format!(
        "the drill {} does not run on {}, but on {}",
        scenario.name,
        asked.name(),
        names.join(", ")
    )))
}

/// Checks names and files before the drills, so that a long one does not end with "no such folder".
fn reports(paths: &[PathBuf]) -> Result<Vec<(PathBuf, DrillFormat)>, Problem> {
    let mut reports = Vec::new();
    for path in paths {
        let format =
            DrillFormat::of_path(path).map_err(|error| Problem::usage(error.to_string()))?;
        must_be_writable(path)?;
        reports.push((path.clone(), format));
    }
    Ok(reports)
}

fn write(path: &Path, format: DrillFormat, report: &DrillReport) -> Result<(), Problem> {
    let content =
        format.render(report).map_err(|error| Problem::could_not_run(error.to_string()))?;
    write_report(path, content)
}

fn show(args: &RunArgs, report: &DrillReport) -> Result<(), Problem> {
    match args.printed.summary {
        SummaryFormat::Json => print(
            &DrillFormat::Json
                .render(report)
                .map_err(|error| Problem::could_not_run(error.to_string()))?,
        ),
        SummaryFormat::Text if report.drills.len() > 1 => print(&table(report)),
        SummaryFormat::Text => Ok(()),
    }
}

/// The exit code. A failed drill outweighs one that could not run, and that outweighs one that
/// could not be judged.
fn exit(outcomes: &[RunOutcome], interrupt: &Interrupt) -> Exit {
    let any = |is: fn(&RunOutcome) -> bool| outcomes.iter().any(is);
    if interrupt.twice.is_cancelled() {
        Exit::StoppedNow
    } else if any(|outcome| outcome.run.verdict == Outcome::Fail) {
        Exit::Fail
    } else if any(|outcome| outcome.could_not_run) {
        Exit::CouldNotRun
    } else if any(|outcome| outcome.run.interrupted) {
        Exit::StoppedNow
    } else if any(|outcome| outcome.run.verdict == Outcome::Inconclusive) || outcomes.is_empty() {
        Exit::Inconclusive
    } else {
        Exit::Pass
    }
}
