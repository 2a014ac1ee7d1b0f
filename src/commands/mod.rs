//! One file a command: wiring only. Each takes checked arguments, and says how the program ends.

/// A line on standard error. That nobody reads it is no reason to stop.
macro_rules! tell {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr().lock(), $($words)*);
    }};
}

pub mod clean;
#[cfg(unix)]
mod demo;
#[cfg(unix)]
mod drill;
pub mod files;
mod gen_log;
pub mod generate;
pub mod init;
#[cfg(unix)]
mod lab;
pub mod output;
pub mod problem;
pub mod report;
pub mod session;
mod signals;
pub mod terminal;
pub mod verify;

use crate::cli::exit::Exit;
use crate::cli::{Cli, Command};
use problem::Problem;

/// Runs the command.
///
/// # Errors
/// A [`Problem`], in words for people, with the exit code that it means.
pub async fn run(cli: Cli) -> Result<Exit, Problem> {
    match cli.command {
        Command::Gen(args) => generate::run(*args).await,
        Command::Verify(args) => verify::run(args).await,
        Command::Report(args) => report::run(&args),
        Command::Init(args) => init::run(&args).await,
        Command::Clean(args) => clean::run(&args).await,
        #[cfg(unix)]
        Command::Demo(args) => demo::run(args).await,
        #[cfg(unix)]
        Command::Drill(args) => drill::run(args).await,
        #[cfg(unix)]
        Command::Lab(args) => lab::run(args).await,
    }
}
