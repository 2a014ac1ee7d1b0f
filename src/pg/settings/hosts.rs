//! Pairs hosts, addresses and ports: three lists of the same length.

use std::path::PathBuf;

use super::error::{Origin, SettingsError};
use super::given::GivenValue;
use super::layers::Layers;
use super::meant;
use super::socket_path;
use super::types::Address;
use super::warning::Warning;
use super::zoned_address::ZonedAddress;

const DEFAULT_HOST: &str = "localhost";
const DEFAULT_PORT: u16 = 5432;

/// A host with its port; its password is found later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HostAndPort {
    pub(super) address: Address,
    pub(super) hostaddr: Option<ZonedAddress>,
    pub(super) port: u16,
}

impl HostAndPort {
    /// Why there can be no such socket. One of several hosts fails by it as it is tried.
    fn socket_flaw(&self) -> Option<String> {
        match &self.address {
            Address::Tcp(_) => None,
            Address::Unix(folder) => socket_path::too_long(&socket_path::of(folder, self.port)),
        }
    }
}

pub(super) fn read(
    layers: &Layers,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<HostAndPort>, SettingsError> {
    let hosts = layers.get("host");
    let hostaddrs = hostaddr_of_hosts(layers, warnings);
    let named = hosts.or(hostaddrs);
    let names = named.map_or_else(|| vec![""], items);
    refuse_credentials(&names, named)?;
    refuse_ports(&names, named)?;
    let addresses = match hostaddrs {
        Some(said) => matching("hostaddr", said, named, addresses(said)?, names.len())?,
        None => vec![None; names.len()],
    };
    let ports = match layers.get("port") {
        Some(said) => ports(said, named, names.len())?,
        None => vec![DEFAULT_PORT; names.len()],
    };
    let together = names.into_iter().zip(addresses).zip(ports);
    let endpoints: Vec<HostAndPort> =
        together.map(|((name, hostaddr), port)| endpoint(name, hostaddr, port)).collect();
    match named.filter(|_| endpoints.iter().all(|endpoint| endpoint.socket_flaw().is_some())) {
        Some(said) => Err(said.invalid("host", endpoints[0].socket_flaw().unwrap_or_default())),
        None => Ok(endpoints),
    }
}

/// `hostaddr`, unless `-h` names another host: then connecting to the address would ignore the flag.
fn hostaddr_of_hosts<'a>(
    layers: &'a Layers,
    warnings: &mut Vec<Warning>,
) -> Option<&'a GivenValue> {
    let said = layers.get("hostaddr")?;
    let by_flag = layers.get("host").is_some_and(|host| matches!(host.origin, Origin::Flag(_)));
    if by_flag {
        warnings.push(Warning::Ignored {
            keyword: "hostaddr",
            origin: said.origin.clone(),
            why: "-h/--host says where to connect",
        });
        return None;
    }
    Some(said)
}

fn endpoint(name: &str, hostaddr: Option<ZonedAddress>, port: u16) -> HostAndPort {
    let name = match (name, &hostaddr) {
        ("", Some(address)) => address.to_string(),
        ("", None) => DEFAULT_HOST.to_owned(),
        (name, _) => name.to_owned(),
    };
    // With an address to connect to, the name is only for the check of the certificate.
    let address = if hostaddr.is_none() && name.starts_with(['/', '@']) {
        Address::Unix(PathBuf::from(name))
    } else {
        Address::Tcp(name)
    };
    HostAndPort { address, hostaddr, port }
}

/// `user:password@host` belongs in a URI; as a host it would be looked up, and logged.
fn refuse_credentials(names: &[&str], said: Option<&GivenValue>) -> Result<(), SettingsError> {
    let looks_like_it = |name: &&str| name.contains(['@', '=']) && !name.starts_with(['/', '@']);
    match said.filter(|_| names.iter().any(looks_like_it)) {
        Some(said) => Err(said.invalid("host", "a host's name has no \"@\" and no \"=\" in it")),
        None => Ok(()),
    }
}

/// `localhost:5500` would be looked up as a name.
fn refuse_ports(names: &[&str], said: Option<&GivenValue>) -> Result<(), SettingsError> {
    let Some(said) = said else { return Ok(()) };
    match meant::by_hosts(names, &said.origin) {
        Some(meant) => Err(said.invalid("host", format!("did you mean {meant}?"))),
        None => Ok(()),
    }
}

fn items(said: &GivenValue) -> Vec<&str> {
    said.value.split(',').collect()
}

fn addresses(said: &GivenValue) -> Result<Vec<Option<ZonedAddress>>, SettingsError> {
    let parse = |item: &str| match item {
        "" => Ok(None),
        item => ZonedAddress::parse(item).map(Some).ok_or_else(|| {
            said.invalid("hostaddr", "it must be IP addresses; names belong in host")
        }),
    };
    items(said).into_iter().map(parse).collect()
}

fn ports(
    said: &GivenValue,
    hosts: Option<&GivenValue>,
    host_count: usize,
) -> Result<Vec<u16>, SettingsError> {
    let parse = |item: &str| match item.trim() {
        "" if host_count > 1 || items(said).len() > 1 => Ok(DEFAULT_PORT),
        item => item
            .parse()
            .ok()
            .filter(|port| *port != 0)
            .ok_or_else(|| said.invalid("port", "a port is a whole number from 1 to 65535")),
    };
    let ports: Vec<u16> = items(said).into_iter().map(parse).collect::<Result<_, _>>()?;
    match ports.as_slice() {
        [one] => Ok(vec![*one; host_count]),
        _ => matching("port", said, hosts, ports, host_count),
    }
}

fn matching<T>(
    keyword: &'static str,
    said: &GivenValue,
    hosts: Option<&GivenValue>,
    values: Vec<T>,
    host_count: usize,
) -> Result<Vec<T>, SettingsError> {
    if values.len() == host_count {
        return Ok(values);
    }
    let plural = if host_count == 1 { "" } else { "s" };
    let hosts = match hosts {
        Some(hosts) => format!("{host_count} host{plural} (from {})", hosts.origin),
        None => "the one default host".to_owned(),
    };
    Err(SettingsError::Counts { keyword, count: values.len(), origin: said.origin.clone(), hosts })
}
