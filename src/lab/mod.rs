//! A Patroni cluster of plain processes on this machine: three etcd, three Patroni with
//! PostgreSQL, one HAProxy, from the system's own packages and the templates in `cluster/`.
//!
//! [`Lab::up`] is the place to start reading. What there is to know:
//!
//! - [`member`], [`ports`], [`folders`], [`spec`]: the parts, where they are, and how fast they
//!   fail over. [`programs`] and [`account`]: what is run, and as whom.
//! - [`state`]: what is kept of a lab between two commands; [`lock`]: one command at a time.
//! - [`processes`]: which processes are a lab's, asked from `/proc` each time. [`signal`] reaches
//!   the process that was meant or none. [`ending`]: stop, kill, freeze and thaw a member whole.
//! - [`bring_up`] and [`readiness`]: from nothing to two ports that work; [`take_down`]: and back.
//! - [`dependencies`]: where the programs come from.
//! - [`roles`]: who is meant by `leader`. [`status`] and [`prediction`]: what there is now, and
//!   what an outage will take.
//!
//! It knows no load, no drill and no report. It is for Linux.

mod account;
mod bring_up;
mod configuration;
pub mod dependencies;
mod ending;
mod error;
mod folders;
mod http;
mod launch;
mod lock;
mod member;
mod port_owner;
mod ports;
mod prediction;
mod proc;
mod processes;
mod programs;
mod readiness;
mod roles;
mod shared_memory;
mod signal;
mod spec;
mod state;
mod status;
mod take_down;
mod template;

use std::path::PathBuf;
use std::time::Duration;

pub use ending::Ending;
pub use error::{LabError, LogTail};
pub use member::{Kind, Member};
pub use ports::Ports;
pub use prediction::Prediction;
pub use processes::{Process, Role};
pub use programs::{Missing, Need};
pub use spec::{Checks, LabSpec, Profile, Timing};
pub use status::{Fault, Sight};

use crate::patroni::PatroniApi;
use ending::tell;
use folders::Folders;
use lock::Lock;
use programs::Programs;
use signal::Signal;
use state::State;

/// The name of a lab that was given none.
pub const DEFAULT_NAME: &str = "pgchaos";

/// For one question to Patroni's API.
const API_DEADLINE: Duration = Duration::from_secs(2);

/// A lab that was brought up once. It need not run, and may be changed by others at any time.
#[derive(Debug, Clone)]
pub struct Lab {
    name: String,
    folders: Folders,
    state: State,
}

/// Whether a member runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Running {
    /// It does.
    Running,
    /// Its processes are frozen.
    Paused,
    /// It has no process.
    Stopped,
}

/// What tells a person how it goes on; a line each.
pub type Told<'a> = &'a mut (dyn FnMut(String) + Send);

impl Lab {
    /// The lab of this name, if it was ever brought up and not wiped since.
    ///
    /// # Errors
    /// When the name cannot be one, or what is kept of the lab cannot be read.
    pub fn find(name: &str) -> Result<Option<Self>, LabError> {
        spec::check_name(name)?;
        let folders = Folders::of(name)?;
        let state = State::read(&folders.state())?;
        Ok(state.map(|state| Self { name: name.to_owned(), folders, state }))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it was asked to be, with the base port left out: it keeps its ports.
    #[must_use]
    pub fn spec(&self) -> LabSpec {
        LabSpec {
            name: self.name.clone(),
            base_port: None,
            profile: self.state.profile,
            synchronous: self.state.synchronous,
        }
    }

    /// Whether it has ever worked. One whose `up` was cut off has not, and the next one starts anew.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.state.is_complete
    }

    /// Its ports, all on 127.0.0.1.
    #[must_use]
    pub fn ports(&self) -> &Ports {
        &self.state.ports
    }

    /// The port on 127.0.0.1 that leads to the primary.
    #[must_use]
    pub fn write_port(&self) -> u16 {
        self.state.ports.write
    }

    /// The port on 127.0.0.1 that leads to a replica.
    #[must_use]
    pub fn read_port(&self) -> u16 {
        self.state.ports.read
    }

    /// The role that may do everything, and its password, as in the Compose cluster.
    #[must_use]
    pub fn credentials(&self) -> (&'static str, &'static str) {
        (configuration::USER, configuration::PASSWORD)
    }

    /// Patroni's REST APIs, in the order of the members.
    #[must_use]
    pub fn patroni_urls(&self) -> Vec<String> {
        self.state.ports.patroni.map(|port| format!("http://127.0.0.1:{port}")).to_vec()
    }

    fn apis(&self) -> Vec<PatroniApi> {
        let urls = self.patroni_urls();
        urls.iter().filter_map(|url| PatroniApi::new(url, API_DEADLINE).ok()).collect()
    }

    /// Its parts, in the order in which they are started.
    #[must_use]
    pub fn members(&self) -> Vec<Member> {
        Member::all().collect()
    }

    /// The folder with everything of it.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.folders.lab().to_owned()
    }

    /// A member's log file.
    #[must_use]
    pub fn log(&self, member: Member) -> PathBuf {
        self.folders.log(member)
    }

    /// Whether a member runs now.
    #[must_use]
    pub fn running(&self, member: Member) -> Running {
        status::running(&self.processes(member))
    }

    /// A member's processes now: Patroni's and PostgreSQL's, the most important first.
    #[must_use]
    pub fn processes(&self, member: Member) -> Vec<Process> {
        processes::of(&self.folders, member)
    }

    /// Stops a member as `systemctl stop` would, and waits for its end: 30 s for Patroni, 10 s
    /// for the others, then it is killed, which is told.
    ///
    /// # Errors
    /// When its processes cannot be signalled, or do not even end by SIGKILL.
    pub async fn stop(&self, member: Member) -> Result<Ending, LabError> {
        let _lock = self.lock().await?;
        ending::stop(&self.folders, member).await
    }

    /// Kills a member as a whole, as when its machine fails: all of its processes, Patroni's and
    /// PostgreSQL's, are frozen first and then killed.
    ///
    /// # Errors
    /// When its processes cannot be signalled, or do not end within 10 s.
    pub async fn kill(&self, member: Member) -> Result<Ending, LabError> {
        let _lock = self.lock().await?;
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

    /// Lets a frozen member go on (SIGCONT). One that was not frozen is left as it is.
    ///
    /// # Errors
    /// When it does not run, or one of its processes does not go on within 10 s.
    pub async fn resume(&self, member: Member) -> Result<(), LabError> {
        let _lock = self.lock().await?;
        self.must_run(member)?;
        ending::thaw(&self.folders, member).await
    }

    /// Starts a member that does not run; says whether that was so. It takes a while until it
    /// is of use: see [`crate::patroni::convergence`].
    ///
    /// # Errors
    /// When it is paused, its program or one of its ports is not to be had, or it cannot be run.
    pub async fn start(&self, member: Member) -> Result<bool, LabError> {
        let _lock = self.lock().await?;
        let programs = Programs::find().await.map_err(LabError::Missing)?;
        bring_up::start_member(self, member, &programs)
    }

    /// SIGKILL for the PostgreSQL server of a member alone: its children notice and end, and
    /// Patroni is there to see it. Gives back its number.
    ///
    /// # Errors
    /// When it has no server now.
    pub async fn kill_postmaster(&self, member: Member) -> Result<u32, LabError> {
        let _lock = self.lock().await?;
        let own = self.processes(member);
        let found = own.iter().find(|process| process.role == Role::Postmaster);
        let what = "running PostgreSQL server";
        let postmaster = found.ok_or(LabError::NoProcess { member, what })?;
        tell(member, postmaster, Signal::Kill)?;
        Ok(postmaster.pid)
    }

    /// Freezes the processes of a member that send WAL to its replicas, so that these fall behind;
    /// says how many. [`Self::resume`] lets them go on.
    ///
    /// # Errors
    /// When there is none.
    pub async fn pause_walsenders(&self, member: Member) -> Result<usize, LabError> {
        let _lock = self.lock().await?;
        let own = self.processes(member);
        let senders: Vec<_> = own.iter().filter(|one| one.role == Role::WalSender).collect();
        if senders.is_empty() {
            return Err(LabError::NoProcess { member, what: "walsender" });
        }
        senders.iter().try_for_each(|sender| tell(member, sender, Signal::Stop))?;
        Ok(senders.len())
    }

    fn must_run(&self, member: Member) -> Result<(), LabError> {
        match self.running(member) {
            Running::Stopped => Err(LabError::NoProcess { member, what: "process" }),
            Running::Running | Running::Paused => Ok(()),
        }
    }

    async fn lock(&self) -> Result<Lock, LabError> {
        Lock::take(&self.folders.lock(), &self.name).await
    }
}
