//! `pgchaos lab`: a local cluster of plain processes.

mod faults;
pub(super) mod install_deps;
mod list;
mod logs;
pub(super) mod problem;
mod psql;
mod status;
mod switchover;
mod up;

use tokio_util::sync::CancellationToken;

use super::output::print;
use super::problem::Problem;
use super::signals::cancel_on_signals;
use crate::cli::exit::Exit;
use crate::cli::lab_args::{DownArgs, LabArgs, LabCommand};
use crate::lab::{DEFAULT_NAME, Lab, Member, Running};

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
        LabCommand::Stop(args) => faults::stop(&find(name)?, &args.members).await,
        LabCommand::Kill(args) => faults::kill(&find(name)?, &args.members).await,
        LabCommand::Pause(args) => faults::pause(&find(name)?, &args.members).await,
        LabCommand::Resume(args) => faults::resume(&find(name)?, &args.members).await,
        LabCommand::Start(args) => faults::start(&find(name)?, &args.members).await,
        LabCommand::Restart(args) => switchover::restart(&find(name)?, &args.members).await,
        LabCommand::Switchover(args) => {
            switchover::switchover(&find(name)?, args.to.as_ref()).await
        }
        LabCommand::Psql(args) => psql::run(&find(name)?, &args).await,
        LabCommand::Logs(args) => logs::run(&find(name)?, &args).await,
        LabCommand::Env => env(&find(name)?),
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
pub(super) fn name_option(name: &str) -> String {
    if name == DEFAULT_NAME { String::new() } else { format!(" --name {name}") }
}

/// How it goes on, on standard error.
#[allow(clippy::needless_pass_by_value, reason = "as the lab hands it over")]
fn tell(line: String) {
    super::terminal::tell(&line);
}

async fn down(name: &str, args: &DownArgs) -> Result<Exit, Problem> {
    match Lab::find(name)? {
        Some(lab) => end(lab, args.wipe).await?,
        None => tell(format!("there is no lab {name}: nothing to do")),
    }
    Ok(Exit::Pass)
}

/// Ctrl-C stops in the middle what keeps the data, and what removes it only when it is said twice:
/// half of a lab is of no use.
async fn end(lab: Lab, wipe: bool) -> Result<(), Problem> {
    let (once, twice) = (CancellationToken::new(), CancellationToken::new());
    let signals = tokio::spawn(cancel_on_signals(once.clone(), twice.clone()));
    let mut told = tell;
    let mut down = std::pin::pin!(lab.clone().down(wipe, &mut told));
    let ended = tokio::select! {
        ended = &mut down => Some(ended),
        () = once.cancelled() => None,
    };
    let ended = match ended {
        None if wipe => {
            tell("half a removal is of no use: it goes on; Ctrl-C again stops it".to_owned());
            tokio::select! {
                ended = &mut down => Some(ended),
                () = twice.cancelled() => None,
            }
        }
        ended => ended,
    };
    signals.abort();
    if let Some(ended) = ended {
        return Ok(ended?);
    }
    let Some((what, next)) = cut_off(lab.name(), wipe)? else {
        tell(format!("lab {} is removed", lab.name()));
        return Ok(());
    };
    let interrupted = format!("interrupted: lab {} {what}", lab.name());
    let mut problem = Problem::could_not_run(interrupted).try_this(next);
    problem.exit = Exit::StoppedNow;
    Err(problem)
}

/// What a `down` that was cut off has left, and what to do with it; `None` when nothing is left.
fn cut_off(name: &str, wipe: bool) -> Result<Option<(String, String)>, Problem> {
    let named = name_option(name);
    let Some(lab) = Lab::find(name)? else { return Ok(None) };
    if lab.is_removed_in_part() {
        let next = format!("pgchaos lab down --wipe{named}, which goes on with it");
        return Ok(Some(("is removed in part".to_owned(), next)));
    }
    let runs = |member: &Member| lab.running(*member) != Running::Stopped;
    let runs: Vec<_> = lab.members().into_iter().filter(runs).map(|one| one.to_string()).collect();
    let what = match runs.is_empty() {
        true => "has stopped, and its data is there".to_owned(),
        false => format!("still has {}, and its data is there", runs.join(", ")),
    };
    let again = if wipe { " --wipe" } else { "" };
    let next = format!(
        "pgchaos lab down{again}{named}; or pgchaos lab up{named}, which starts what is missing"
    );
    Ok(Some((what, next)))
}

/// On standard output, for a shell to read.
fn env(lab: &Lab) -> Result<Exit, Problem> {
    let (user, password) = lab.credentials();
    print(&format!(
        "export PGHOST=127.0.0.1 PGPORT={} PGDATABASE=postgres\n\
         export PGUSER={user} PGPASSWORD={password}\n\
         export PGCHAOS_READ_PORT={}\n\
         export PGCHAOS_PATRONI={}\n",
        lab.write_port(),
        lab.read_port(),
        lab.patroni_urls().join(",")
    ))?;
    Ok(Exit::Pass)
}
