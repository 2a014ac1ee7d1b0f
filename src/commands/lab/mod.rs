//! `pgchaos lab`: a local cluster of plain processes.

mod faults;
pub(super) mod install_deps;
mod logs;
mod problem;
mod status;
mod up;

use std::io::Write;

use super::problem::Problem;
use crate::cli::exit::Exit;
use crate::cli::lab_args::{DownArgs, LabArgs, LabCommand};
use crate::lab::{DEFAULT_NAME, Lab};

/// Runs the command.
///
/// # Errors
/// A [`Problem`].
pub(super) async fn run(args: LabArgs) -> Result<Exit, Problem> {
    let name = args.name.as_str();
    match args.command {
        LabCommand::Up(args) => up::run(name, &args).await,
        LabCommand::Status => Ok(status::run(&find(name)?).await),
        LabCommand::Stop(args) => faults::stop(&find(name)?, &args.members).await,
        LabCommand::Kill(args) => faults::kill(&find(name)?, &args.members).await,
        LabCommand::Pause(args) => faults::pause(&find(name)?, &args.members).await,
        LabCommand::Resume(args) => faults::resume(&find(name)?, &args.members).await,
        LabCommand::Start(args) => faults::start(&find(name)?, &args.members).await,
        LabCommand::Logs(args) => logs::run(&find(name)?, &args).await,
        LabCommand::Env => Ok(env(&find(name)?)),
        LabCommand::Down(args) => down(name, &args).await,
        LabCommand::InstallDeps(args) => install_deps::run(args.yes).await,
    }
}

/// The lab, which must be there.
fn find(name: &str) -> Result<Lab, Problem> {
    Lab::find(name)?.ok_or_else(|| {
        Problem::could_not_run(format!("there is no lab {name}"))
            .try_this(format!("pgchaos lab up{}", name_option(name)))
    })
}

/// For a command to try: the option that names the lab, where it is needed.
fn name_option(name: &str) -> String {
    if name == DEFAULT_NAME { String::new() } else { format!(" --name {name}") }
}

/// How it goes on, on standard error.
#[allow(clippy::needless_pass_by_value, reason = "as the lab hands it over")]
fn tell(line: String) {
    tell!("pgchaos: {line}");
}

/// On standard output. A reader that went away is no problem of ours.
fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

async fn down(name: &str, args: &DownArgs) -> Result<Exit, Problem> {
    match Lab::find(name)? {
        Some(lab) => lab.down(args.wipe, &mut tell).await?,
        None => tell(format!("there is no lab {name}: nothing to do")),
    }
    Ok(Exit::Pass)
}

/// On standard output, for a shell to read.
fn env(lab: &Lab) -> Exit {
    let (user, password) = lab.credentials();
    print(&format!(
        "export PGHOST=127.0.0.1 PGPORT={} PGDATABASE=postgres\n\
         export PGUSER={user} PGPASSWORD={password}\n\
         export PGCHAOS_READ_PORT={}\n\
         export PGCHAOS_PATRONI={}\n",
        lab.write_port(),
        lab.read_port(),
        lab.patroni_urls().join(",")
    ));
    Exit::Pass
}
