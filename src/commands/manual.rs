//! `pgchaos completions`, `pgchaos man` and `pgchaos help`.

use std::io::{self, Write};

use super::output::printed;
use super::problem::Problem;
use crate::cli::command;
use crate::cli::exit::Exit;
use crate::cli::manual::{completions, page, write_pages};
use crate::cli::manual_args::{CompletionsArgs, ManArgs};

/// Prints the completions for a shell.
///
/// # Errors
/// When standard output cannot be written.
pub fn run_completions(args: &CompletionsArgs) -> Result<Exit, Problem> {
    print_bytes(&completions(args.shell))
}

/// Prints the manual or a page of it, or writes its pages into a folder.
///
/// # Errors
/// When there is no such command, or it cannot be written.
pub fn run_man(args: &ManArgs) -> Result<Exit, Problem> {
    if let Some(folder) = &args.dir {
        let written = write_pages(folder).map_err(|error| {
            Problem::could_not_run(format!(
                "no page can be written to {}: {error}",
                folder.display()
            ))
            .try_this("a folder that is there and that you may write to")
        })?;
        tell!("pgchaos: {written} pages written to {}", folder.display());
        return Ok(Exit::Pass);
    }
    let name = args.command.join(" ");
    let page = page(&args.command).map_err(|error| Problem::could_not_run(error.to_string()))?;
    let page = page.ok_or_else(|| {
        Problem::usage(format!("there is no command \"{name}\""))
            .try_this("pgchaos --help, which lists the commands")
    })?;
    print_bytes(&page)
}

/// Prints the help of pgchaos itself. `help COMMAND` is read as `COMMAND --help` and does not come
/// here.
///
/// # Errors
/// When standard output cannot be written.
pub fn run_help() -> Result<Exit, Problem> {
    print_bytes(command().render_help().to_string().as_bytes())
}

fn print_bytes(bytes: &[u8]) -> Result<Exit, Problem> {
    let mut out = io::stdout().lock();
    printed(out.write_all(bytes).and_then(|()| out.flush()))?;
    Ok(Exit::Pass)
}
