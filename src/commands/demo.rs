//! `pgchaos demo`: a lab, load, a killed leader, the account. The drill `leader-kill` on a lab of
//! its own, with words around it for readers new to failovers.

use std::path::PathBuf;

use clap::builder::Resettable;
use clap::{Args, FromArgMatches};

use super::drill::layout::stdout_layout;
use super::drill::run::run_for_report;
use super::lab::install_deps;
use super::output::{print, write_report};
use super::problem::Problem;
use super::state_folder::demo_page;
use crate::cli::demo_args::DemoArgs;
use crate::cli::drill_args::RunArgs;
use crate::cli::exit::Exit;
use crate::lab::dependencies::missing;
use crate::model::scenario::drill_report::DrillReport;
use crate::report::demo::{closing, opening};
use crate::report::html::drill_page;

/// The demo's own lab: it leaves the user's labs alone.
const LAB: &str = "demo";

/// Runs the command.
///
/// # Errors
/// A [`Problem`].
pub(super) async fn run(args: DemoArgs) -> Result<Exit, Problem> {
    let needs: Vec<String> = missing().await.iter().map(ToString::to_string).collect();
    if args.install_deps {
        install_deps::run(true).await?;
    } else if !needs.is_empty() {
        return Err(Problem::could_not_run(format!("missing here: {}", needs.join(", ")))
            .try_this("pgchaos demo --install-deps, which installs them with apt-get first"));
    }
    print(&opening(&stdout_layout()))?;
    let (exit, report) = run_for_report(drill(&args)?).await?;
    // A page of a demo that could not run says nothing, and an earlier one stays.
    let ran = report.drills.first().and_then(|run| run.summary.as_ref());
    let Some(summary) = ran else { return Ok(exit) };
    let program = std::env::args().next().unwrap_or_else(|| "pgchaos".to_owned());
    print(&closing(summary, &program, &stdout_layout()))?;
    match page(&report) {
        // Not wrapped: the path is to be copied.
        Ok(page) => print(&format!("\nSee it in a browser: {}\n", page.display()))?,
        // The demo is what it was.
        Err(problem) => tell!("{problem}"),
    }
    Ok(exit)
}

/// Writes the page of the demo in place of an earlier one's, and says where it is.
fn page(report: &DrillReport) -> Result<PathBuf, Problem> {
    let path = demo_page()?;
    if let Some(folder) = path.parent() {
        // What fails here fails again, with its words, when the file is written.
        let _ = std::fs::create_dir_all(folder);
    }
    write_report(&path, drill_page(report))?;
    Ok(path)
}

/// `pgchaos drill run leader-kill` on that lab.
fn drill(args: &DemoArgs) -> Result<RunArgs, Problem> {
    let mut words = vec!["demo".to_owned(), "leader-kill".to_owned()];
    words.extend(["--on=lab".to_owned(), format!("--name={LAB}")]);
    words.extend(args.base_port.map(|port| format!("--base-port={port}")));
    words.extend(args.tls.then(|| "--tls".to_owned()));
    words.extend(args.keep.then(|| "--keep".to_owned()));
    // The variables of drills are not meant for the demo.
    RunArgs::augment_args(clap::Command::new("demo").disable_help_flag(true))
        .mut_args(|option| option.env(Resettable::Reset))
        .try_get_matches_from(words)
        .and_then(|matches| RunArgs::from_arg_matches(&matches))
        .map(|drill| RunArgs { is_demo: true, ..drill })
        .map_err(|error| Problem::usage(error.to_string()))
}
