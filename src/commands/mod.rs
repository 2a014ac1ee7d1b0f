//! One file a command: wiring only. Each takes checked arguments and returns how the program ends.

#[macro_use]
pub mod terminal;

pub mod activity;
pub mod clean;
pub mod connection_options;
mod console_log;
#[cfg(unix)]
mod demo;
#[cfg(unix)]
mod drill;
pub mod generate;
mod haproxy_page;
pub mod init;
#[cfg(unix)]
mod lab;
pub mod lab_hint;
pub mod manual;
mod members;
pub mod output;
mod patroni_apis;
mod predict;
pub mod problem;
mod recorded_target;
mod remedies;
pub mod report;
mod report_output;
mod runs;
mod same_file;
pub mod session;
mod signals;
pub mod state_folder;
pub mod verify;
mod writable_target;

use crate::cli::exit::Exit;
use crate::cli::{Cli, Command, WriteRecordArgs, environment};
use crate::engine::record::process;
use problem::Problem;

/// Runs the command.
///
/// # Errors
/// A [`Problem`], in words for people, with the exit code that it means.
pub async fn run(cli: Cli) -> Result<Exit, Problem> {
    signals::survive_file_size_limit();
    // A load says it in its log.
    if !matches!(cli.command, Command::WriteRecord(_) | Command::Gen(_)) {
        for words in environment::misspelt() {
            tell!("pgchaos: warning: {words}");
        }
    }
    match cli.command {
        Command::WriteRecord(args) => Ok(write_record(&args)),
        Command::Gen(args) => generate::run(*args).await,
        Command::Verify(args) => signals::ended_by_signals(verify::run(args)).await,
        Command::Report(args) => report::run(&args),
        Command::Runs(args) => signals::ended_by_signals(async move { runs::run(&args) }).await,
        Command::Predict(args) => signals::ended_by_signals(predict::run(*args)).await,
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

/// The process that writes the record of a load.
fn write_record(args: &WriteRecordArgs) -> Exit {
    // A signal that ends the load does not end its record: standard input does.
    let _guard = signals::held_back();
    process::write_record(&args.record, std::io::stdin().lock(), std::io::stdout().lock());
    Exit::Pass
}
