//! The values for the templates in `cluster/`, which the Compose cluster uses too.

use std::collections::BTreeMap;
use std::path::Path;

use crate::lab::bring_up::template::fill;
use crate::lab::error::LabError;
use crate::lab::files::folders::Folders;
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
        ("PATRONI_PG_HBA_CONNECTIONS", "host".to_owned()),
        ("PATRONI_POSTGRESQL_SSL", "'off'".to_owned()),
        ("PATRONI_POSTGRESQL_SSL_CA_FILE", "''".to_owned()),
        ("PATRONI_POSTGRESQL_SSL_CERT_FILE", "''".to_owned()),
        ("PATRONI_POSTGRESQL_SSL_KEY_FILE", "''".to_owned()),
        // Of a killed server nothing stays behind outside of its folder.
        ("PATRONI_DYNAMIC_SHARED_MEMORY", "mmap".to_owned()),
    ]);
    fill(PATRONI, &values)
}

/// HAProxy's environment.
pub(in crate::lab) fn haproxy(state: &LabState) -> Vec<(&'static str, String)> {
    let (ports, checks) = (&state.ports, &state.timing.checks);
    let bind = |port: u16| format!("127.0.0.1:{port}");
    let server = |index: usize| {
        let (server, api) = (ports.postgresql[index], ports.patroni[index]);
        format!("{} 127.0.0.1:{server} port {api}", Member::PATRONI[index])
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
    use crate::lab::ports::Ports;
    use crate::lab::spec::{PatroniVersion, Profile, Timing};

    fn state() -> LabState {
        let timing = Timing::of(Profile::Default, &PatroniVersion("3.0.2".to_owned()));
        LabState::new((Profile::Default, false), timing, Ports::new(None), None)
    }

    #[test]
    fn every_value_of_the_templates_is_given() {
        let folders = Folders::of("a").unwrap();
        let filled = patroni("a", Member::PATRONI[1], &folders, &state(), Path::new("/x")).unwrap();
        assert!(filled.contains("name: patroni2") && !filled.contains("${"), "{filled}");
        let given = haproxy(&state());
        for (name, _) in &given {
            assert!(HAPROXY.contains(&format!("${{{name}")), "{name} is used");
        }
        let used = HAPROXY.matches("\"${").count();
        assert!(used >= given.len());
    }
}
