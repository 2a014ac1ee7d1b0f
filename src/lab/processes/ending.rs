//! Stops, kills, freezes and thaws a member: all of its processes, and no other.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::lab::error::LabError;
use crate::lab::files::folders::Folders;
use crate::lab::member::{Member, MemberKind};
use crate::lab::processes::scan::{Process, ProcessRole, ProcessWatch, of};
use crate::lab::processes::signal::{ProcessSignal, send};

/// For a Patroni to stop PostgreSQL with a checkpoint, and to hand over.
const PATRONI_STOPS_WITHIN: Duration = Duration::from_secs(30);

/// For etcd and HAProxy to end.
const OTHERS_STOP_WITHIN: Duration = Duration::from_secs(10);

/// For the kernel to carry out SIGKILL, SIGSTOP or SIGCONT.
const SIGNAL_WORKS_WITHIN: Duration = Duration::from_secs(10);

const POLL_EVERY: Duration = Duration::from_millis(5);

/// How a member was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberEnding {
    /// It stopped in good order.
    Stopped,
    /// It was to be killed.
    Killed,
    /// It was killed, as it had not stopped within this time.
    KilledAfter(Duration),
    /// It did not run.
    WasNotRunning,
}

/// SIGTERM, as `systemctl stop` sends it, and SIGKILL when that does not help.
pub(in crate::lab) async fn stop(
    folders: &Folders,
    member: Member,
) -> Result<MemberEnding, LabError> {
    let mut watch = ProcessWatch::default();
    let own = watch.look_at(folders, member);
    if own.is_empty() {
        return Ok(MemberEnding::WasNotRunning);
    }
    ask_to_end(member, &own)?;
    let patience = match member.kind() {
        MemberKind::Patroni => PATRONI_STOPS_WITHIN,
        MemberKind::Etcd | MemberKind::HaProxy => OTHERS_STOP_WITHIN,
    };
    let end = Instant::now() + patience;
    while !watch.look_at(folders, member).is_empty() {
        if Instant::now() > end {
            kill(folders, member).await?;
            return Ok(MemberEnding::KilledAfter(patience));
        }
        sleep(POLL_EVERY * 4).await;
    }
    Ok(MemberEnding::Stopped)
}

/// Asks Patroni, which stops its PostgreSQL before it ends, or PostgreSQL where Patroni is gone.
fn ask_to_end(member: Member, own: &[Process]) -> Result<(), LabError> {
    let find = |role| own.iter().find(|process| process.role == role);
    let (asked, signal) = match (find(ProcessRole::Main), find(ProcessRole::Postmaster)) {
        (Some(main), _) => (Some(main), ProcessSignal::Terminate),
        (None, Some(postmaster)) => (Some(postmaster), ProcessSignal::Interrupt),
        (None, None) => (None, ProcessSignal::Terminate),
    };
    match asked {
        Some(process) => tell(member, process, signal)?,
        None => own.iter().try_for_each(|process| tell(member, process, signal))?,
    }
    // A frozen process takes no signal until it is thawed.
    let mut frozen = own.iter().filter(|process| process.is_paused);
    frozen.try_for_each(|process| tell(member, process, ProcessSignal::Continue))
}

/// SIGKILL for all at once, as when the machine fails: everything is frozen first, so that no part
/// can notice that another one is gone.
pub(in crate::lab) async fn kill(
    folders: &Folders,
    member: Member,
) -> Result<MemberEnding, LabError> {
    let mut watch = ProcessWatch::default();
    if watch.look_at(folders, member).is_empty() {
        return Ok(MemberEnding::WasNotRunning);
    }
    let frozen = freeze(folders, member).await;
    // A process that waits for the disk cannot be frozen, and is killed all the same.
    let end = Instant::now() + SIGNAL_WORKS_WITHIN;
    loop {
        let own = watch.look_at(folders, member);
        if own.is_empty() {
            return Ok(MemberEnding::Killed);
        }
        if Instant::now() > end {
            frozen?;
            return Err(stubborn(member, own.len(), "there"));
        }
        own.iter().try_for_each(|process| tell(member, process, ProcessSignal::Kill))?;
        sleep(POLL_EVERY).await;
    }
}

/// SIGSTOP for all, until there is none left that could start another.
pub(in crate::lab) async fn freeze(folders: &Folders, member: Member) -> Result<(), LabError> {
    until(folders, member, "running", ProcessSignal::Stop, |process| process.is_paused).await
}

/// SIGCONT for all.
pub(in crate::lab) async fn thaw(folders: &Folders, member: Member) -> Result<(), LabError> {
    until(folders, member, "stopped", ProcessSignal::Continue, |process| !process.is_paused).await
}

async fn until(
    folders: &Folders,
    member: Member,
    state: &'static str,
    signal: ProcessSignal,
    is_done: impl Fn(&Process) -> bool,
) -> Result<(), LabError> {
    let end = Instant::now() + SIGNAL_WORKS_WITHIN;
    loop {
        let left: Vec<Process> =
            of(folders, member).into_iter().filter(|process| !is_done(process)).collect();
        if left.is_empty() {
            return Ok(());
        }
        if Instant::now() > end {
            return Err(stubborn(member, left.len(), state));
        }
        left.iter().try_for_each(|process| tell(member, process, signal))?;
        sleep(POLL_EVERY).await;
    }
}

/// Sends a signal. It is no error when the process has ended.
pub(in crate::lab) fn tell(
    member: Member,
    process: &Process,
    signal: ProcessSignal,
) -> Result<(), LabError> {
    let sent = send(process, signal);
    sent.map(|_| ()).map_err(|error| LabError::Signal { member, pid: process.pid, error })
}

fn stubborn(member: Member, count: usize, state: &'static str) -> LabError {
    LabError::Stubborn { member, count, state, after: SIGNAL_WORKS_WITHIN }
}
