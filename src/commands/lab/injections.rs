//! `pgchaos lab stop | kill | pause | resume | start`: one member after the other.

use std::time::Instant;

use super::super::activity::Activity;
use super::super::problem::Problem;
use super::super::terminal::tell_progress;
use crate::cli::exit::Exit;
use crate::lab::{Down, Lab, Member, MemberEnding};
use crate::model::cluster::selector::Selector;

pub(super) async fn stop(lab: &Lab, selectors: &[Selector]) -> Result<Exit, Problem> {
    for member in members(lab, selectors).await? {
        let began = Instant::now();
        let _stopping = Activity::begin(&format!("stopping {member}"));
        let ending = lab.stop(member).await?;
        tell_progress(format!("{member} {}", words(ending, began)));
    }
    Ok(Exit::Pass)
}

pub(super) async fn kill(lab: &Lab, selectors: &[Selector]) -> Result<Exit, Problem> {
    for member in members(lab, selectors).await? {
        let began = Instant::now();
        let ending = lab.kill(member).await?;
        tell_progress(format!("{member} {}", words(ending, began)));
    }
    Ok(Exit::Pass)
}

pub(super) async fn pause(lab: &Lab, selectors: &[Selector]) -> Result<Exit, Problem> {
    for member in members(lab, selectors).await? {
        lab.pause(member).await?;
        tell_progress(format!("{member} is frozen"));
    }
    Ok(Exit::Pass)
}

pub(super) async fn resume(lab: &Lab, selectors: &[Selector]) -> Result<Exit, Problem> {
    for member in members_down(lab, selectors, Down::Frozen).await? {
        lab.resume(member).await?;
        tell_progress(format!("{member} goes on"));
    }
    Ok(Exit::Pass)
}

pub(super) async fn start(lab: &Lab, selectors: &[Selector]) -> Result<Exit, Problem> {
    for member in members_down(lab, selectors, Down::Stopped).await? {
        let what = if lab.start(member).await? { "is started" } else { "runs already" };
        tell_progress(format!("{member} {what}"));
    }
    Ok(Exit::Pass)
}

/// All of them as they are now, before the first is touched: `kill leader replica` means the
/// leader of this moment and one of its replicas.
pub(super) async fn members(lab: &Lab, selectors: &[Selector]) -> Result<Vec<Member>, Problem> {
    let mut members = Vec::new();
    for selector in selectors {
        let member = lab.select(selector).await?;
        tell_choice(selector, member);
        members.push(member);
    }
    Ok(members)
}

/// The same for what is down: there a role means the member that is down.
async fn members_down(
    lab: &Lab,
    selectors: &[Selector],
    down: Down,
) -> Result<Vec<Member>, Problem> {
    let mut members = Vec::new();
    for selector in selectors {
        let member = lab.select_down(selector, down).await?;
        tell_choice(selector, member);
        members.push(member);
    }
    Ok(members)
}

fn tell_choice(selector: &Selector, member: Member) {
    if *selector != Selector::Member(member.to_string()) {
        tell_progress(format!("{selector} is {member}"));
    }
}

fn words(ending: MemberEnding, began: Instant) -> String {
    let seconds = began.elapsed().as_secs_f64();
    match ending {
        MemberEnding::Stopped => format!("stopped in {seconds:.1} s"),
        MemberEnding::Killed => "is killed, all of its processes".to_owned(),
        MemberEnding::KilledAfter(after) => {
            format!("did not stop within {} s, and was killed", after.as_secs())
        }
        MemberEnding::WasNotRunning => "did not run".to_owned(),
    }
}
