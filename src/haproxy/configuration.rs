//! HAProxy's configuration file, as far as it decides how long an outage takes.
//!
//! What is read: `defaults`, `listen`, `frontend` and `backend` sections with `bind`, `server`,
//! `default-server`, `timeout connect`, `timeout check`, `retries`, `option redispatch`, `option httpchk` and
//! `http-check send`; the rest is passed over. Quotes, escapes, comments and environment variables are
//! as in HAProxy's manual (2.6, "Quoting and escaping", "Environment variables"). Where a file says nothing,
//! HAProxy's own defaults stand.
//!
//! - `words`: a line as words. `server_settings`: what a server's line says. `sections`: the file,
//!   section by section. `error`: what can be wrong.

mod error;
mod sections;
mod server_settings;
mod words;

#[cfg(test)]
mod tests;

pub use error::ConfigurationError;

use crate::model::cluster::proxy_checks::ProxyChecks;
use crate::model::foreign;
use sections::{ProxySection, read_sections};

/// The longest file that is read, in bytes.
pub const BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A section is told apart by what its checks ask for.
const LEADER_PATHS: [&str; 4] = ["/primary", "/master", "/leader", "/read-write"];

/// So many sections are named in an error.
const NAMED_MAX: usize = 20;

/// A configuration file, read.
#[derive(Debug, Clone)]
pub struct HaproxyConfiguration {
    file: String,
    sections: Vec<ProxySection>,
}

/// A backend with checked servers, and its settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedBackend {
    /// Its name.
    pub name: String,
    /// How its servers are checked; where they differ, the slowest of each setting.
    pub checks: ProxyChecks,
}

impl HaproxyConfiguration {
    /// Reads the text of `file`; `variable` has HAProxy's environment.
    ///
    /// # Errors
    /// What is wrong, with file and line.
    pub fn read(
        file: &str,
        bytes: &[u8],
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigurationError> {
        let file = foreign::name(file);
        // Other bytes stand in comments and names, whatever their encoding is.
        if bytes.contains(&0) {
            return Err(ConfigurationError::NoText { file });
        }
        let sections = read_sections(&file, &String::from_utf8_lossy(bytes), variable)?;
        Ok(Self { file, sections })
    }

    /// The backend of this name; without one of those with checked servers, or of those of them that `port` leads to, the
    /// only one with checks that ask Patroni for the leader, or else the only one.
    ///
    /// # Errors
    /// When there is none, or it cannot be told which.
    pub fn backend(
        &self,
        name: Option<&str>,
        port: Option<u16>,
    ) -> Result<CheckedBackend, ConfigurationError> {
        let checked: Vec<&ProxySection> =
            self.sections.iter().filter(|section| section.checks.is_some()).collect();
        if let Some(name) = name {
            return self.named(name, &checked);
        }
        let leads_there =
            |section: &ProxySection| port.is_none_or(|port| self.is_bound(section, port));
        let bound: Vec<&ProxySection> =
            checked.iter().copied().filter(|section| leads_there(section)).collect();
        if let Some(port) = port.filter(|_| bound.is_empty()) {
            return Err(ConfigurationError::NoSuchPort {
                file: self.file.clone(),
                port,
                backends: names(&checked),
            });
        }
        let of_leader: Vec<&ProxySection> =
            bound.iter().copied().filter(|section| section.asks_for_leader()).collect();
        let found = [&of_leader, &bound].into_iter().find_map(|found| match &found[..] {
            [section] => Some(*section),
            _ => None,
        });
        match found.and_then(|section| Some((section, section.checks?))) {
            Some((section, checks)) => Ok(CheckedBackend { name: section.shown_name(), checks }),
            None if checked.is_empty() && self.sections.iter().any(|one| one.is_disabled) => {
                Err(ConfigurationError::AllDisabled { file: self.file.clone() })
            }
            None if checked.is_empty() => {
                Err(ConfigurationError::NoCheckedServers { file: self.file.clone() })
            }
            None => Err(ConfigurationError::Several {
                file: self.file.clone(),
                backends: names(&checked),
            }),
        }
    }

    fn named(
        &self,
        name: &str,
        checked: &[&ProxySection],
    ) -> Result<CheckedBackend, ConfigurationError> {
        let file = self.file.clone();
        let Some(section) = self.sections.iter().find(|section| section.name == name) else {
            let (name, backends) = (foreign::name(name), names(checked));
            return Err(ConfigurationError::NoSuchBackend { file, name, backends });
        };
        let (line, backend) = (section.line, section.shown_name());
        match section.checks {
            Some(checks) => Ok(CheckedBackend { name: backend, checks }),
            None if section.is_disabled => {
                Err(ConfigurationError::Disabled { file, line, backend })
            }
            None => Err(ConfigurationError::NotChecked { file, line, backend }),
        }
    }

    /// Whether a port leads to a section: its own, or that of a frontend which uses it.
    fn is_bound(&self, section: &ProxySection, port: u16) -> bool {
        section.ports.contains(&port)
            || self
                .sections
                .iter()
                .any(|front| front.ports.contains(&port) && front.uses.contains(&section.name))
    }
}

fn names(sections: &[&ProxySection]) -> String {
    let names = sections.iter().take(NAMED_MAX).map(|section| section.shown_name());
    names.collect::<Vec<_>>().join(", ")
}

impl ProxySection {
    fn asks_for_leader(&self) -> bool {
        // With a query, as in /primary?lag=1MB.
        let path = self.check_path.as_deref().map(|path| path.split('?').next().unwrap_or(path));
        path.is_some_and(|path| LEADER_PATHS.contains(&path))
    }

    fn shown_name(&self) -> String {
        foreign::name(&self.name)
    }
}
