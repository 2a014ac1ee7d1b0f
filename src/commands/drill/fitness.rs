//! The checks before a drill: no other drill runs on the cluster, the damage of an earlier one is
//! mended, and the cluster is whole.

use std::time::Duration;

use super::super::activity::Activity;
use super::super::lab::name_option::name_option;
use super::super::problem::Problem;
use super::super::state_folder;
use super::super::terminal::tell_progress;
use super::request::DrillRequest;
use super::still_broken::still_broken;
use crate::cli::exit::Exit;
use crate::drill::cluster::DrillCluster;
use crate::drill::cluster::wholeness::wait_until_whole;
use crate::drill::command::Variables;
use crate::drill::damage::healing::heal;
use crate::drill::damage::journal::{DamageJournal, JournalError};
use crate::lab::{LabError, free_base_port};
use crate::model::scenario::On;

/// How long a cluster may take to be whole before a drill.
const WHOLE_LIMIT: Duration = Duration::from_secs(120);

/// Opens the journal of this cluster. Damage that an earlier drill has left is mended first.
pub(super) async fn open_journal<C: DrillCluster>(
    request: &DrillRequest<'_>,
    cluster: &C,
    variables: &Variables,
) -> Result<DamageJournal, Problem> {
    let mut journal = DamageJournal::open(&state_folder::drills_folder()?, &cluster.journal_name())
        .map_err(|error| no_journal(request, &error))?;
    if journal.damage.undo.is_empty() {
        return Ok(journal);
    }
    tell_progress("an earlier drill was killed, and left something broken");
    let _mending = Activity::begin("mending it");
    let failed = heal(cluster, &mut journal, variables, &mut tell_progress).await;
    match failed.is_empty() {
        true => Ok(journal),
        false => {
            let words: Vec<String> = failed.iter().map(still_broken).collect();
            let path = journal.path().display();
            Err(Problem::could_not_run(words.join("\n"))
                .try_this(format!("when that is mended by hand, remove {path}")))
        }
    }
}

fn no_journal(request: &DrillRequest<'_>, error: &JournalError) -> Problem {
    let problem = Problem::could_not_run(error.to_string());
    match (error, request.on) {
        (JournalError::Busy(_), On::Lab) => problem.try_this(format!(
            "wait until that one has ended; or another lab: pgchaos drill run {} --name two \
             --base-port {}",
            request.args.drills.join(" "),
            free_base_port().unwrap_or(15_000)
        )),
        (JournalError::Busy(_), _) => problem.try_this("wait until that one has ended"),
        _ => problem,
    }
}

/// Refuses a cluster that is not whole, or does not replicate as the drill needs it: to break it
/// would show nothing, and it may not survive that.
pub(super) async fn must_be_fit<C: DrillCluster>(
    request: &DrillRequest<'_>,
    cluster: &C,
) -> Result<(), Problem> {
    let _waiting = Activity::begin("waiting for a whole cluster");
    let mut told = tell_progress;
    let whole = tokio::select! {
        whole = wait_until_whole(cluster, WHOLE_LIMIT, &mut told) => whole,
        () = request.interrupt.once.cancelled() => return Err(interrupted()),
    };
    if let Err(missing) = whole {
        let problem = Problem::could_not_run(format!(
            "the cluster is not whole, so nothing was broken: {missing}"
        ));
        return Err(match request.on {
            On::Lab => problem.try_this(format!(
                "pgchaos lab status{0}; pgchaos lab up{0} starts what is missing",
                name_option(&request.args.lab.name)
            )),
            On::Compose => problem.try_this(format!(
                "docker compose -p {} ps; docker start what is missing",
                request.args.project
            )),
            On::Hooks => problem,
        });
    }
    let Some(wanted) = request.scenario.synchronous else { return Ok(()) };
    let synchronous = cluster.synchronous().await.map_err(|error| {
        Problem::could_not_run(format!("whether the cluster is synchronous is not known: {error}"))
    })?;
    if synchronous == Some(!wanted) {
        let word = |synchronous| if synchronous { "synchronous" } else { "asynchronous" };
        return Err(Problem::could_not_run(format!(
            "the drill {} needs a cluster that is {}, and this one is {}",
            request.scenario.name,
            word(wanted),
            word(!wanted)
        ))
        .try_this(match request.on {
            On::Lab => format!(
                "another lab, which is brought up for it: pgchaos drill run {} --name two \
                 --base-port {}",
                request.args.drills.join(" "),
                free_base_port().unwrap_or(15_000)
            ),
            On::Compose => format!(
                "docker compose exec patroni1 patronictl edit-config --force -s \
                 synchronous_mode={wanted}"
            ),
            On::Hooks => format!(
                "synchronous replication turned {} there: synchronous_mode of Patroni, \
                 synchronous_standby_names elsewhere",
                if wanted { "on" } else { "off" }
            ),
        }));
    }
    Ok(())
}

/// The problem of a drill that was stopped before it did anything.
fn interrupted() -> Problem {
    let mut problem = Problem::could_not_run(LabError::Interrupted.to_string());
    problem.exit = Exit::StoppedNow;
    problem
}
