//! The end of a lab: nothing of it stays but what is kept on purpose.

use std::fs;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::ending::{self, Ending, tell};
use super::error::{LabError, io};
use super::folders::Folders;
use super::member::Member;
use super::processes::{Role, scan};
use super::shared_memory;
use super::signal::Signal;
use super::{Lab, Told};

/// For PostgreSQL to leave by its immediate shutdown.
const LEAVES_WITHIN: Duration = Duration::from_secs(2);

impl Lab {
    /// Stops everything in good order. The data is kept for the next [`Lab::up`], unless `wipe`
    /// says that it is not needed; then it is not waited for either. Logs are kept.
    ///
    /// # Errors
    /// When something cannot be stopped or removed.
    pub async fn down(self, wipe: bool, told: Told<'_>) -> Result<(), LabError> {
        let began = Instant::now();
        let lock = self.lock().await?;
        let is_of_use = self.state.is_complete;
        if wipe || !is_of_use {
            self::wipe(&self.folders).await?;
            lock.remove();
        } else {
            stop_all(&self.folders, told).await?;
        }
        let kept = match () {
            () if wipe => "the data is removed, the logs are kept",
            () if !is_of_use => "it was never complete: the data is removed, the logs are kept",
            () => "data and logs are kept",
        };
        told(format!(
            "lab {} is down after {:.1} s: {kept}",
            self.name,
            began.elapsed().as_secs_f64()
        ));
        Ok(())
    }
}

/// Stops the proxy first and etcd last, so that Patroni can end as it should.
pub(super) async fn stop_all(folders: &Folders, told: Told<'_>) -> Result<(), LabError> {
    for group in [vec![Member::HAPROXY], Member::PATRONI.to_vec(), Member::ETCD.to_vec()] {
        let endings = join_all(group.iter().map(|member| ending::stop(folders, *member))).await;
        for (member, ending) in group.iter().zip(endings) {
            if let Ending::KilledAfter(after) = ending? {
                told(format!("{member} did not stop within {} s and was killed", after.as_secs()));
            }
        }
    }
    Ok(())
}

/// Ends everything at once, and removes all but the logs.
pub(super) async fn wipe(folders: &Folders) -> Result<(), LabError> {
    end_at_once(folders).await?;
    for member in Member::all() {
        shared_memory::release(&folders.data(member));
        let folder = folders.member(member);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(io("removed", &folder)(error));
            }
            _ => {}
        }
    }
    let state = folders.state();
    for file in [state.with_extension("json.new"), state] {
        let _ = fs::remove_file(file);
    }
    Ok(())
}

/// Whether there is more than logs.
pub(super) fn remains(folders: &Folders) -> bool {
    let has_folder = |member| folders.member(member).exists();
    folders.state().exists() || Member::all().any(has_folder) || !scan(folders).is_empty()
}

/// Patroni is killed first, as it would start PostgreSQL again. A PostgreSQL that leaves by itself
/// gives its shared memory back, which one that is killed cannot.
async fn end_at_once(folders: &Folders) -> Result<(), LabError> {
    for (member, own) in scan(folders) {
        for process in &own {
            match process.role {
                Role::Main => tell(member, process, Signal::Kill)?,
                Role::Postmaster => tell(member, process, Signal::Quit)?,
                Role::WalSender | Role::Other => {}
            }
        }
        own.iter().try_for_each(|process| tell(member, process, Signal::Continue))?;
    }
    let end = Instant::now() + LEAVES_WITHIN;
    while Instant::now() < end && !scan(folders).is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let killed = join_all(Member::all().map(|member| ending::kill(folders, member))).await;
    killed.into_iter().try_for_each(|ending| ending.map(|_| ()))
}
