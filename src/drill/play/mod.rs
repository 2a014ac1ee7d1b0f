//! One drill from the first write to the last look: the load, the steps, the healing, the
//! verification. What a drill breaks is mended here, outside of what plays its steps, so that no
//! step, no Ctrl-C and no panic can leave it broken.
//!
//! `steps` plays the steps, `waits` are the conditions that they wait for, by the totals of the run.

mod steps;
mod stopped;
mod waits;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex as StdMutex};
use std::time::Duration;

use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

use steps::StepPlayer;
pub use stopped::{StepError, Stopped};

use super::cluster::DrillCluster;
use super::cluster::wholeness::wait_until_whole;
use super::command::{Variables, run_line};
use super::damage::healing::{NotHealed, heal};
use super::damage::journal::DamageJournal;
use crate::engine::drill_notes::{DrillNote, notes};
use crate::engine::run::{Finished, Plan, RunError, Stop, run};
use crate::engine::subscribers::Subscribers;
use crate::model::run::totals::Totals;
use crate::model::scenario::Scenario;
use crate::model::scenario::judging::Played;

/// How long the first writes are waited for.
const FIRST_WRITES_LIMIT: Duration = Duration::from_secs(60);

/// How long it writes before the first step.
const SETTLING: Duration = Duration::from_secs(2);

/// How long a cluster may take to be whole again when all is mended.
const WHOLE_LIMIT: Duration = Duration::from_secs(180);

/// How long the last action may take when a drill is stopped.
const LAST_ACTION_LIMIT: Duration = Duration::from_secs(120);

/// For a command that counts.
const COUNT_LIMIT: Duration = Duration::from_secs(120);

/// How the user stops a drill.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    /// Once: play no more, mend, verify, report.
    pub once: CancellationToken,
    /// Twice: mend, and be gone.
    pub twice: CancellationToken,
}

/// One drill that is to be played on a cluster of the kind `C`.
#[derive(Debug)]
pub struct Drill<C> {
    /// The steps and the expectations.
    pub scenario: Arc<Scenario>,
    /// The cluster to break.
    pub cluster: C,
    /// The load.
    pub load: Plan,
    /// Where its damage is noted.
    pub journal: DamageJournal,
    /// The environment of the scenario's commands.
    pub variables: Variables,
    /// How the user stops it.
    pub interrupt: Interrupt,
}

/// A drill that was played.
#[derive(Debug)]
pub struct PlayedDrill {
    /// The run, or why there was none.
    pub run: Result<Finished, RunError>,
    /// How far the steps came.
    pub played: Played,
    /// Why they were not played to the end, when that was no expectation that failed.
    pub stopped: Option<Stopped>,
    /// The damage that could not be mended.
    pub not_healed: Vec<NotHealed>,
    /// What is missing for a whole cluster, after the healing.
    pub not_whole: Option<String>,
}

/// Plays a drill. Events of the load go to `subscribers`.
pub async fn play<C: DrillCluster>(drill: Drill<C>, subscribers: Subscribers) -> PlayedDrill {
    let Drill { scenario, cluster, load: mut plan, journal, variables, interrupt } = drill;
    let (notes, taken) = notes();
    plan.notes = Some(taken);
    let totals = subscribers.totals();
    let stop = Stop::default();
    let mut load = tokio::spawn(run(plan, subscribers, stop.clone()));
    let journal = Arc::new(Mutex::new(journal));
    let played = Arc::new(StdMutex::new(Played::default()));
    let halt = interrupt.once.child_token();
    let player = StepPlayer {
        scenario: Arc::clone(&scenario),
        cluster: cluster.clone(),
        journal: Arc::clone(&journal),
        notes: notes.clone(),
        totals: totals.clone(),
        variables: variables.clone(),
        aliases: BTreeMap::new(),
        halt: halt.clone(),
        played: Arc::clone(&played),
    };
    let mut playing = tokio::spawn(after_first_writes(player, totals, halt.clone()));
    let mut early = None;
    let stopped = tokio::select! {
        ended = &mut playing => end_of(ended),
        finished = &mut load => {
            early = Some(finished);
            halt.cancel();
            let _ = let_go(playing).await;
            Some(Stopped::LoadEnded)
        }
        () = interrupt.once.cancelled() => let_go(playing).await,
    };
    let (not_healed, not_whole) = mend(&cluster, &journal, &variables, &notes, &interrupt).await;
    stop.writing.cancel();
    let finished = match early {
        Some(finished) => finished,
        None => finish(&mut load, &stop, &interrupt).await,
    };
    let run = finished.unwrap_or_else(|error| Err(RunError::Internal(error.to_string())));
    let mut played =
        std::mem::take(&mut *played.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    played.cut_short = stopped.as_ref().map(ToString::to_string);
    if let Ok(finished) = &run
        && !finished.stopped_now
    {
        played.counted = count(&scenario, finished, &variables).await;
    }
    // The player has ended: this is the last reference. The file goes only when all is mended.
    if let Some(journal) = Arc::into_inner(journal) {
        journal.into_inner().close();
    }
    PlayedDrill { run, played, stopped, not_healed, not_whole }
}

/// Why the steps ended early, if they did; a panic included.
fn end_of(ended: Result<Result<(), Stopped>, JoinError>) -> Option<Stopped> {
    match ended {
        Ok(ended) => ended.err(),
        Err(error) => Some(Stopped::Ours(error.to_string())),
    }
}

/// Lets the action that goes on end: half a stop could take effect after it was mended. Waits and
/// commands are cut off at once.
async fn let_go(mut playing: JoinHandle<Result<(), Stopped>>) -> Option<Stopped> {
    if let Ok(ended) = tokio::time::timeout(LAST_ACTION_LIMIT, &mut playing).await {
        return end_of(ended);
    }
    playing.abort();
    let _ = playing.await;
    Some(Stopped::Interrupted)
}

/// Plays the steps when the load has written for a while: a cluster that is broken before that
/// shows nothing.
async fn after_first_writes<C: DrillCluster>(
    player: StepPlayer<C>,
    mut totals: watch::Receiver<Totals>,
    halt: CancellationToken,
) -> Result<(), Stopped> {
    let writes = async { totals.wait_for(|now| now.acknowledged > 0).await.is_ok() };
    let first = tokio::select! {
        first = tokio::time::timeout(FIRST_WRITES_LIMIT, writes) => first,
        () = halt.cancelled() => return Err(Stopped::Interrupted),
    };
    match first {
        // So that there is a rate before the first action.
        Ok(true) => tokio::time::sleep(SETTLING).await,
        Ok(false) => return Err(Stopped::LoadEnded),
        Err(_) => return Err(Stopped::NoFirstWrites(FIRST_WRITES_LIMIT)),
    }
    player.play().await
}

async fn mend<C: DrillCluster>(
    cluster: &C,
    journal: &Mutex<DamageJournal>,
    variables: &Variables,
    notes: &mpsc::Sender<DrillNote>,
    interrupt: &Interrupt,
) -> (Vec<NotHealed>, Option<String>) {
    let say = notes.clone();
    // A line that finds the queue full is lost.
    let mut told = move |words| drop(say.try_send(DrillNote::Say(words)));
    if interrupt.once.is_cancelled() {
        told("stopped by Ctrl-C: mends what it broke, then verifies".to_owned());
    }
    let mut journal = journal.lock().await;
    let not_healed = heal(cluster, &mut journal, variables, &mut told).await;
    let whole = tokio::select! {
        whole = wait_until_whole(cluster, WHOLE_LIMIT, &mut told) => whole,
        () = interrupt.twice.cancelled() => Ok(None),
    };
    match whole {
        Ok(leader) => {
            if let Some(words) = leader {
                told(format!("the cluster is whole: {words}"));
            }
            (not_healed, None)
        }
        Err(missing) => (not_healed, Some(missing.to_string())),
    }
}

async fn finish(
    load: &mut JoinHandle<Result<Finished, RunError>>,
    stop: &Stop,
    interrupt: &Interrupt,
) -> Result<Result<Finished, RunError>, JoinError> {
    tokio::select! {
        finished = &mut *load => return finished,
        () = interrupt.twice.cancelled() => stop.everything.cancel(),
    }
    load.await
}

/// Runs the commands that the scenario counts with.
async fn count(
    scenario: &Scenario,
    finished: &Finished,
    variables: &Variables,
) -> Vec<Result<u64, String>> {
    let account = finished.run.verification.as_ref().and_then(|found| found.account.as_ref());
    let mut variables = variables.clone();
    let acknowledged = finished.run.ledger.counts().acknowledged;
    let recovered = account.map_or(0, |account| account.counts.recovered);
    variables.push(("PGCHAOS_ACKNOWLEDGED".to_owned(), acknowledged.to_string()));
    variables.push(("PGCHAOS_RECOVERED".to_owned(), recovered.to_string()));
    let mut numbers = Vec::new();
    for counted in &scenario.expect.counted {
        let printed = run_line(&counted.command, &variables, COUNT_LIMIT).await;
        numbers.push(match printed {
            Ok(printed) => printed.trim().parse().map_err(|_| format!("no number: {printed:?}")),
            Err(error) => Err(error.to_string()),
        });
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_mistake_of_ours_ends_the_steps_and_not_the_drill() {
        let playing: JoinHandle<Result<(), Stopped>> = tokio::spawn(async { panic!("a mistake") });
        let stopped = end_of(playing.await).unwrap();
        assert!(matches!(&stopped, Stopped::Ours(_)), "{stopped}");
        let interrupted = tokio::spawn(async { Err(Stopped::Interrupted) });
        assert!(matches!(end_of(interrupted.await), Some(Stopped::Interrupted)));
        assert!(end_of(Ok(Ok(()))).is_none());
    }
}
