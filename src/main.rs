//! The `pgchaos` program: parses, runs, and maps the outcome to an exit code.

use std::io::Write;
use std::process::ExitCode;

use pgchaos::cli::exit::Exit;
use pgchaos::cli::out_of_place::without_secrets;
use pgchaos::cli::{Cli, Command};
use pgchaos::commands;

fn main() -> ExitCode {
    let cli = Cli::read();
    let traces = matches!(&cli.command, Command::Gen(args) if args.log.verbose > 1);
    start_tracing(traces);
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "pgchaos: the system gives no threads: {error}");
            return Exit::CouldNotRun.into();
        }
    };
    let ended = runtime.block_on(commands::run(cli));
    // A name lookup that hangs must not hold the program up.
    runtime.shutdown_background();
    match ended {
        Ok(exit) => exit.into(),
        Err(problem) => {
            let _ = writeln!(std::io::stderr(), "{}", without_secrets(&problem.to_string()));
            problem.exit.into()
        }
    }
}

/// What pgchaos itself does, for who looks for a fault in it: `-vv`, or `RUST_LOG`.
fn start_tracing(verbose: bool) {
    let default = if verbose { "pgchaos=debug" } else { "pgchaos=warn" };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
