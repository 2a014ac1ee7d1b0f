//! One file a command: wiring only. Each takes checked arguments, and says how the program ends.

/// A line on standard error, with nothing in it that a terminal obeys. A reader that went away is
/// no reason to stop.
macro_rules! tell {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let line = crate::model::foreign::lines(&format!($($words)*));
        let width = $crate::commands::terminal::Terminal::stderr().width;
        let rows = crate::report::layout::fitted(&format!("{line}\n"), width);
        let _ = std::io::stderr().lock().write_all(rows.as_bytes());
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
pub mod manual;
pub mod other_port;
pub mod output;
pub mod place;
pub mod problem;
pub mod report;
mod same_file;
pub mod session;
mod signals;
pub mod terminal;
pub mod verify;

use crate::cli::exit::Exit;
use crate::cli::{Cli, Command, WriteRecordArgs, variables};
use crate::engine::record::process;
use problem::Problem;

/// Runs the command.
///
/// # Errors
/// A [`Problem`], in words for people, with the exit code that it means.
pub async fn run(cli: Cli) -> Result<Exit, Problem> {
    signals::survive_file_size_limit();
    // A load tells it in its log.
    if !matches!(cli.command, Command::WriteRecord(_) | Command::Gen(_)) {
        for words in variables::misspelt() {
            tell!("pgchaos: warning: {words}");
        }
    }
    match cli.command {
        Command::WriteRecord(args) => Ok(write_record(&args)),
        Command::Gen(args) => generate::run(*args).await,
        Command::Verify(args) => verify::run(args).await,
        Command::Report(args) => report::run(&args),
        Command::Init(args) => init::run(&args).await,
        Command::Clean(args) => clean::run(&args).await,
        Command::Completions(args) => manual::run_completions(&args),
        Command::Man(args) => manual::run_man(&args),
        Command::Help(_) => manual::run_help(),
        #[cfg(unix)]
        Command::Demo(args) => demo::run(args).await,
        #[cfg(unix)]
        Command::Drill(args) => drill::run(args).await,
        #[cfg(unix)]
        Command::Lab(args) => lab::run(args).await,
    }
}

/// The process that writes another's record.
fn write_record(args: &WriteRecordArgs) -> Exit {
    // What ends the run ends its lines; until then they are written.
    let _guard = signals::held_back();
    process::write_record(&args.record, std::io::stdin().lock(), std::io::stdout().lock());
    Exit::Pass
}
