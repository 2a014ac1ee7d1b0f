//! What must be so before a drill begins: nobody else drills there, nothing is left broken, and the
//! cluster is whole.

use std::time::Duration;

use super::super::lab::name_option;
use super::super::problem::Problem;
use super::super::state_folder;
use super::one::{One, loud};
use super::tell;
use crate::cli::exit::Exit;
use crate::drill::backend::{Backend, wait_until_whole};
use crate::drill::command::Variables;
use crate::drill::healing::heal;
use crate::drill::journal::{Journal, JournalError};
use crate::lab::{LabError, free_base_port};
use crate::model::scenario::On;

/// How long a cluster may take to be whole before a drill.
const WHOLE_LIMIT: Duration = Duration::from_secs(120);

impl One<'_> {
    /// The journal of this cluster; what an earlier drill has left broken is mended first.
    pub(super) async fn journal(
        &self,
        backend: &Backend,
        variables: &Variables,
    ) -> Result<Journal, Problem> {
        let mut journal = Journal::open(&state_folder::drills_folder()?, &backend.journal_name())
            .map_err(|error| self.no_journal(&error))?;
        if journal.damage.undo.is_empty() {
            return Ok(journal);
        }
        tell("an earlier drill was killed, and left something broken".to_owned());
        let failed = heal(backend, &mut journal, variables, &mut tell).await;
        match failed.is_empty() {
            true => Ok(journal),
            false => {
                let words: Vec<String> = failed.iter().map(loud).collect();
                let path = journal.path().display();
                Err(Problem::could_not_run(words.join("\n"))
                    .try_this(format!("when that is mended by hand, remove {path}")))
            }
        }
    }

    fn no_journal(&self, error: &JournalError) -> Problem {
        let problem = Problem::could_not_run(error.to_string());
        match (error, self.on) {
            (JournalError::Busy(_), On::Lab) => problem.try_this(format!(
                "wait until that one has ended; or another lab: pgchaos drill run {} --name two \
                 --base-port {}",
                self.args.drills.join(" "),
                free_base_port().unwrap_or(15_000)
            )),
            (JournalError::Busy(_), _) => problem.try_this("wait until that one has ended"),
            _ => problem,
        }
    }

    /// A cluster that is not whole shows nothing when it is broken, and may not survive it.
    pub(super) async fn must_be_fit(&self, backend: &Backend) -> Result<(), Problem> {
        let mut told = tell;
        let whole = tokio::select! {
            whole = wait_until_whole(backend, WHOLE_LIMIT, &mut told) => whole,
            () = self.interrupt.once.cancelled() => return Err(interrupted()),
        };
        if let Err(missing) = whole {
            let problem = Problem::could_not_run(format!(
                "the cluster is not whole, so nothing was broken: {missing}"
            ));
            return Err(match self.on {
                On::Lab => problem.try_this(format!(
                    "pgchaos lab status{0}; pgchaos lab up{0} starts what is missing",
                    name_option(&self.args.lab.name)
                )),
                On::Compose => problem.try_this(format!(
                    "docker compose -p {} ps; docker start what is missing",
                    self.args.project
                )),
                On::Hooks => problem,
            });
        }
        let Some(wanted) = self.scenario.synchronous else { return Ok(()) };
        if backend.synchronous().await == Some(!wanted) {
            let word = |synchronous| if synchronous { "synchronous" } else { "asynchronous" };
            return Err(Problem::could_not_run(format!(
                "the drill {} needs a cluster that is {}, and this one is {}",
                self.scenario.name,
                word(wanted),
                word(!wanted)
            ))
            .try_this(match self.on {
                On::Lab => format!(
                    "another lab, which is brought up for it: pgchaos drill run {} --name two \
                     --base-port {}",
                    self.args.drills.join(" "),
                    free_base_port().unwrap_or(15_000)
                ),
                On::Compose => format!(
                    "docker compose exec patroni1 patronictl edit-config --force -s \
                     synchronous_mode={wanted}"
                ),
                On::Hooks => format!("synchronous_mode {wanted} in Patroni's configuration"),
            }));
        }
        Ok(())
    }
}

/// Before anything was done.
fn interrupted() -> Problem {
    let mut problem = Problem::could_not_run(LabError::Interrupted.to_string());
    problem.exit = Exit::StoppedNow;
    problem
}
