//! [`Lab`]: one lab, by what is kept of it on disk.

use std::path::PathBuf;
use std::time::Duration;

use crate::lab::error::LabError;
use crate::lab::files::folders::Folders;
use crate::lab::files::lock::Lock;
use crate::lab::files::state::LabState;
use crate::lab::member::{Member, MemberKind};
use crate::lab::ports::Ports;
use crate::lab::processes::running::{Running, running};
use crate::lab::processes::scan::{Process, of};
use crate::lab::spec::{LabSpec, check_name};
use crate::lab::{programs, superuser};
use crate::patroni::PatroniApi;
use crate::tls::{ClusterFiles, TlsClient, TlsError};

/// The deadline of one question to Patroni's API.
const API_DEADLINE: Duration = Duration::from_secs(2);

/// A lab that was brought up once. It need not run, and other commands may change it at any time.
#[derive(Debug, Clone)]
pub struct Lab {
    pub(in crate::lab) name: String,
    pub(in crate::lab) folders: Folders,
    pub(in crate::lab) state: LabState,
}

/// A lab by its name, or why its `lab.json` cannot be read.
pub type NamedLab = (String, Result<Lab, LabError>);

impl Lab {
    /// The lab of this name, if it was ever brought up and not wiped since.
    ///
    /// # Errors
    /// When the name is not allowed, or `lab.json` cannot be read.
    pub fn find(name: &str) -> Result<Option<Self>, LabError> {
        check_name(name)?;
        let folders = Folders::of(name)?;
        let state = LabState::read(&folders.state())?;
        Ok(state.map(|state| Self { name: name.to_owned(), folders, state }))
    }

    /// Every lab of the state folder, in the order of their names, with why it cannot be read
    /// when that is so.
    ///
    /// # Errors
    /// When there is no home folder.
    pub fn all() -> Result<Vec<NamedLab>, LabError> {
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
            tls: self.state.tls,
        }
    }

    /// Whether it has ever worked. After an `up` that was cut off, the next one starts anew.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.state.is_complete
    }

    /// Whether its removal was begun and not ended: the next `down --wipe` goes on with it.
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
        (member.kind() == MemberKind::Patroni).then(|| ports[member.index()])
    }

    /// The psql that belongs to the servers that a lab runs, or else that of the PATH.
    #[must_use]
    pub fn psql() -> Option<PathBuf> {
        programs::psql()
    }

    /// The role that may do everything, and its password, as in the Compose cluster.
    #[must_use]
    pub fn credentials(&self) -> (&'static str, &'static str) {
        (superuser::USER, superuser::PASSWORD)
    }

    /// Patroni's REST APIs, in the order of the members.
    #[must_use]
    pub fn patroni_urls(&self) -> Vec<String> {
        self.state.ports.patroni.map(|port| self.api_url(port)).to_vec()
    }

    pub(in crate::lab) fn api_url(&self, port: u16) -> String {
        let scheme = if self.state.tls { "https" } else { "http" };
        format!("{scheme}://127.0.0.1:{port}")
    }

    /// What a client needs to trust this lab, and to be trusted by it; `None` when it has no TLS.
    #[must_use]
    pub fn tls(&self) -> Option<ClusterFiles> {
        self.state.tls.then(|| ClusterFiles {
            authority: self.folders.authority(),
            certificate: self.folders.client_certificate(),
            key: self.folders.client_key(),
        })
    }

    /// The same, read; `None` when it has no TLS.
    ///
    /// # Errors
    /// When a file is of no use: then Patroni cannot be asked.
    pub fn tls_client(&self) -> Result<Option<TlsClient>, TlsError> {
        self.tls().map(|files| files.client()).transpose()
    }

    /// None of them where the lab's certificates are of no use.
    pub(in crate::lab) fn apis(&self) -> Vec<PatroniApi> {
        let urls = self.patroni_urls();
        let tls = self.tls_client().ok().flatten();
        urls.iter()
            .filter_map(|url| PatroniApi::secured(url, API_DEADLINE, tls.clone()).ok())
            .collect()
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
        running(&self.folders, member)
    }

    /// A member's processes now: Patroni's and PostgreSQL's, the most important first.
    #[must_use]
    pub fn processes(&self, member: Member) -> Vec<Process> {
        of(&self.folders, member)
    }

    pub(in crate::lab) async fn lock(&self) -> Result<Lock, LabError> {
        Lock::take(&self.folders.lock(), &self.name).await
    }
}
