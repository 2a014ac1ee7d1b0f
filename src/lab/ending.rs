//! Stops, kills, freezes and thaws a member: all of its processes, and no other.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::error::LabError;
use super::folders::Folders;
use super::member::{Kind, Member};
use super::processes::{Process, Role, Watch, of};
use super::signal::{Signal, send};

/// For a Patroni to stop PostgreSQL with a checkpoint, and to hand over.
const PATRONI_STOPS_WITHIN: Duration = Duration::from_secs(30);

/// For etcd and HAProxy to end.
const OTHERS_STOP_WITHIN: Duration = Duration::from_secs(10);

/// For the kernel to carry out SIGKILL, SIGSTOP or SIGCONT.
const SIGNAL_WORKS_WITHIN: Duration = Duration::from_secs(10);

const POLL_EVERY: Duration = Duration::from_millis(5);

/// How a member ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// In good order.
    Stopped,
    /// By SIGKILL, as it was told.
    Killed,
    /// By SIGKILL, as it had not stopped within this time.
    KilledAfter(Duration),
    /// It did not run.
    WasNotRunning,
}

/// SIGTERM, as `systemctl stop` sends it, and SIGKILL when that does not help.
pub(super) async fn stop(folders: &Folders, member: Member) -> Result<Ending, LabError> {
    let mut watch = Watch::default();
    let own = watch.look_at(folders, member);
    if own.is_empty() {
        return Ok(Ending::WasNotRunning);
    }
    ask_to_end(member, &own)?;
    let patience = match member.kind() {
        Kind::Patroni => PATRONI_STOPS_WITHIN,
        Kind::Etcd | Kind::HaProxy => OTHERS_STOP_WITHIN,
    };
    let end = Instant::now() + patience;
    while !watch.look_at(folders, member).is_empty() {
        if Instant::now() > end {
            kill(folders, member).await?;
            return Ok(Ending::KilledAfter(patience));
        }
        sleep(POLL_EVERY * 4).await;
    }
    Ok(Ending::Stopped)
}

/// Patroni stops its PostgreSQL before it ends. Where it is gone, PostgreSQL is told itself.
fn ask_to_end(member: Member, own: &[Process]) -> Result<(), LabError> {
    let find = |role| own.iter().find(|process| process.role == role);
    let (asked, signal) = match (find(Role::Main), find(Role::Postmaster)) {
        (Some(main), _) => (Some(main), Signal::Terminate),
        (None, Some(postmaster)) => (Some(postmaster), Signal::Interrupt),
        (None, None) => (None, Signal::Terminate),
    };
    match asked {
        Some(process) => tell(member, process, signal)?,
        None => own.iter().try_for_each(|process| tell(member, process, signal))?,
    }
    // A frozen process hears nothing until it goes on.
    let mut frozen = own.iter().filter(|process| process.is_paused);
    frozen.try_for_each(|process| tell(member, process, Signal::Continue))
}

/// SIGKILL for all at once, as when the machine fails: everything is frozen first, so that no part
/// can notice that another one is gone.
pub(super) async fn kill(folders: &Folders, member: Member) -> Result<Ending, LabError> {
    let mut watch = Watch::default();
    if watch.look_at(folders, member).is_empty() {
        return Ok(Ending::WasNotRunning);
    }
    let frozen = freeze(folders, member).await;
    // One that cannot be frozen in time, as it waits for the disk, is killed all the same.
    let end = Instant::now() + SIGNAL_WORKS_WITHIN;
    loop {
        let own = watch.look_at(folders, member);
        if own.is_empty() {
            return Ok(Ending::Killed);
        }
        if Instant::now() > end {
            frozen?;
            return Err(stubborn(member, own.len(), "there"));
        }
        own.iter().try_for_each(|process| tell(member, process, Signal::Kill))?;
        sleep(POLL_EVERY).await;
    }
}

/// SIGSTOP for all, until there is none left that could start another.
pub(super) async fn freeze(folders: &Folders, member: Member) -> Result<(), LabError> {
    until(folders, member, "running", Signal::Stop, |process| process.is_paused).await
}

/// SIGCONT for all.
pub(super) async fn thaw(folders: &Folders, member: Member) -> Result<(), LabError> {
    until(folders, member, "stopped", Signal::Continue, |process| !process.is_paused).await
}

async fn until(
    folders: &Folders,
    member: Member,
    state: &'static str,
    signal: Signal,
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

/// Sends it; one that has ended meanwhile needs none.
pub(super) fn tell(member: Member, process: &Process, signal: Signal) -> Result<(), LabError> {
    let sent = send(process, signal);
    sent.map(|_| ()).map_err(|error| LabError::Signal { member, pid: process.pid, error })
}

fn stubborn(member: Member, count: usize, state: &'static str) -> LabError {
    LabError::Stubborn { member, count, state, after: SIGNAL_WORKS_WITHIN }
}
