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
        target_session_attrs: settings.target_session_attrs.map(|attrs| attrs.name().to_owned()),
        unrecorded: resolved.unrecorded.iter().map(|name| (*name).to_owned()).collect(),
        random_hosts: settings.tries_hosts_in_random_order(),
        tls: tls_options.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
    }
}

/// The same of a member, of which it is said how it is secured: without that it would be as the load is.
pub(super) fn member(resolved: &Resolved) -> Target {
    let mut target = target(resolved);
    let mode = || resolved.settings.security.sslmode.name().to_owned();
    target.tls.entry("sslmode".to_owned()).or_insert_with(mode);
    target
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::settings::{Environment, Explicit, resolve};

    fn of(dsn: &str) -> Target {
        let explicit = Explicit { dsn: Some(dsn.to_owned()), ..Explicit::default() };
        target(&resolve(&explicit, &Environment::empty()).unwrap())
    }

    /// What a record has leads where the run went, and has no password.
    #[test]
    fn a_connection_string_of_a_record_leads_to_the_same_place() {
        for dsn in [
            "host=10.0.0.1 password=secret",
            "host=a,b port=5432,5433 dbname=app user=u",
            "host=a,b port=6000 hostaddr=10.0.0.1,10.0.0.2",
            "host=::1 port=5433",
            r"host=/var/run/postgresql port=5433 user='o\'b'",
            "host=a,b target_session_attrs=standby load_balance_hosts=random",
            r"host='/tmp/my sockets' dbname='it\'s, a \\ name' user='two words'",
            "host=@abstract",
            "postgresql://u:secret@[::1]:5433/app?sslmode=require&sslsni=0",
        ] {
            let recorded = of(dsn);
            let typed = recorded.connection_string();
            assert!(!typed.contains("secret"), "{typed}");
            assert_eq!(of(&typed), recorded, "{typed}");
        }
    }
}
