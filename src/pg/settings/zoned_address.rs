//! An IP address as `hostaddr` has it: a link-local one says in which zone it is, as in `fe80::1%eth0`.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// An IP address, and its zone. Its `Display` is what [`ZonedAddress::parse`] reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZonedAddress {
    /// The address.
    pub ip: IpAddr,
    /// The interface by which it is reached, by name or number; only an IPv6 address has one.
    pub zone: Option<String>,
}

impl ZonedAddress {
    /// The address in this text; `None` where it is none. Whether its zone is one of this machine is not asked: interfaces
    /// come and go.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let Some((ip, zone)) = text.split_once('%') else {
            return Some(Self { ip: text.parse().ok()?, zone: None });
        };
        let is_zone =
            !zone.is_empty() && !zone.contains(|c: char| "%/".contains(c) || c.is_whitespace());
        let ip: Ipv6Addr = ip.parse().ok()?;
        is_zone.then(|| Self { ip: ip.into(), zone: Some(zone.to_owned()) })
    }
}

impl From<IpAddr> for ZonedAddress {
    fn from(ip: IpAddr) -> Self {
        Self { ip, zone: None }
    }
}

impl From<SocketAddr> for ZonedAddress {
    /// Of the zone only the number is known.
    fn from(address: SocketAddr) -> Self {
        let zone = match address {
            SocketAddr::V6(address) if address.scope_id() != 0 => {
                Some(address.scope_id().to_string())
            }
            _ => None,
        };
        Self { ip: address.ip(), zone }
    }
}

impl fmt::Display for ZonedAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.zone {
            Some(zone) => write!(f, "{}%{zone}", self.ip),
            None => write!(f, "{}", self.ip),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddrV6;

    use super::*;

    #[test]
    fn an_address_with_or_without_a_zone() {
        for text in ["10.0.0.3", "::1", "fe80::1", "fe80::1%eth0", "fe80::1%3", "::1%lo"] {
            let address = ZonedAddress::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(address.to_string(), text);
            assert_eq!(address.zone.as_deref(), text.split_once('%').map(|(_, zone)| zone));
        }
        for text in
            ["", "db", "fe80::1%", "fe80::1%1%2", "10.0.0.3%eth0", "%eth0", "fe80::1%a b", "[::1]"]
        {
            assert_eq!(ZonedAddress::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_zone_of_a_socket_is_a_number() {
        let of =
            |scope| SocketAddr::from(SocketAddrV6::new("fe80::1".parse().unwrap(), 5432, 0, scope));
        assert_eq!(ZonedAddress::from(of(3)).to_string(), "fe80::1%3");
        assert_eq!(ZonedAddress::from(of(0)).to_string(), "fe80::1");
    }
}
