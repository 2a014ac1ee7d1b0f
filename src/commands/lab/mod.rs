//! `pgchaos lab`: a local cluster of plain processes.

mod down;
mod injections;
pub(super) mod install_deps;
mod list;
mod logs;
pub(super) mod name_option;
pub(super) mod problem;
mod psql;
mod status;
mod switchover;
mod up;

use super::output::print;
use super::problem::Problem;
use crate::cli::exit::Exit;
use crate::cli::lab_args::{LabArgs, LabCommand};
use crate::lab::Lab;
use crate::tls::ClusterFiles;
use name_option::name_option;

/// Runs the command.
///
/// # Errors
/// A [`Problem`].
pub(super) async fn run(args: LabArgs) -> Result<Exit, Problem> {
    let name = args.name.as_str();
    match args.command {
        LabCommand::Up(args) => up::run(name, &args).await,
        LabCommand::List => list::run().await,
        LabCommand::Status => status::run(&find(name)?).await,
        LabCommand::Stop(args) => injections::stop(&find(name)?, &args.members).await,
        LabCommand::Kill(args) => injections::kill(&find(name)?, &args.members).await,
        LabCommand::Pause(args) => injections::pause(&find(name)?, &args.members).await,
        LabCommand::Resume(args) => injections::resume(&find(name)?, &args.members).await,
        LabCommand::Start(args) => injections::start(&find(name)?, &args.members).await,
        LabCommand::Restart(args) => switchover::restart(&find(name)?, &args.members).await,
        LabCommand::Switchover(args) => {
            switchover::switchover(&find(name)?, args.to.as_ref()).await
        }
        LabCommand::Psql(args) => psql::run(&find(name)?, &args).await,
        LabCommand::Logs(args) => logs::run(&find(name)?, &args).await,
        LabCommand::Env => env(&find(name)?),
        LabCommand::Down(args) => down::run(name, &args).await,
        LabCommand::InstallDeps(args) => install_deps::run(args.yes).await,
    }
}

/// The lab, which must be there.
pub(super) fn find(name: &str) -> Result<Lab, Problem> {
    Lab::find(name)?.ok_or_else(|| {
        Problem::could_not_run(format!("there is no lab {name}"))
            .try_this(format!("pgchaos lab up{}", name_option(name)))
    })
}

/// On standard output, for a shell to read.
fn env(lab: &Lab) -> Result<Exit, Problem> {
    let (user, password) = lab.credentials();
    let in_quotes = |text: &str| format!("'{}'", text.replace('\'', "'\\''"));
    let export = |(name, value): (String, String)| format!("export {name}={}\n", in_quotes(&value));
    let tls: String = lab.tls().iter().flat_map(ClusterFiles::variables).map(export).collect();
    let patroni = lab.patroni_urls().join(",");
    print(&format!(
        "export PGHOST=127.0.0.1 PGPORT={} PGDATABASE=postgres\n\
         export PGUSER={user} PGPASSWORD={password}\n\
         {tls}\
         export PGCHAOS_READ_PORT={}\n\
         export PGCHAOS_PATRONI={patroni}\n",
        lab.write_port(),
        lab.read_port(),
    ))?;
    Ok(Exit::Pass)
}
