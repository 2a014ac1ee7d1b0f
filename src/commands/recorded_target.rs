//! A connection as record and reports have it: without any secret.

use crate::model::load::target::Target;
use crate::pg::settings::{Address, Host, Resolved};

/// The target, as record and reports have it.
pub(super) fn target(resolved: &Resolved) -> Target {
    let Resolved { settings, tls_options, .. } = resolved;
    let hosts: Vec<String> = settings
        .hosts
        .iter()
        .map(|host| match &host.address {
            Address::Tcp(name) => name.clone(),
            Address::Unix(folder) => folder.display().to_string(),
        })
        .collect();
    let address = |host: &Host| host.hostaddr.as_ref().map(ToString::to_string).unwrap_or_default();
    let addresses: Vec<String> = settings.hosts.iter().map(address).collect();
    let is_said = settings.hosts.iter().any(|host| host.hostaddr.is_some());
    Target {
        host: hosts.join(","),
        hostaddr: is_said.then(|| addresses.join(",")),
        port: settings.hosts.first().map_or(0, |host| host.port),
        endpoints: settings.display_target(),
        dbname: settings.dbname.clone(),
        user: settings.user.clone(),
        tls: tls_options.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
    }
}
