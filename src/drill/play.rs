//! One drill from the first write to the last look: the load, the steps, the healing, the
//! verification. What a drill breaks is mended here, outside of what plays it, so that no step, no
//! Ctrl-C and no mistake of ours can leave it broken.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex as StdMutex};
use std::time::Duration;

use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

use super::backend::{Backend, wait_until_whole};
use super::command::{Variables, run_line};
use super::healing::{NotHealed, heal};
use super::journal::Journal;
use super::player::{Player, Stopped};
use crate::engine::notes::{Note, notes};
use crate::engine::run::{Finished, Plan, RunError, Stop, run};
use crate::engine::watchers::Watchers;
use crate::model::run::totals::Totals;
use crate::model::scenario::Scenario;
use crate::model::scenario::judging::Played;

/// How long the first writes are waited for.
const FIRST_WRITES_LIMIT: Duration = Duration::from_secs(60);

/// How long it writes before the first step.
const SETTLING: Duration = Duration::from_secs(2);

/// How long a cluster may take to be whole again when all is mended.
const WHOLE_LIMIT: Duration = Duration::from_secs(180);

/// How long the last thing done may take when a drill is stopped.
const LAST_DEED_LIMIT: Duration = Duration::from_secs(120);

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

/// A drill that was played.
#[derive(Debug)]
pub struct Ended {
    /// The run, or why there was none.
    pub run: Result<Finished, RunError>,
    /// How far the steps came.
    pub played: Played,
    /// Why they were not played to the end, when that was no expectation that failed.
    pub stopped: Option<Stopped>,
    /// What could not be mended.
    pub not_healed: Vec<NotHealed>,
    /// What is missing for a whole cluster, after the healing.
    pub not_whole: Option<String>,
}

/// Plays a scenario. Events of the load go to `watchers`.
pub async fn play(
    scenario: Arc<Scenario>,
    backend: Backend,
    mut plan: Plan,
    journal: Journal,
    variables: Variables,
    watchers: Watchers,
    interrupt: Interrupt,
) -> Ended {
    let (notes, taken) = notes();
    plan.notes = Some(taken);
    let totals = watchers.totals();
    let stop = Stop::default();
    let mut load = tokio::spawn(run(plan, watchers, stop.clone()));
    let journal = Arc::new(Mutex::new(journal));
    let played = Arc::new(StdMutex::new(Played::default()));
    let halt = interrupt.once.child_token();
    let player = Player {
        scenario: Arc::clone(&scenario),
        backend: backend.clone(),
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
    let (not_healed, not_whole) = mend(&backend, &journal, &variables, &notes, &interrupt).await;
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
    // Its player has ended, so that nobody else holds it. It goes only when all is mended.
    if let Some(journal) = Arc::into_inner(journal) {
        journal.into_inner().close();
    }
    Ended { run, played, stopped, not_healed, not_whole }
}

/// Why the steps ended early, if they did; a mistake of ours included.
fn end_of(ended: Result<Result<(), Stopped>, JoinError>) -> Option<Stopped> {
    ended.unwrap_or_else(|error| Err(Stopped::Ours(error.to_string()))).err()
}

/// What is being done right now is done to its end: half a stop could come true after it was
/// mended. Everything else is cut off at once.
async fn let_go(mut playing: JoinHandle<Result<(), Stopped>>) -> Option<Stopped> {
    if let Ok(ended) = tokio::time::timeout(LAST_DEED_LIMIT, &mut playing).await {
        return end_of(ended);
    }
    playing.abort();
    let _ = playing.await;
    Some(Stopped::Interrupted)
}

/// A load that does not write yet shows nothing when it is broken.
async fn after_first_writes(
    player: Player,
    mut totals: watch::Receiver<Totals>,
    halt: CancellationToken,
) -> Result<(), Stopped> {
    // Only whether they came: the totals are borrowed from their channel.
    let writes = async { totals.wait_for(|totals| totals.acknowledged > 0).await.is_ok() };
    let first = tokio::select! {
        first = tokio::time::timeout(FIRST_WRITES_LIMIT, writes) => first,
        () = halt.cancelled() => return Err(Stopped::Interrupted),
    };
    match first {
        // So that there is a rate before the first thing that is done.
        Ok(true) => tokio::time::sleep(SETTLING).await,
        Ok(false) => return Err(Stopped::LoadEnded),
        Err(_) => {
            return Err(Stopped::Backend {
                step: 0,
                what: "first writes".to_owned(),
                error: super::backend::BackendError(format!(
                    "no write was acknowledged within {} s",
                    FIRST_WRITES_LIMIT.as_secs()
                )),
            });
        }
    }
    player.play().await
}

async fn mend(
    backend: &Backend,
    journal: &Mutex<Journal>,
    variables: &Variables,
    notes: &mpsc::Sender<Note>,
    interrupt: &Interrupt,
) -> (Vec<NotHealed>, Option<String>) {
    let say = notes.clone();
    // What finds no room is only not said.
    let mut told = move |words| drop(say.try_send(Note::Say(words)));
    if interrupt.once.is_cancelled() {
        told("stopped by Ctrl-C: mends what it broke, then verifies".to_owned());
    }
    let mut journal = journal.lock().await;
    let not_healed = heal(backend, &mut journal, variables, &mut told).await;
    let whole = tokio::select! {
        whole = wait_until_whole(backend, WHOLE_LIMIT, &mut told) => whole,
        () = interrupt.twice.cancelled() => Ok(None),
    };
    match whole {
        Ok(leader) => {
            if let Some(words) = leader {
                told(format!("the cluster is whole: {words}"));
            }
            (not_healed, None)
        }
        Err(missing) => (not_healed, Some(missing)),
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

/// Lets the commands count that the scenario counts with.
async fn count(
    scenario: &Scenario,
    finished: &Finished,
    variables: &Variables,
) -> Vec<Result<u64, String>> {
    let account = finished.run.verification.as_ref().and_then(|found| found.account.as_ref());
    let mut variables = variables.clone();
    let acknowledged = finished.run.ledger.counts().acknowledged;
    let recovered = account.map_or(0, |account| account.recovered);
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
