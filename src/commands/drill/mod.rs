//! `pgchaos drill`: scripted failures with expectations.
//!
//! - `scenarios`: drills by name or file. `stage`: the cluster that one is played on.
//! - `run`: one after the other, each from a whole cluster to a verdict. `one`: one of them;
//!   `fitness`: what must be so before it; `load`: its load.

mod fitness;
mod load;
mod one;
pub(super) mod run;
mod scenarios;
mod stage;

use std::io::Write;

use super::problem::Problem;
use crate::cli::drill_args::{DrillArgs, DrillCommand, ShowArgs};
use crate::cli::exit::Exit;
use crate::drill::builtin;
use crate::model::scenario::SCHEMA;

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
        print(&format!("{name:<width$}  {}\n", scenario.title));
    }
    print("\nEach runs on the lab and on Compose. `pgchaos drill show NAME` prints one.\n");
    Ok(Exit::Pass)
}

fn show(args: &ShowArgs) -> Result<Exit, Problem> {
    match &args.name {
        Some(name) => print(&scenarios::find(name)?.source.text),
        None => print(SCHEMA),
    }
    Ok(Exit::Pass)
}

/// On standard output. A reader that went away is no problem of ours.
pub(super) fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// How it goes on, on standard error.
#[allow(clippy::needless_pass_by_value, reason = "as it is handed over")]
fn tell(line: String) {
    tell!("pgchaos: {line}");
}
