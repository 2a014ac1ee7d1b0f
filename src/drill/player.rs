//! Plays the steps of a scenario, one after the other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::backend::{Backend, BackendError};
use super::command::{Variables, run_line};
use super::damage::Undo;
use super::journal::Journal;
use crate::engine::notes::Note;
use crate::model::outage::injection::Injected;
use crate::model::run::totals::Totals;
use crate::model::scenario::Scenario;
use crate::model::scenario::command_line::CommandLine;
use crate::model::scenario::judging::Played;
use crate::model::scenario::step::{Act, Action, Deed, Exec, Step, StepTarget, Who};

/// How often the cluster is asked whether it is whole.
pub(super) const ASK_EVERY: Duration = Duration::from_millis(300);

/// How long to wait for somebody to be the leader, say, before a step.
const SELECT_LIMIT: Duration = Duration::from_secs(30);

/// Why the steps were not played to their end.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// The backend could not do what a step asks for.
    #[error("step {step} ({what}) failed: {error}")]
    Backend {
        /// The step.
        step: u32,
        /// What it was to do.
        what: String,
        /// Why it could not.
        error: BackendError,
    },
    /// The journal could not be kept: what is broken could be forgotten.
    #[error("{0}")]
    Journal(String),
    /// The user stopped it.
    #[error("stopped by Ctrl-C")]
    Interrupted,
    /// A part of pgchaos itself failed.
    #[error("pgchaos itself failed: {0}; please report this")]
    Ours(String),
    /// The load is over.
    #[error("the load ended by itself")]
    LoadEnded,
}

/// One drill while it is played.
pub(super) struct Player {
    pub(super) scenario: Arc<Scenario>,
    pub(super) backend: Backend,
    pub(super) journal: Arc<Mutex<Journal>>,
    pub(super) notes: mpsc::Sender<Note>,
    pub(super) totals: watch::Receiver<Totals>,
    pub(super) variables: Variables,
    /// Members by the names that steps gave them, with what the scenario called them.
    pub(super) aliases: BTreeMap<String, (String, String)>,
    /// Cuts waits and commands short; what is being done to a member is done to its end.
    pub(super) halt: CancellationToken,
    pub(super) played: Arc<std::sync::Mutex<Played>>,
}

impl Player {
    /// Plays all steps, or until a wait does not come true.
    pub(super) async fn play(mut self) -> Result<(), Stopped> {
        let scenario = Arc::clone(&self.scenario);
        let halt = self.halt.clone();
        for step in &scenario.steps {
            if halt.is_cancelled() {
                return Err(Stopped::Interrupted);
            }
            self.played(|played| played.reached = step.number);
            match &step.act {
                Act::Wait(wait) => {
                    let waited = tokio::select! {
                        waited = self.wait(*wait) => waited,
                        () = halt.cancelled() => return Err(Stopped::Interrupted),
                    };
                    if let Err(seen) = waited {
                        if self.notes.is_closed() {
                            return Err(Stopped::LoadEnded);
                        }
                        let what = wait.to_string();
                        self.say(format!("NOT {what}: {seen}")).await;
                        self.played(|played| {
                            played.waited_in_vain = Some((step.number, what, seen));
                        });
                        return Ok(());
                    }
                }
                Act::Exec(exec) => self.exec(step, exec).await?,
                Act::Do(deed) => self.deed(step, deed).await?,
            }
        }
        Ok(())
    }

    fn played(&self, change: impl FnOnce(&mut Played)) {
        change(&mut self.played.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }

    async fn deed(&mut self, step: &Step, deed: &Deed) -> Result<(), Stopped> {
        for target in &deed.targets {
            if self.halt.is_cancelled() {
                return Err(Stopped::Interrupted);
            }
            if target.who == Who::Everything {
                self.heal_everything(step, deed).await?;
                continue;
            }
            let failed = |error| Stopped::Backend {
                step: step.number,
                what: format!("{} {}", deed.action, target.who),
                error,
            };
            let (member, called) = self.who(target, deed.action).await?.map_err(failed)?;
            let to = match &deed.to {
                Some(to) => Some(self.who(to, deed.action).await?.map_err(failed)?.0),
                None => None,
            };
            if let Some(alias) = &deed.alias {
                self.aliases.insert(alias.clone(), (member.clone(), called.clone()));
            }
            self.do_to(step, deed.action, &member, &called, to.as_deref(), &target.who).await?;
        }
        Ok(())
    }

    async fn do_to(
        &self,
        step: &Step,
        action: Action,
        member: &str,
        called: &str,
        to: Option<&str>,
        who: &Who,
    ) -> Result<(), Stopped> {
        let mut journal = self.journal.lock().await;
        if self.backend.undoes(action, member, called) {
            journal.damage.before(action, member, called);
        }
        journal.keep().map_err(|error| Stopped::Journal(error.to_string()))?;
        let began = self.began(step, action.name(), who.to_string(), Some(member)).await;
        let done = match action {
            Action::Switchover => self.backend.switch_over(member, to).await,
            _ => self.backend.act(action, member, called).await,
        };
        self.ended(step, began).await;
        done.map_err(|error| Stopped::Backend {
            step: step.number,
            what: format!("{action} {who}"),
            error,
        })?;
        journal.damage.after(action, member);
        journal.keep().map_err(|error| Stopped::Journal(error.to_string()))
    }

    async fn heal_everything(&self, step: &Step, deed: &Deed) -> Result<(), Stopped> {
        let mut journal = self.journal.lock().await;
        let began = self.began(step, deed.action.name(), "everything".to_owned(), None).await;
        let notes = self.notes.clone();
        // What finds no room is only not said.
        let mut told = move |words| drop(notes.try_send(Note::Say(words)));
        let failed =
            super::healing::heal(&self.backend, &mut journal, &self.variables, &mut told).await;
        self.ended(step, began).await;
        match failed.first() {
            None => Ok(()),
            Some(failed) => Err(Stopped::Backend {
                step: step.number,
                what: "heal everything".to_owned(),
                error: BackendError(failed.what.clone()),
            }),
        }
    }

    async fn exec(&self, step: &Step, exec: &Exec) -> Result<(), Stopped> {
        if let Some(undo) = &exec.undo {
            let mut journal = self.journal.lock().await;
            let (words, shell) = match undo {
                CommandLine::Shell(line) => (vec![line.clone()], true),
                CommandLine::Program(words) => (words.clone(), false),
            };
            journal.damage.undo.push(Undo::Command { words, shell });
            journal.keep().map_err(|error| Stopped::Journal(error.to_string()))?;
        }
        let shown = exec.command.to_string();
        let began = self.began(step, "exec", shown, None).await;
        let done = tokio::select! {
            done = run_line(&exec.command, &self.variables, exec.within) => done,
            () = self.halt.cancelled() => return Err(Stopped::Interrupted),
        };
        self.ended(step, began).await;
        let printed = done.map_err(|error| Stopped::Backend {
            step: step.number,
            what: "exec".to_owned(),
            error: error.into(),
        })?;
        if !printed.is_empty() {
            self.say(printed.lines().next().unwrap_or_default().to_owned()).await;
        }
        Ok(())
    }

    /// [`Self::found`], unless the user stops it.
    async fn who(
        &self,
        target: &StepTarget,
        action: Action,
    ) -> Result<Result<(String, String), BackendError>, Stopped> {
        tokio::select! {
            found = self.found(target, action) => Ok(found),
            () = self.halt.cancelled() => Err(Stopped::Interrupted),
        }
    }

    /// The member that is meant, and what the scenario calls it. Right after a failover nobody may
    /// be the leader for a moment.
    async fn found(
        &self,
        target: &StepTarget,
        action: Action,
    ) -> Result<(String, String), BackendError> {
        let selector = match &target.who {
            Who::Alias(alias) => {
                let found = self.aliases.get(alias).cloned();
                return found.ok_or_else(|| BackendError(format!("{alias} is nobody yet")));
            }
            Who::Selector(selector) => selector,
            Who::Everything => return Ok(("everything".to_owned(), "everything".to_owned())),
        };
        let end = Instant::now() + SELECT_LIMIT;
        loop {
            match self.backend.select_for(action, selector).await {
                Ok(member) => return Ok((member, selector.to_string())),
                Err(error) if Instant::now() >= end => return Err(error),
                Err(_) => tokio::time::sleep(ASK_EVERY).await,
            }
        }
    }

    /// Notes that something is about to be done; returns when the record will have it before
    /// whatever follows from it.
    async fn began(
        &self,
        step: &Step,
        action: &str,
        target: String,
        member: Option<&str>,
    ) -> Instant {
        let (noted, is_noted) = oneshot::channel();
        let injected = Injected {
            step: step.number,
            action: action.to_owned(),
            target,
            member: member.map(str::to_owned),
        };
        let at = Instant::now();
        // A load that has ended notes nothing, which the next step finds out.
        if self.notes.send(Note::Began { at, injected, noted }).await.is_ok() {
            let _ = is_noted.await;
        }
        at
    }

    async fn ended(&self, step: &Step, began: Instant) {
        let _ = self.notes.send(Note::Ended { step: step.number, took: began.elapsed() }).await;
    }

    pub(super) async fn say(&self, words: String) {
        let _ = self.notes.send(Note::Say(words)).await;
    }
}
