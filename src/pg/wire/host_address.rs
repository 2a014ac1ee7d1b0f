//! One place to connect to: a host of the settings, and one address of its name.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::LazyLock;

use tokio::sync::{Semaphore, oneshot};

use crate::pg::failure::own_limits;
use crate::pg::settings::{Address, Host, ZonedAddress};

/// Name lookups at the same time, in the whole process. Each has a thread, which lasts as long as the
/// resolver takes, also after the caller's deadline.
const LOOKUPS_MAX: usize = 64;

static LOOKUPS: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(LOOKUPS_MAX));

/// A host and one of its addresses. Its `Display` names both where they differ:
/// `db.example:5432 (10.0.0.3)`.
#[derive(Debug, Clone)]
pub struct HostAddress<'a> {
    /// The host as it was named.
    pub host: &'a Host,
    /// The address to connect to; `None` for a Unix socket.
    pub address: Option<SocketAddr>,
}

impl<'a> HostAddress<'a> {
    /// The place of a host that needs no lookup: a Unix socket, or an address. `None` for a name, and for an address with
    /// a zone, as that is known to the system by its number.
    #[must_use]
    pub fn known(host: &'a Host) -> Option<Self> {
        if let Address::Unix(_) = host.address {
            return Some(Self { host, address: None });
        }
        let ZonedAddress { ip, zone } = host.address_said()?;
        zone.is_none().then(|| Self { host, address: Some((ip, host.port).into()) })
    }

    /// Every place that a host is at, each once, in the resolver's order.
    ///
    /// # Errors
    /// The lookup's; a name without an address is [`io::ErrorKind::NotFound`], and a zone that is none of this machine
    /// [`io::ErrorKind::AddrNotAvailable`].
    pub async fn all_of(host: &'a Host) -> io::Result<Vec<Self>> {
        if let Some(known) = Self::known(host) {
            return Ok(vec![known]);
        }
        let Address::Tcp(name) = &host.address else { return Ok(Vec::new()) };
        let found = match host.address_said() {
            Some(address) => look_up_zone(&address, host.port).await?,
            None => look_up(name, host.port).await?,
        };
        let mut places: Vec<Self> = Vec::new();
        for address in found {
            if places.iter().all(|place| place.address != Some(address)) {
                places.push(Self { host, address: Some(address) });
            }
        }
        if places.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
        }
        Ok(places)
    }

    /// The host at this address alone. What was said of an address stays as it was said.
    #[must_use]
    pub fn alone(&self) -> Host {
        let hostaddr = match (self.host.address_said(), self.address) {
            (None, Some(address)) => Some(address.into()),
            _ => self.host.hostaddr.clone(),
        };
        Host { hostaddr, ..self.host.clone() }
    }

    /// The address without its port.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        self.address.map(|address| address.ip())
    }

    /// Whether the endpoint of a fault is this host, at any of its addresses.
    #[must_use]
    pub fn is_of(host: &Host, endpoint: &str) -> bool {
        let rest = endpoint.strip_prefix(&host.to_string());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(" ("))
    }
}

impl fmt::Display for HostAddress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.host)?;
        let Some(dialled) = self.address else { return Ok(()) };
        let named = match &self.host.address {
            Address::Tcp(name) => ZonedAddress::parse(name),
            Address::Unix(_) => None,
        };
        let address = self.host.address_said().unwrap_or_else(|| dialled.into());
        if named.as_ref() == Some(&address) { Ok(()) } else { write!(f, " ({address})") }
    }
}

/// Looks a name up on a thread of its own. Without a thread that is an error like any other, where
/// the runtime's pool would panic.
async fn look_up(name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    use std::net::ToSocketAddrs;
    // The semaphore is never closed.
    let Ok(turn) = LOOKUPS.acquire().await else { return Ok(Vec::new()) };
    let (found, answer) = oneshot::channel();
    let name = name.to_owned();
    std::thread::Builder::new().name("name lookup".to_owned()).spawn(move || {
        let addresses = (name.as_str(), port).to_socket_addrs().map(Iterator::collect);
        drop(turn);
        // The receiver may have reached its deadline.
        let _ = found.send(addresses);
    })?;
    answer.await.unwrap_or_else(|_| Err(io::Error::other("the name lookup ended without a word")))
}

/// Finds the number of an address's zone. No name server is asked for it.
async fn look_up_zone(address: &ZonedAddress, port: u16) -> io::Result<Vec<SocketAddr>> {
    look_up(&address.to_string(), port).await.map_err(|error| {
        let zone = address.zone.as_deref().unwrap_or_default();
        match own_limits::of_lookup(&error) {
            Some(_) => error,
            None => io::Error::new(
                io::ErrorKind::AddrNotAvailable,
                format!("this machine has no interface \"{zone}\" for {}", address.ip),
            ),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::settings::{Environment, Explicit, resolve};

    fn host(dsn: &str) -> Host {
        let explicit = Explicit { dsn: Some(dsn.to_owned()), ..Explicit::default() };
        resolve(&explicit, &Environment::empty()).unwrap().settings.hosts.remove(0)
    }

    #[test]
    fn the_address_is_shown_where_the_host_is_a_name() {
        for (dsn, shown) in [
            ("host=db hostaddr=10.0.0.3", "db:5432 (10.0.0.3)"),
            ("host=db hostaddr=::1", "db:5432 (::1)"),
            ("host=10.0.0.3", "10.0.0.3:5432"),
            ("host=::1", "[::1]:5432"),
            ("hostaddr=10.0.0.3", "10.0.0.3:5432"),
            ("host=/run/postgresql", "/run/postgresql:5432"),
        ] {
            let host = host(dsn);
            let place = HostAddress::known(&host).expect(dsn);
            assert_eq!(place.to_string(), shown);
            assert!(HostAddress::is_of(&host, shown), "{dsn}");
        }
        let named = host("host=db");
        assert!(HostAddress::known(&named).is_none());
        assert!(HostAddress::is_of(&named, "db:5432 (10.0.0.3)"));
        assert!(!HostAddress::is_of(&named, "db:54321"));
    }

    #[tokio::test]
    async fn a_name_without_an_address_is_an_error() {
        let nowhere = host("host=no-such-name.invalid");
        assert!(HostAddress::all_of(&nowhere).await.is_err());
        let here = host("host=localhost");
        let places = HostAddress::all_of(&here).await.unwrap();
        assert!(places.iter().all(|place| place.ip().unwrap().is_loopback()), "{places:?}");
    }
}
