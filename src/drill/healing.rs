//! Mending what a drill has broken, however it ended.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::backend::Backend;
use super::command::{Variables, run_line};
use super::damage::Undo;
use super::hooks::ACT_DEADLINE;
use super::journal::Journal;
use crate::model::scenario::command_line::CommandLine;

/// How often something is tried: a member may be on its way down while it is to be started.
const TRIES: u32 = 3;

/// Between the tries.
const PAUSE: Duration = Duration::from_secs(2);

/// For one try on a lab or on Compose: a stop that goes on has half a minute. A command of the
/// scenario's has as long as one that breaks something.
const DEADLINE: Duration = Duration::from_secs(120);

/// A healing that failed, and what to do by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotHealed {
    /// What could not be undone, and why.
    pub what: String,
    /// What to type.
    pub by_hand: String,
}

/// Undoes all that the journal names, one by one, and goes on after one that fails. `told` hears
/// each step. What could not be undone stays in the journal.
pub async fn heal(
    backend: &Backend,
    journal: &mut Journal,
    variables: &Variables,
    told: &mut (dyn FnMut(String) + Send),
) -> Vec<NotHealed> {
    let mut failed = Vec::new();
    let broken = journal.damage.in_order();
    let mut undone = Vec::new();
    for undo in &broken {
        told(format!("mending: {}", words(undo)));
        match try_undo(backend, undo, variables).await {
            Ok(()) => undone.push(undo),
            Err(why) => failed.push(NotHealed {
                what: format!("{}: {why}", words(undo)),
                by_hand: by_hand(backend, undo),
            }),
        }
    }
    if let Some(command) = backend.heal_command() {
        told(format!("mending: {command}"));
        if let Err(error) = run_line(&command, variables, ACT_DEADLINE).await {
            let (what, by_hand) = (format!("heal: {error}"), command.to_string());
            failed.push(NotHealed { what, by_hand });
            // It is what mends, whatever else was done: nothing is forgotten before it worked.
            undone.clear();
        }
    }
    for undo in undone {
        journal.damage.undone(undo);
    }
    if let Err(error) = journal.keep() {
        told(error.to_string());
    }
    failed
}

async fn try_undo(backend: &Backend, undo: &Undo, variables: &Variables) -> Result<(), String> {
    let by_command = matches!(undo, Undo::Command { .. }) || matches!(backend, Backend::Hooks(_));
    let deadline = if by_command { ACT_DEADLINE } else { DEADLINE };
    let began = Instant::now();
    let mut why = String::new();
    for tried in 0..TRIES {
        if tried > 0 {
            if began.elapsed() >= DEADLINE {
                // It took its time, and would again.
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        match timeout(deadline, undo_once(backend, undo, variables)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => why = error,
            Err(_) => return Err(format!("not done within {} s", deadline.as_secs())),
        }
    }
    Err(why)
}

async fn undo_once(backend: &Backend, undo: &Undo, variables: &Variables) -> Result<(), String> {
    match undo {
        Undo::Member { action, member, target } => {
            backend.undo(action, member, target).await.map_err(|error| error.to_string())
        }
        Undo::Command { words, shell } => {
            let run = run_line(&command_line(words, *shell), variables, ACT_DEADLINE).await;
            run.map(drop).map_err(|error| error.to_string())
        }
    }
}

fn by_hand(backend: &Backend, undo: &Undo) -> String {
    match undo {
        Undo::Member { action, member, target } => backend.by_hand(action, member, target),
        Undo::Command { words, shell } => command_line(words, *shell).to_string(),
    }
}

/// A command as the journal keeps it, as it was.
pub(super) fn command_line(words: &[String], shell: bool) -> CommandLine {
    if shell { CommandLine::Shell(words.join(" ")) } else { CommandLine::Program(words.to_vec()) }
}

fn words(undo: &Undo) -> String {
    match undo {
        Undo::Member { action, member, .. } => format!("{action} {member}"),
        Undo::Command { words, shell } => command_line(words, *shell).to_string(),
    }
}
