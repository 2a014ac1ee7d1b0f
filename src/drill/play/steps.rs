//! Plays the steps of a scenario, one after the other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::stopped::{StepError, Stopped};
use super::waits::{ASK_EVERY, wait_until};
use crate::drill::cluster::DrillCluster;
use crate::drill::command::{Variables, run_line};
use crate::drill::damage::Undo;
use crate::drill::damage::healing::heal;
use crate::drill::damage::journal::DamageJournal;
use crate::engine::drill_notes::DrillNote;
use crate::model::outage::injection::Injected;
use crate::model::run::totals::Totals;
use crate::model::scenario::Scenario;
use crate::model::scenario::command_line::CommandLine;
use crate::model::scenario::judging::Played;
use crate::model::scenario::step::{Act, Action, Deed, Exec, Step, StepTarget, TargetName};

/// How long a step waits for a member with the role that it names: a failover may be going on.
const SELECT_LIMIT: Duration = Duration::from_secs(30);

/// Plays the steps of one drill.
pub(super) struct StepPlayer<C> {
    pub(super) scenario: Arc<Scenario>,
    pub(super) cluster: C,
    pub(super) journal: Arc<Mutex<DamageJournal>>,
    pub(super) notes: mpsc::Sender<DrillNote>,
    pub(super) totals: watch::Receiver<Totals>,
    pub(super) variables: Variables,
    /// Members by the names that steps gave them, each with its name in the scenario.
    pub(super) aliases: BTreeMap<String, (String, String)>,
    /// Cuts waits and commands short; an action on a member is done to its end.
    pub(super) halt: CancellationToken,
    pub(super) played: Arc<std::sync::Mutex<Played>>,
}

impl<C: DrillCluster> StepPlayer<C> {
    /// Plays all steps, or until a wait is in vain.
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
                    let waiting = async {
                        self.say(wait.to_string()).await;
                        wait_until(*wait, &self.cluster, &mut self.totals).await
                    };
                    let waited = tokio::select! {
                        waited = waiting => waited,
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
            if target.name == TargetName::Everything {
                self.heal_everything(step, deed).await?;
                continue;
            }
            let failed = |error| Stopped::Step {
                step: step.number,
                what: format!("{} {}", deed.action, target.name),
                error,
            };
            let (member, called) = self.member(target, deed.action).await?.map_err(failed)?;
            let to = match &deed.to {
                Some(to) => Some(self.member(to, deed.action).await?.map_err(failed)?.0),
                None => None,
            };
            if let Some(alias) = &deed.alias {
                self.aliases.insert(alias.clone(), (member.clone(), called.clone()));
            }
            self.do_to(step, deed.action, &member, &called, to.as_deref(), &target.name).await?;
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
        name: &TargetName,
    ) -> Result<(), Stopped> {
        let mut journal = self.journal.lock().await;
        if self.cluster.undoes(action, member, called) {
            journal.damage.before(action, member, called);
        }
        journal.keep()?;
        let began = self.began(step, action.name(), name.to_string(), Some(member)).await;
        let done = match action {
            Action::Switchover => self.cluster.switch_over(member, to).await,
            _ => self.cluster.act(action, member, called).await,
        };
        self.ended(step, began).await;
        done.map_err(|error| Stopped::Step {
            step: step.number,
            what: format!("{action} {name}"),
            error: error.into(),
        })?;
        journal.damage.after(action, member);
        Ok(journal.keep()?)
    }

    async fn heal_everything(&self, step: &Step, deed: &Deed) -> Result<(), Stopped> {
        let mut journal = self.journal.lock().await;
        let began = self.began(step, deed.action.name(), "everything".to_owned(), None).await;
        let notes = self.notes.clone();
        // A line that finds the queue full is lost.
        let mut told = move |words| drop(notes.try_send(DrillNote::Say(words)));
        let failed = heal(&self.cluster, &mut journal, &self.variables, &mut told).await;
        self.ended(step, began).await;
        match failed.first() {
            None => Ok(()),
            Some(failed) => Err(Stopped::Step {
                step: step.number,
                what: "heal everything".to_owned(),
                error: StepError::NotHealed(failed.what.clone()),
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
            journal.keep()?;
        }
        let shown = exec.command.to_string();
        let began = self.began(step, "exec", shown, None).await;
        let done = tokio::select! {
            done = run_line(&exec.command, &self.variables, exec.within) => done,
            () = self.halt.cancelled() => return Err(Stopped::Interrupted),
        };
        self.ended(step, began).await;
        let printed = done.map_err(|error| Stopped::Step {
            step: step.number,
            what: "exec".to_owned(),
            error: error.into(),
        })?;
        if !printed.is_empty() {
            self.say(printed.lines().next().unwrap_or_default().to_owned()).await;
        }
        Ok(())
    }

    /// [`Self::find_member`], unless the user stops it.
    async fn member(
        &self,
        target: &StepTarget,
        action: Action,
    ) -> Result<Result<(String, String), StepError>, Stopped> {
        tokio::select! {
            found = self.find_member(target, action) => Ok(found),
            () = self.halt.cancelled() => Err(Stopped::Interrupted),
        }
    }

    /// The member that is meant, and its name in the scenario. Right after a failover there is no
    /// leader for a moment.
    async fn find_member(
        &self,
        target: &StepTarget,
        action: Action,
    ) -> Result<(String, String), StepError> {
        let selector = match &target.name {
            TargetName::Alias(alias) => {
                let found = self.aliases.get(alias).cloned();
                return found.ok_or_else(|| StepError::UnknownAlias(alias.clone()));
            }
            TargetName::Selector(selector) => selector,
            TargetName::Everything => {
                return Ok(("everything".to_owned(), "everything".to_owned()));
            }
        };
        let end = Instant::now() + SELECT_LIMIT;
        loop {
            match self.cluster.select_for(action, selector).await {
                Ok(member) => return Ok((member, selector.to_string())),
                Err(error) if Instant::now() >= end => return Err(error.into()),
                Err(_) => tokio::time::sleep(ASK_EVERY).await,
            }
        }
    }

    /// Notes that an action is about to be done; returns when the record will have that before
    /// anything that follows from it.
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
        // A load that has ended notes nothing; the next step finds that out.
        if self.notes.send(DrillNote::Began { at, injected, noted }).await.is_ok() {
            let _ = is_noted.await;
        }
        at
    }

    async fn ended(&self, step: &Step, began: Instant) {
        let _ =
            self.notes.send(DrillNote::Ended { step: step.number, took: began.elapsed() }).await;
    }

    pub(super) async fn say(&self, words: String) {
        let _ = self.notes.send(DrillNote::Say(words)).await;
    }
}
