//! The values for the templates in `cluster/`, which the Compose cluster uses too.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::lab::bring_up::template::fill;
use crate::lab::error::LabError;
use crate::lab::files::folders::{AUTHORITY, Folders, MEMBER_KEY, TLS};
use crate::lab::files::state::LabState;
use crate::lab::member::Member;
use crate::lab::superuser::{PASSWORD, USER};

/// What HAProxy reads; it fills in the values itself, from its environment.
pub(in crate::lab) const HAPROXY: &str = include_str!("../../../cluster/haproxy.cfg");

const PATRONI: &str = include_str!("../../../cluster/patroni.yml");

/// While a cluster is made, its members need not wait longer than this for each other.
const LOOP_WAIT_AT_FIRST_S: u32 = 1;

/// A member's patroni.yml.
pub(in crate::lab) fn patroni(
    lab: &str,
    member: Member,
    folders: &Folders,
    state: &LabState,
    postgresql: &Path,
) -> Result<String, LabError> {
    let ports = &state.ports;
    let api = format!("127.0.0.1:{}", ports.patroni[member.index()]);
    let server = format!("127.0.0.1:{}", ports.postgresql[member.index()]);
    let etcd = ports.etcd_client.map(|port| format!("127.0.0.1:{port}"));
    let quoted = |path: &Path| format!("'{}'", path.display().to_string().replace('\'', "''"));
    let file = |path: PathBuf| if state.tls { quoted(&path) } else { "''".to_owned() };
    let folder = folders.member(member);
    let values = BTreeMap::from([
        ("PATRONI_SCOPE", lab.to_owned()),
        ("PATRONI_NAME", member.to_string()),
        ("PATRONI_RESTAPI_LISTEN", api.clone()),
        ("PATRONI_RESTAPI_CONNECT_ADDRESS", api),
        ("PATRONI_ETCD3_HOSTS", etcd.join(",")),
        ("PATRONI_TTL", state.timing.ttl_s.to_string()),
        ("PATRONI_LOOP_WAIT", LOOP_WAIT_AT_FIRST_S.to_string()),
        ("PATRONI_RETRY_TIMEOUT", state.timing.retry_timeout_s.to_string()),
        ("PATRONI_SYNCHRONOUS_MODE", state.synchronous.to_string()),
        ("PATRONI_POSTGRESQL_LISTEN", server.clone()),
        ("PATRONI_POSTGRESQL_CONNECT_ADDRESS", server),
        ("PATRONI_POSTGRESQL_DATA_DIR", quoted(&folders.data(member))),
        ("PATRONI_POSTGRESQL_BIN_DIR", quoted(postgresql)),
        ("PATRONI_POSTGRESQL_PGPASS", quoted(&folder.join("pgpass"))),
        ("PATRONI_SUPERUSER_USERNAME", USER.to_owned()),
        ("PATRONI_SUPERUSER_PASSWORD", PASSWORD.to_owned()),
        // A socket's path is limited to 107 bytes, and a state folder can be anywhere.
        ("PATRONI_SOCKET_DIR", "''".to_owned()),
        ("PATRONI_PG_HBA_CONNECTIONS", if state.tls { "hostssl" } else { "host" }.to_owned()),
        ("PATRONI_POSTGRESQL_SSL", if state.tls { "'on'" } else { "'off'" }.to_owned()),
        ("PATRONI_POSTGRESQL_SSL_CA_FILE", file(folders.authority())),
        ("PATRONI_POSTGRESQL_SSL_CERT_FILE", file(folders.certificate(member))),
        ("PATRONI_POSTGRESQL_SSL_KEY_FILE", file(folders.key(member))),
        // Of a killed server nothing stays behind outside of its folder.
        ("PATRONI_DYNAMIC_SHARED_MEMORY", "mmap".to_owned()),
    ]);
    fill(PATRONI, &values)
}

/// Patroni's environment: what of TLS it reads there. A setting of these has no value that means
/// "none" in its file.
pub(in crate::lab) fn patroni_tls(
    member: Member,
    folders: &Folders,
    state: &LabState,
) -> Vec<(&'static str, String)> {
    if !state.tls {
        return Vec::new();
    }
    let file = |path: PathBuf| path.display().to_string();
    let authority = || file(folders.authority());
    let certificate = || file(folders.certificate(member));
    let key = || file(folders.key(member));
    // The address is checked from libpq 15 on only, so by the authority alone.
    let mode = || "verify-ca".to_owned();
    vec![
        ("PATRONI_RESTAPI_CERTFILE", certificate()),
        ("PATRONI_RESTAPI_KEYFILE", key()),
        ("PATRONI_RESTAPI_CAFILE", authority()),
        ("PATRONI_RESTAPI_VERIFY_CLIENT", "required".to_owned()),
        ("PATRONI_CTL_CERTFILE", certificate()),
        ("PATRONI_CTL_KEYFILE", key()),
        ("PATRONI_CTL_CACERT", authority()),
        ("PATRONI_SUPERUSER_SSLMODE", mode()),
        ("PATRONI_SUPERUSER_SSLROOTCERT", authority()),
        ("PATRONI_REPLICATION_SSLMODE", mode()),
        ("PATRONI_REPLICATION_SSLROOTCERT", authority()),
        ("PATRONI_REWIND_SSLMODE", mode()),
        ("PATRONI_REWIND_SSLROOTCERT", authority()),
    ]
}

/// HAProxy's environment.
pub(in crate::lab) fn haproxy(state: &LabState) -> Vec<(&'static str, String)> {
    let (ports, checks) = (&state.ports, &state.timing.checks);
    let bind = |port: u16| format!("127.0.0.1:{port}");
    let server = |index: usize| {
        let (member, server) = (Member::PATRONI[index], ports.postgresql[index]);
        let api = ports.patroni[index];
        format!("{member} 127.0.0.1:{server} port {api}{}", check_by_tls(member, state))
    };
    vec![
        ("HAPROXY_CHECK", checks.words()),
        ("HAPROXY_TIMEOUT_CONNECT", format!("{}s", checks.connect_timeout_s)),
        ("HAPROXY_TIMEOUT_CHECK", format!("{}s", checks.check_timeout_s)),
        // Never asked: the servers are given by their address.
        ("HAPROXY_RESOLVER", "127.0.0.1:53".to_owned()),
        ("HAPROXY_WRITE_BIND", bind(ports.write)),
        ("HAPROXY_READ_BIND", bind(ports.read)),
        ("HAPROXY_STATS_BIND", bind(ports.page)),
        ("MEMBER1", server(0)),
        ("MEMBER2", server(1)),
        ("MEMBER3", server(2)),
    ]
}

/// The rest of a server's line where Patroni is asked by TLS. The sessions go through as they are.
/// The files as HAProxy finds them from its own folder: a space in a whole path would end it.
fn check_by_tls(member: Member, state: &LabState) -> String {
    if !state.tls {
        return String::new();
    }
    format!(
        " check-ssl verify required verifyhost {member} ca-file ../{TLS}/{AUTHORITY} crt {MEMBER_KEY}"
    )
}

/// What Patroni is to keep to, once the cluster is made.
pub(in crate::lab) fn dynamic(state: &LabState) -> serde_json::Value {
    let timing = &state.timing;
    serde_json::json!({
        "ttl": timing.ttl_s,
        "loop_wait": timing.loop_wait_s,
        "retry_timeout": timing.retry_timeout_s,
        "synchronous_mode": state.synchronous,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::haproxy::configuration::HaproxyConfiguration;
    use crate::lab::spec::{LabSpec, PatroniVersion, Profile, Timing};

    fn state(tls: bool) -> LabState {
        let timing = Timing::of(Profile::Default, &PatroniVersion("3.0.2".to_owned()));
        LabState::new(&LabSpec { tls, ..LabSpec::new("a", Profile::Default) }, timing, None)
    }

    #[test]
    fn every_value_of_the_templates_is_given() {
        let folders = Folders::of("a").unwrap();
        for tls in [false, true] {
            let (member, postgresql) = (Member::PATRONI[1], Path::new("/x"));
            let filled = patroni("a", member, &folders, &state(tls), postgresql).unwrap();
            assert!(filled.contains("name: patroni2") && !filled.contains("${"), "{filled}");
            let host = if tls { "- hostssl all all" } else { "- host all all" };
            assert!(filled.contains(host), "{filled}");
        }
        let given = haproxy(&state(false));
        for (name, _) in &given {
            assert!(HAPROXY.contains(&format!("${{{name}")), "{name} is used");
        }
        let used = HAPROXY.matches("\"${").count();
        assert!(used >= given.len());
    }

    /// What an outage is predicted from is what HAProxy reads.
    #[test]
    fn haproxys_settings_are_those_of_its_configuration() {
        for profile in [Profile::Default, Profile::Quick] {
            let timing = Timing::of(profile, &PatroniVersion("3.0.2".to_owned()));
            let state = LabState::new(&LabSpec::new("a", profile), timing, None);
            let given: BTreeMap<_, _> = haproxy(&state).into_iter().collect();
            let variable = |name: &str| given.get(name).cloned();
            let read = HaproxyConfiguration::read("haproxy.cfg", HAPROXY.as_bytes(), &variable);
            let backend = read.unwrap().backend(None, None).unwrap();
            assert_eq!((backend.name.as_str(), backend.checks), ("primary", timing.checks.proxy()));
        }
    }
}
