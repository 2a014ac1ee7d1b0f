//! Mending what a drill has broken, however it ended.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::Undo;
use super::journal::DamageJournal;
use crate::drill::cluster::DrillCluster;
use crate::drill::command::{HOOK_DEADLINE, Variables, run_line};
use crate::model::scenario::command_line::CommandLine;

/// How often an undo is tried: a member may be stopping while it is to be started.
const TRIES: u32 = 3;

/// Between the tries.
const PAUSE: Duration = Duration::from_secs(2);

/// After this time there is no further try.
const TRIES_WITHIN: Duration = Duration::from_secs(120);

/// A healing that failed, and what to do by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotHealed {
    /// What could not be undone, and why.
    pub what: String,
    /// What to type.
    pub by_hand: String,
}

/// Undoes all that the journal names, one by one, and goes on after a failure. `told` gets a line
/// for each. What could not be undone stays in the journal.
pub async fn heal<C: DrillCluster>(
    cluster: &C,
    journal: &mut DamageJournal,
    variables: &Variables,
    told: &mut (dyn FnMut(String) + Send),
) -> Vec<NotHealed> {
    let mut failed = Vec::new();
    let broken = journal.damage.in_order();
    let mut undone = Vec::new();
    for undo in &broken {
        told(format!("mending: {}", words(undo)));
        match try_undo(cluster, undo, variables).await {
            Ok(()) => undone.push(undo),
            Err(why) => failed.push(NotHealed {
                what: format!("{}: {why}", words(undo)),
                by_hand: by_hand(cluster, undo),
            }),
        }
    }
    if let Some(command) = cluster.heal_command() {
        told(format!("mending: {command}"));
        if let Err(error) = run_line(&command, variables, HOOK_DEADLINE).await {
            let (what, by_hand) = (format!("heal: {error}"), command.to_string());
            failed.push(NotHealed { what, by_hand });
            // This command is what mends: until it works, nothing counts as undone.
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

async fn try_undo<C: DrillCluster>(
    cluster: &C,
    undo: &Undo,
    variables: &Variables,
) -> Result<(), String> {
    let deadline = match undo {
        Undo::Member { .. } => cluster.undo_deadline(),
        Undo::Command { .. } => HOOK_DEADLINE,
    };
    let began = Instant::now();
    let mut why = String::new();
    for tried in 0..TRIES {
        if tried > 0 {
            if began.elapsed() >= TRIES_WITHIN {
                // The last try was slow, and the next one would be too.
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        match timeout(deadline, undo_once(cluster, undo, variables)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => why = error,
            Err(_) => return Err(format!("not done within {} s", deadline.as_secs())),
        }
    }
    Err(why)
}

async fn undo_once<C: DrillCluster>(
    cluster: &C,
    undo: &Undo,
    variables: &Variables,
) -> Result<(), String> {
    match undo {
        Undo::Member { action, member, target } => {
            cluster.undo(action, member, target).await.map_err(|error| error.to_string())
        }
        Undo::Command { words, shell } => {
            let run = run_line(&command_line(words, *shell), variables, HOOK_DEADLINE).await;
            run.map(drop).map_err(|error| error.to_string())
        }
    }
}

fn by_hand<C: DrillCluster>(cluster: &C, undo: &Undo) -> String {
    match undo {
        Undo::Member { action, member, target } => cluster.by_hand(action, member, target),
        Undo::Command { words, shell } => command_line(words, *shell).to_string(),
    }
}

/// The command that the journal keeps as words.
fn command_line(words: &[String], shell: bool) -> CommandLine {
    if shell { CommandLine::Shell(words.join(" ")) } else { CommandLine::Program(words.to_vec()) }
}

fn words(undo: &Undo) -> String {
    match undo {
        Undo::Member { action, member, .. } => format!("{action} {member}"),
        Undo::Command { words, shell } => command_line(words, *shell).to_string(),
    }
}
