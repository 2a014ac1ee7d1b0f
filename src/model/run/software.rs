//! What a run was against: the versions of its servers, and Patroni's settings over time.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::cluster::server::Server;
use crate::model::cluster::software::{MemberSoftware, PatroniSettings};
use crate::model::event::{Event, What};
use crate::model::prediction::in_force::{PatroniInForce, in_force};
use crate::model::prediction::release::common_release;
use crate::model::seconds;

/// Servers that are kept: more are no cluster's.
pub const SERVERS_MAX: usize = 64;

/// Changes of Patroni's settings that are kept: the first ones.
pub const SETTINGS_MAX: usize = 64;

/// What runs on a server, as far as it was told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerSoftware {
    /// Its name or address.
    pub server: String,
    /// PostgreSQL's version as a number, by the server itself or by its Patroni: 150004 is 15.4.
    pub postgresql: Option<u32>,
    /// The version of its Patroni, where that was watched.
    pub patroni: Option<String>,
}

/// From when on Patroni had these settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsFrom {
    /// When its API said so first, since the start of the run.
    #[serde(rename = "from_s", with = "seconds")]
    pub from: Duration,
    /// The settings.
    #[serde(flatten)]
    pub settings: PatroniSettings,
}

/// Versions and settings, folded from a run's events.
#[derive(Debug, Default)]
pub struct Software {
    servers: BTreeMap<String, ServerSoftware>,
    settings: Vec<SettingsFrom>,
}

impl Software {
    /// Takes an event in.
    pub fn apply(&mut self, event: &Event) {
        match &event.what {
            What::Ready(ready) => self.server(&ready.server),
            What::Connected(connected) => self.server(&connected.server),
            What::MemberSoftware(told) => self.member(told),
            What::PatroniSettings(settings) if self.settings.len() < SETTINGS_MAX => {
                self.settings.push(SettingsFrom { from: event.at, settings: *settings });
            }
            _ => {}
        }
    }

    fn server(&mut self, server: &Server) {
        let Some(version) = server.version else { return };
        if let Some(known) = self.of(&server.name()) {
            known.postgresql = Some(version);
        }
    }

    fn member(&mut self, told: &MemberSoftware) {
        if let Some(known) = self.of(&told.member) {
            known.patroni = Some(told.patroni.clone());
            known.postgresql = told.postgresql.or(known.postgresql);
        }
    }

    fn of(&mut self, name: &str) -> Option<&mut ServerSoftware> {
        if self.servers.len() >= SERVERS_MAX && !self.servers.contains_key(name) {
            return None;
        }
        let server = self.servers.entry(name.to_owned()).or_default();
        name.clone_into(&mut server.server);
        Some(server)
    }

    /// What runs on each server that was seen, by name.
    #[must_use]
    pub fn servers(&self) -> Vec<ServerSoftware> {
        self.servers.values().cloned().collect()
    }

    /// Patroni's settings in force at a time; `None` where they were not told.
    #[must_use]
    pub fn in_force(&self, at: Duration) -> Option<PatroniInForce> {
        let known = self.settings.iter().rev().find(|known| known.from <= at);
        let told = known.or(self.settings.first())?;
        let versions = self.servers.values().filter_map(|server| server.patroni.as_deref());
        Some(in_force(&told.settings, common_release(versions)))
    }

    /// Patroni's settings at the first look, and after each change.
    #[must_use]
    pub fn settings(&self) -> &[SettingsFrom] {
        &self.settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::cluster::server::ServerProcess;
    use crate::model::event::Connected;

    fn connected(member: &str, version: u32) -> What {
        let (member, version) = (Some(member.to_owned()), Some(version));
        let server = Server { member, version, ..Server::default() };
        What::Connected(Connected {
            writer: 0,
            server,
            backend: ServerProcess::default(),
            abandoned: 0,
        })
    }

    fn software(member: &str, postgresql: Option<u32>) -> What {
        let (member, patroni) = (member.to_owned(), "4.0.4".to_owned());
        What::MemberSoftware(MemberSoftware { member, patroni, postgresql })
    }

    #[test]
    fn a_server_has_what_it_and_its_patroni_tell() {
        let mut known = Software::default();
        for what in [
            connected("patroni1", 150_004),
            software("patroni1", None),
            software("patroni2", Some(160_002)),
        ] {
            known.apply(&Event { at: Duration::ZERO, what });
        }
        let server = |name: &str, postgresql| ServerSoftware {
            server: name.to_owned(),
            postgresql: Some(postgresql),
            patroni: Some("4.0.4".to_owned()),
        };
        assert_eq!(known.servers(), [server("patroni1", 150_004), server("patroni2", 160_002)]);
    }

    #[test]
    fn settings_in_force_are_those_that_the_members_version_takes() {
        let mut known = Software::default();
        let told = PatroniSettings { ttl_s: 5, ..PatroniSettings::BY_DEFAULT };
        known.apply(&Event { at: Duration::ZERO, what: What::PatroniSettings(told) });
        let ttl_s = |known: &Software| known.in_force(Duration::ZERO).unwrap().settings.ttl_s;
        assert_eq!(ttl_s(&known), 5, "as it was told, where no version is known");
        known.apply(&Event { at: Duration::ZERO, what: software("patroni1", None) });
        assert_eq!(ttl_s(&known), 20);
    }

    #[test]
    fn names_without_end_cost_no_memory() {
        let mut known = Software::default();
        for n in 0..1_000 {
            let what = connected(&format!("member{n}"), 170_001);
            known.apply(&Event { at: Duration::ZERO, what });
        }
        assert_eq!(known.servers().len(), SERVERS_MAX);
    }
}
