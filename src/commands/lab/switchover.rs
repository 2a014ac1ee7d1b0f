//! `pgchaos lab switchover` and `restart`: a change of leader in good order, and members that end
//! and come back.

use std::time::Instant;

use super::super::activity::Activity;
use super::super::problem::Problem;
use super::super::terminal::tell_progress;
use super::injections::members;
use crate::cli::exit::Exit;
use crate::lab::{Lab, MemberEnding};
use crate::model::cluster::selector::Selector;

pub(super) async fn switchover(lab: &Lab, to: Option<&Selector>) -> Result<Exit, Problem> {
    let to = match to {
        Some(selector) => Some(lab.select(selector).await?),
        None => None,
    };
    let began = Instant::now();
    let handing_over = Activity::begin("handing the leadership over");
    let (from, to) = lab.switch_over(to).await?;
    drop(handing_over);
    let seconds = began.elapsed().as_secs_f64();
    tell_progress(format!("{to} leads after {seconds:.1} s, {from} handed over"));
    Ok(Exit::Pass)
}

/// Each is back before the next one is stopped.
pub(super) async fn restart(lab: &Lab, selectors: &[Selector]) -> Result<Exit, Problem> {
    for member in members(lab, selectors).await? {
        let began = Instant::now();
        let _restarting = Activity::begin(&format!("restarting {member}"));
        let ending = lab.stop(member).await?;
        lab.start(member).await?;
        lab.wait_for(member).await?;
        let seconds = began.elapsed().as_secs_f64();
        tell_progress(match ending {
            MemberEnding::WasNotRunning => {
                format!("{member} did not run, and is up after {seconds:.1} s")
            }
            MemberEnding::KilledAfter(_) => {
                format!("{member} had to be killed, and is up again after {seconds:.1} s")
            }
            MemberEnding::Stopped | MemberEnding::Killed => {
                format!("{member} is up again after {seconds:.1} s")
            }
        });
    }
    Ok(Exit::Pass)
}
