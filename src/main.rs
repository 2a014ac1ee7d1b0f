//! The `pgchaos` program: parses, runs, and maps the outcome to an exit code.

use std::io::Write;
use std::process::ExitCode;

use pgchaos::cli::exit::Exit;
use pgchaos::cli::process_title::hide_secrets;
use pgchaos::cli::redaction::without_secrets;
use pgchaos::cli::{Cli, Command};
use pgchaos::commands;
use pgchaos::commands::problem::fitted;
use pgchaos::commands::terminal::Terminal;
use pgchaos::model::foreign::printable;

fn main() -> ExitCode {
    hide_secrets();
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
    // Does not wait for a name lookup that hangs.
    runtime.shutdown_background();
    match ended {
        Ok(exit) => exit.into(),
        Err(problem) => {
            let printed = without_secrets(&problem.to_string());
            let rows = fitted(&printed, Terminal::stderr().width);
            let _ = std::io::stderr().write_all(rows.as_bytes());
            problem.exit.into()
        }
    }
}

/// Standard error for traces, which quote other programs: what a terminal would obey is escaped.
struct PrintableStderr;

impl Write for PrintableStderr {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        std::io::stderr().write_all(printable(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}

/// Traces of pgchaos's own doings, for its developers: by `-vv`, or as `RUST_LOG` says.
fn start_tracing(verbose: bool) {
    let default = if verbose { "pgchaos=debug" } else { "pgchaos=warn" };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| PrintableStderr).init();
}
