//! `pgchaos lab down`.

use tokio_util::sync::CancellationToken;

use super::super::activity::Activity;
use super::super::problem::Problem;
use super::super::signals::cancel_on_signals;
use super::super::terminal::tell_progress;
use super::name_option::name_option;
use crate::cli::exit::Exit;
use crate::cli::lab_args::DownArgs;
use crate::lab::{Lab, Member, Running};

/// Ends the lab, if there is one.
pub(super) async fn run(name: &str, args: &DownArgs) -> Result<Exit, Problem> {
    match Lab::find(name)? {
        Some(lab) => end(lab, args.wipe).await?,
        None => tell_progress(format!("there is no lab {name}: nothing to do")),
    }
    Ok(Exit::Pass)
}

/// Ctrl-C stops a `down` that keeps the data at once; one that removes it only at the second time:
/// half a lab is of no use.
async fn end(lab: Lab, wipe: bool) -> Result<(), Problem> {
    let (once, twice) = (CancellationToken::new(), CancellationToken::new());
    let signals = tokio::spawn(cancel_on_signals(once.clone(), twice.clone()));
    let taking_down = Activity::begin(&format!("taking down lab {}", lab.name()));
    let mut told = tell_progress;
    let mut down = std::pin::pin!(lab.clone().down(wipe, &mut told));
    let ended = tokio::select! {
        ended = &mut down => Some(ended),
        () = once.cancelled() => None,
    };
    let ended = match ended {
        None if wipe => {
            tell_progress("half a removal is of no use: it goes on; Ctrl-C again stops it");
            tokio::select! {
                ended = &mut down => Some(ended),
                () = twice.cancelled() => None,
            }
        }
        ended => ended,
    };
    signals.abort();
    drop(taking_down);
    if let Some(ended) = ended {
        return Ok(ended?);
    }
    let Some((what, next)) = cut_off(lab.name(), wipe)? else {
        tell_progress(format!("lab {} is removed", lab.name()));
        return Ok(());
    };
    let interrupted = format!("interrupted: lab {} {what}", lab.name());
    let mut problem = Problem::could_not_run(interrupted).try_this(next);
    problem.exit = Exit::StoppedNow;
    Err(problem)
}

/// What is left after a `down` that was cut off, and what to do; `None` when nothing is left.
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
