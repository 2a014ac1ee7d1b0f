//! A Patroni cluster of plain processes on this machine: three etcd, three Patroni with
//! PostgreSQL, one HAProxy, from the system's own packages and the templates in `cluster/`.
//!
//! [`Lab::up`] is the place to start reading. What there is to know:
//!
//! - `member`, `ports`, `folders`, `spec`: the parts, where they are, and how fast they
//!   fail over. `programs` and `account`: what is run, and as whom.
//! - `state`: what is kept of a lab between two commands; `lock`: one command at a time.
//! - `processes`: which processes are a lab's, asked from `/proc` each time. `life`: whether a
//!   member lives that `/proc` does not show from here. `signal` reaches the process that was meant or none. `faults`: stop, kill, freeze and thaw a member, whole
//!   (`ending`) or in part.
//! - `plan`, `bring_up` and `readiness`: from nothing to two ports that work; `take_down`: and back.
//! - [`dependencies`]: where the programs come from.
//! - `nearby`: the labs that run now. `roles`: who is meant by `leader`. `status` and `prediction`: what there is now, and
//!   what an outage will take.
//!
//! It knows no load, no drill and no report. It is for Linux.

mod account;
mod bring_up;
mod configuration;
pub mod dependencies;
mod ending;
mod error;
mod faults;
mod folders;
mod http;
mod launch;
mod life;
mod lock;
mod member;
mod nearby;
mod plan;
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
pub use error::{Down, LabError, LogTail};
pub use member::{Kind, Member};
pub use port_owner::free_base_port;
pub use ports::Ports;
pub use prediction::Prediction;
pub use processes::{Process, Role};
pub use programs::{Missing, Need};
pub use spec::{Checks, LabSpec, Profile, Timing};
pub use status::{Fault, Sight};

use crate::patroni::PatroniApi;
use folders::Folders;
use lock::Lock;
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
    /// It has processes where they cannot be seen from here: in another PID namespace.
    OutOfSight,
}

/// A lab by its name, or why what is kept of it cannot be read.
pub type Named = (String, Result<Lab, LabError>);

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

    /// Every lab of the state folder, in the order of their names, with why it cannot be read
    /// when that is so.
    ///
    /// # Errors
    /// When there is no home folder.
    pub fn all() -> Result<Vec<Named>, LabError> {
        let names = Folders::names()?;
        let found = |name: String| {
            let lab = Self::find(&name).transpose()?;
            Some((name, lab))
        };
        Ok(names.into_iter().filter_map(found).collect())
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

    /// Whether its removal was begun and not ended: the next one goes on with it.
    #[must_use]
    pub fn is_removed_in_part(&self) -> bool {
        self.state.is_removed_in_part
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

    /// The port on 127.0.0.1 of a member's own PostgreSQL server; `None` where it has none.
    #[must_use]
    pub fn server_port(&self, member: Member) -> Option<u16> {
        let ports = &self.state.ports.postgresql;
        (member.kind() == Kind::Patroni).then(|| ports[member.index()])
    }

    /// The psql that belongs to the servers that a lab runs, or else that of the PATH.
    #[must_use]
    pub fn psql() -> Option<PathBuf> {
        programs::psql()
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

    /// The log file of a member of the lab of this name, which outlives the lab.
    ///
    /// # Errors
    /// When there is no home folder.
    pub fn log_of(name: &str, member: Member) -> Result<PathBuf, LabError> {
        Ok(Folders::of(name)?.log(member))
    }

    /// Whether a member runs now.
    #[must_use]
    pub fn running(&self, member: Member) -> Running {
        status::running(&self.folders, member)
    }

    /// A member's processes now: Patroni's and PostgreSQL's, the most important first.
    #[must_use]
    pub fn processes(&self, member: Member) -> Vec<Process> {
        processes::of(&self.folders, member)
    }

    async fn lock(&self) -> Result<Lock, LabError> {
        Lock::take(&self.folders.lock(), &self.name).await
    }
}
