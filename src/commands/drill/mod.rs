//! `pgchaos drill`: scripted failures with expectations.
//!
//! - `scenarios`: drills by name or file. `cluster_setup`: the cluster that one is played on.
//! - `run`: one drill after the other, each from a whole cluster to a verdict. `single_run`: one
//!   of them, as a `request` asks for it; `fitness`: the checks before it; `load`: its load;
//!   `kept_verdict`: its verdict in the record.

mod cluster_setup;
mod fitness;
mod kept_verdict;
pub(super) mod layout;
mod load;
mod request;
pub(super) mod run;
mod scenarios;
mod single_run;
mod still_broken;

use super::output::print;
use super::problem::Problem;
use crate::cli::drill_args::{DrillArgs, DrillCommand, ShowArgs};
use crate::cli::exit::Exit;
use crate::drill::builtin;
use crate::model::scenario::SCHEMA;
use crate::report::layout::{Line, Tone, fitted};

/// Runs the command.
///
/// # Errors
/// A [`Problem`].
pub(super) async fn run(args: DrillArgs) -> Result<Exit, Problem> {
    match args.command {
        DrillCommand::List => list(),
        DrillCommand::Show(args) => show(&args),
        DrillCommand::Run(args) => run::run(*args).await,
    }
}

fn list() -> Result<Exit, Problem> {
    let width = builtin::ALL.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, _) in builtin::ALL {
        let scenario = scenarios::find(name)?;
        let title = Line::new(Tone::Plain, "").rest(&scenario.title);
        let rows = layout::stdout_layout().rows(&format!("{name:<width$}  "), &title);
        print(&(rows.join("\n") + "\n"))?;
    }
    let next = "\nEach runs on the lab and on Compose. `pgchaos drill show NAME` prints one.\n";
    print(&fitted(next, layout::stdout_layout().width))?;
    Ok(Exit::Pass)
}

fn show(args: &ShowArgs) -> Result<Exit, Problem> {
    match &args.name {
        Some(name) => print(&scenarios::find(name)?.source.text)?,
        None => print(SCHEMA)?,
    }
    Ok(Exit::Pass)
}
