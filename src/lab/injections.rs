//! What is done to members on purpose: they are stopped, killed, frozen and started, whole or in
//! part, and the leadership is handed over.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::lab::bring_up::start_all;
use crate::lab::error::LabError;
use crate::lab::handle::Lab;
use crate::lab::member::{Member, MemberKind};
use crate::lab::processes::ending::{self, MemberEnding, tell};
use crate::lab::processes::running::Running;
use crate::lab::processes::scan::ProcessRole;
use crate::lab::processes::signal::ProcessSignal;
use crate::lab::programs::Programs;
use crate::model::cluster::selector::Selector;
use crate::patroni::PatroniApi;

/// Patroni answers when a switchover is done, or was given up.
const SWITCHOVER_DEADLINE: Duration = Duration::from_secs(60);

/// For the new leader to answer as the primary.
const SEEN_WITHIN: Duration = Duration::from_secs(10);

const LOOK_EVERY: Duration = Duration::from_millis(50);

impl Lab {
    /// Stops a member as `systemctl stop` would, and waits for its end: 30 s for Patroni, 10 s
    /// for the others, then it is killed, which is told.
    ///
    /// # Errors
    /// When its processes cannot be signalled, or do not even end by SIGKILL.
    pub async fn stop(&self, member: Member) -> Result<MemberEnding, LabError> {
        let _lock = self.lock().await?;
        self.must_be_seen(member)?;
        ending::stop(&self.folders, member).await
    }

    /// Kills a member as a whole, as when its machine fails: all of its processes, Patroni's and
    /// PostgreSQL's, are frozen first and then killed.
    ///
    /// # Errors
    /// When its processes cannot be signalled, or do not end within 10 s.
    pub async fn kill(&self, member: Member) -> Result<MemberEnding, LabError> {
        let _lock = self.lock().await?;
        self.must_be_seen(member)?;
        ending::kill(&self.folders, member).await
    }

    /// Freezes all processes of a member (SIGSTOP).
    ///
    /// # Errors
    /// When it does not run, or one cannot be frozen within 10 s.
    pub async fn pause(&self, member: Member) -> Result<(), LabError> {
        let _lock = self.lock().await?;
        self.must_run(member)?;
        ending::freeze(&self.folders, member).await
    }

    /// Thaws a frozen member (SIGCONT). One that was not frozen is left as it is.
    ///
    /// # Errors
    /// When it does not run, or one of its processes does not go on within 10 s.
    pub async fn resume(&self, member: Member) -> Result<(), LabError> {
        let _lock = self.lock().await?;
        self.must_run(member)?;
        ending::thaw(&self.folders, member).await
    }

    /// Starts a member, unless it runs; returns whether it was started. It takes a while until it
    /// works: see [`Self::wait_for`].
    ///
    /// # Errors
    /// When it is paused, a program is missing, one of its ports is taken, or it cannot be run.
    pub async fn start(&self, member: Member) -> Result<bool, LabError> {
        let _lock = self.lock().await?;
        let programs = Programs::find().await.map_err(LabError::Missing)?;
        start_all::start_member(self, member, &programs)
    }

    /// SIGKILL for the PostgreSQL server of a member alone: its children notice and end, and
    /// Patroni is there to see it. Returns its process id.
    ///
    /// # Errors
    /// When it has no server now.
    pub async fn kill_postmaster(&self, member: Member) -> Result<u32, LabError> {
        let _lock = self.lock().await?;
        let own = self.processes(member);
        let found = own.iter().find(|process| process.role == ProcessRole::Postmaster);
        let what = "running PostgreSQL server";
        let postmaster =
            found.ok_or(LabError::NoProcess { lab: self.name.clone(), member, what })?;
        tell(member, postmaster, ProcessSignal::Kill)?;
        Ok(postmaster.pid)
    }

    /// Freezes the WAL senders of a member, so that its replicas fall behind; returns how many.
    /// [`Self::resume`] thaws them.
    ///
    /// # Errors
    /// When there is none.
    pub async fn pause_walsenders(&self, member: Member) -> Result<usize, LabError> {
        let _lock = self.lock().await?;
        let own = self.processes(member);
        let senders: Vec<_> = own.iter().filter(|one| one.role == ProcessRole::WalSender).collect();
        if senders.is_empty() {
            return Err(LabError::NoProcess { lab: self.name.clone(), member, what: "walsender" });
        }
        senders.iter().try_for_each(|sender| tell(member, sender, ProcessSignal::Stop))?;
        Ok(senders.len())
    }

    /// Hands the leadership over in good order, to this member or to the one that Patroni chooses;
    /// returns the old leader and the new one.
    ///
    /// # Errors
    /// When no member leads, when the other one cannot, with Patroni's words, or when no other one
    /// is seen to lead within 10 s after Patroni said so.
    pub async fn switch_over(&self, to: Option<Member>) -> Result<(Member, Member), LabError> {
        let _lock = self.lock().await?;
        let no = |reason: String| LabError::NoSwitchover { lab: self.name.clone(), reason };
        if let Some(to) = to.filter(|to| to.kind() != MemberKind::Patroni) {
            return Err(no(format!("{to} is no PostgreSQL server")));
        }
        let from = self.select(&Selector::Leader).await?;
        if to == Some(from) {
            return Err(no(format!("{from} leads already")));
        }
        let name = to.map(|to| to.to_string());
        let url = self.api_url(self.state.ports.patroni[from.index()]);
        let asked = PatroniApi::secured(&url, SWITCHOVER_DEADLINE, self.tls_client()?);
        let api = asked.map_err(|error| no(error.to_string()))?;
        let done = api.switchover(&from.to_string(), name.as_deref()).await;
        done.map_err(|error| no(error.to_string()))?;
        let end = Instant::now() + SEEN_WITHIN;
        loop {
            match self.select(&Selector::Leader).await {
                Ok(leader) if leader != from => return Ok((from, leader)),
                Ok(_) | Err(_) if Instant::now() < end => sleep(LOOK_EVERY).await,
                Ok(_) => return Err(no(format!("{from} still leads"))),
                Err(error) => return Err(error),
            }
        }
    }

    /// Refuses a member with processes out of sight: it would look as if it did not run.
    pub(in crate::lab) fn must_be_seen(&self, member: Member) -> Result<(), LabError> {
        match self.running(member) {
            Running::OutOfSight => {
                Err(LabError::OutOfSight { lab: self.name.clone(), members: member.to_string() })
            }
            Running::Running | Running::Paused | Running::Stopped => Ok(()),
        }
    }

    fn must_run(&self, member: Member) -> Result<(), LabError> {
        self.must_be_seen(member)?;
        match self.running(member) {
            Running::Stopped => {
                Err(LabError::NoProcess { lab: self.name.clone(), member, what: "process" })
            }
            Running::Running | Running::Paused | Running::OutOfSight => Ok(()),
        }
    }

    /// A lab cannot cut a member off the network.
    ///
    /// # Errors
    /// Always: a lab cannot.
    pub fn partition(&self, member: Member) -> Result<(), LabError> {
        Err(LabError::Unsupported(format!(
            "{member} cannot be cut off: all members of a lab talk over the loopback of this machine"
        )))
    }
}
