//! The end of a lab: nothing of it stays but what is kept on purpose.

use std::fs;
use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use crate::lab::error::{LabError, io};
use crate::lab::files::folders::Folders;
use crate::lab::files::state::LabState;
use crate::lab::handle::Lab;
use crate::lab::member::Member;
use crate::lab::processes::ending::{self, MemberEnding, tell};
use crate::lab::processes::running::must_be_seen;
use crate::lab::processes::scan::{ProcessRole, ProcessWatch, scan};
use crate::lab::processes::shared_memory;
use crate::lab::processes::signal::ProcessSignal;
use crate::lab::progress::TellProgress;

/// For PostgreSQL to leave by its immediate shutdown; then it is killed.
const LEAVES_WITHIN: Duration = Duration::from_secs(2);

/// For everything to be gone.
const DIES_WITHIN: Duration = Duration::from_secs(12);

impl Lab {
    /// Stops everything in good order. The data is kept for the next [`Lab::up`], unless `wipe`
    /// says that it is not needed; then it is not waited for either. Logs are kept. One that was
    /// cut off is ended by the next.
    ///
    /// # Errors
    /// When something cannot be stopped or removed, or may live where it is not seen.
    pub async fn down(self, wipe: bool, told: TellProgress<'_>) -> Result<(), LabError> {
        let began = Instant::now();
        let lock = self.lock().await?;
        // Another command may have finished it, or removed it, while the lock was waited for.
        let found = Self::find(&self.name)?;
        let is_of_use = found.as_ref().is_some_and(Self::is_complete);
        let was_begun = found.as_ref().is_some_and(Self::is_removed_in_part);
        if wipe || !is_of_use {
            self::wipe(&self.folders).await?;
            lock.remove();
        } else {
            stop_all(&self.folders, told).await?;
        }
        let kept = match () {
            () if wipe => "its data is removed",
            () if was_begun => "its data was removed in part, and is removed",
            () if !is_of_use => "it never worked, and its data is removed",
            () => "its data is kept for the next up",
        };
        let (name, seconds) = (&self.name, began.elapsed().as_secs_f64());
        told(format!("lab {name} is down after {seconds:.1} s: {kept}"));
        told(format!("its logs are in {}", self.folders.logs().display()));
        Ok(())
    }
}

/// Stops the proxy first and etcd last, so that Patroni can hand over. etcd is killed: the last
/// ones would wait for each other in vain, and its log survives that.
pub(in crate::lab) async fn stop_all(
    folders: &Folders,
    told: TellProgress<'_>,
) -> Result<(), LabError> {
    must_be_seen(folders)?;
    for group in [vec![Member::HAPROXY], Member::PATRONI.to_vec()] {
        let endings = join_all(group.iter().map(|member| ending::stop(folders, *member))).await;
        for (member, ending) in group.iter().zip(endings) {
            if let MemberEnding::KilledAfter(after) = ending? {
                told(format!("{member} did not stop within {} s and was killed", after.as_secs()));
            }
        }
    }
    let killed = join_all(Member::ETCD.map(|member| ending::kill(folders, member))).await;
    killed.into_iter().try_for_each(|ending| ending.map(|_| ()))
}

/// Ends everything at once, and removes all but the logs. Nothing is removed while a process of it
/// may live, wherever that is.
pub(in crate::lab) async fn wipe(folders: &Folders) -> Result<(), LabError> {
    must_be_seen(folders)?;
    // When this is cut off, the rest is known to be of no use.
    if let Ok(Some(state)) = LabState::read(&folders.state()) {
        state.removed_in_part().write(&folders.state())?;
    }
    end_at_once(folders).await?;
    must_be_seen(folders)?;
    for member in Member::all() {
        shared_memory::release(&folders.data(member));
        remove_folder(&folders.member(member))?;
    }
    remove_folder(&folders.tls())?;
    let state = folders.state();
    for file in [state.with_extension("json.new"), state] {
        let _ = fs::remove_file(file);
    }
    Ok(())
}

fn remove_folder(folder: &Path) -> Result<(), LabError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(io("removed", folder)(error))
        }
        _ => Ok(()),
    }
}

/// Whether there is more than logs.
pub(in crate::lab) fn remains(folders: &Folders) -> bool {
    let has_folder = |member| folders.member(member).exists();
    let state = [folders.state(), folders.tls()].iter().any(|path| path.exists());
    state || Member::all().any(has_folder) || !scan(folders).is_empty()
}

/// Patroni is killed first, as it would start PostgreSQL again. A PostgreSQL that leaves by itself
/// gives its shared memory back, which one that is killed cannot.
async fn end_at_once(folders: &Folders) -> Result<(), LabError> {
    let mut watch = ProcessWatch::default();
    for (member, process) in watch.look(folders, |_| true) {
        match process.role {
            ProcessRole::Main => tell(member, &process, ProcessSignal::Kill)?,
            ProcessRole::Postmaster => tell(member, &process, ProcessSignal::Quit)?,
            ProcessRole::WalSender | ProcessRole::Other => {}
        }
        tell(member, &process, ProcessSignal::Continue)?;
    }
    let began = Instant::now();
    loop {
        let left = watch.look(folders, |_| true);
        let Some((member, _)) = left.first().copied() else { return Ok(()) };
        if began.elapsed() > DIES_WITHIN {
            let (count, after) = (left.len(), DIES_WITHIN);
            return Err(LabError::Stubborn { member, count, state: "there", after });
        }
        if began.elapsed() > LEAVES_WITHIN {
            left.iter().try_for_each(|(member, one)| tell(*member, one, ProcessSignal::Kill))?;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::spec::{LabSpec, PatroniVersion, Profile, Timing};

    /// As Ctrl-C or a full stop of the machine leave it: no later `up` takes the rest for a lab.
    #[tokio::test]
    async fn a_removal_that_is_cut_off_leaves_no_lab_that_looks_whole() {
        let home = tempfile::tempdir().unwrap();
        let folders = Folders::at(home.path().join("a"));
        fs::create_dir_all(folders.lab()).unwrap();
        let timing = Timing::of(Profile::Quick, &PatroniVersion("3.0.2".to_owned()));
        let mut state = LabState::new(&LabSpec::new("a", Profile::Quick), timing, None);
        state.is_complete = true;
        state.write(&folders.state()).unwrap();
        fs::create_dir(folders.member(Member::ETCD[0])).unwrap();
        // No folder: the removal ends here.
        fs::write(folders.member(Member::ETCD[1]), "").unwrap();
        assert!(wipe(&folders).await.is_err());
        assert!(!folders.member(Member::ETCD[0]).exists(), "it has begun");
        let left = LabState::read(&folders.state()).unwrap().unwrap();
        assert!(!left.is_complete && left.is_removed_in_part);

        fs::remove_file(folders.member(Member::ETCD[1])).unwrap();
        wipe(&folders).await.unwrap();
        assert!(!remains(&folders));
    }
}
