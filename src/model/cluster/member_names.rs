//! Members' names by the address and port that their servers give for themselves, for servers
//! that do not tell a name.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::model::cluster::server::Server;

/// Addresses that are kept of before; a cluster has a few.
const KEPT_MAX: usize = 256;

/// What members are called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberNames {
    /// Names by `address:port`; `None` where two members share it.
    by_endpoint: BTreeMap<String, Option<String>>,
    /// All of them, those without a known address among them.
    all: BTreeSet<String>,
}

impl MemberNames {
    /// Of members as `(name, addresses, port)`. What two members share names none of them.
    #[must_use]
    pub fn new<'a>(members: impl IntoIterator<Item = (&'a str, &'a [IpAddr], u16)>) -> Self {
        let mut names: BTreeMap<String, Option<String>> = BTreeMap::new();
        let mut all = BTreeSet::new();
        for (name, addresses, port) in members {
            all.insert(name.to_owned());
            for address in addresses {
                let server = Server {
                    address: Some(address.to_string()),
                    port: Some(port),
                    ..Server::default()
                };
                names
                    .entry(server.endpoint())
                    .and_modify(|known| *known = known.take_if(|known| known == name))
                    .or_insert_with(|| Some(name.to_owned()));
            }
        }
        Self { by_endpoint: names, all }
    }

    /// With the names of before where nothing newer is known: while Patroni's store is away, and
    /// when it is back, the cluster's list lacks members that are there.
    #[must_use]
    pub fn or_of_before(mut self, before: &Self) -> Self {
        for (endpoint, name) in &before.by_endpoint {
            if self.by_endpoint.len() < KEPT_MAX {
                self.by_endpoint.entry(endpoint.clone()).or_insert_with(|| name.clone());
            }
        }
        let room = KEPT_MAX.saturating_sub(self.all.len());
        self.all.extend(before.all.iter().take(room).cloned());
        self
    }

    /// The name of the member at an endpoint, as [`Server::endpoint`] writes it.
    #[must_use]
    pub fn get(&self, endpoint: &str) -> Option<String> {
        self.by_endpoint.get(endpoint).cloned().flatten()
    }

    /// The member that a proxy's server is: by its address where the proxy tells that, else the one of
    /// the same name.
    #[must_use]
    pub fn of_proxy_server(&self, server: &str, endpoint: Option<&str>) -> Option<String> {
        let by_address = endpoint.and_then(|endpoint| self.get(endpoint));
        by_address.or_else(|| self.all.get(server).cloned())
    }

    /// Gives the server its name, unless it told one itself.
    pub fn name_server(&self, server: &mut Server) {
        if server.member.is_none() && server.address.is_some() && server.port.is_some() {
            server.member = self.get(&server.endpoint());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(member: Option<&str>, address: &str, port: u16) -> Server {
        Server {
            member: member.map(str::to_owned),
            address: Some(address.to_owned()),
            port: Some(port),
            ..Server::default()
        }
    }

    fn named(names: &MemberNames, mut server: Server) -> Option<String> {
        names.name_server(&mut server);
        server.member
    }

    #[test]
    fn a_server_is_named_by_its_address_and_port_unless_it_tells() {
        let (one, two): (IpAddr, IpAddr) =
            ("10.0.0.1".parse().unwrap(), "fd00::2".parse().unwrap());
        let names =
            MemberNames::new([("patroni1", &[one][..], 5432), ("patroni2", &[one, two][..], 5433)]);
        assert_eq!(named(&names, server(None, "10.0.0.1", 5432)).as_deref(), Some("patroni1"));
        assert_eq!(named(&names, server(None, "fd00::2", 5433)).as_deref(), Some("patroni2"));
        assert_eq!(named(&names, server(None, "10.0.0.1", 5434)), None);
        assert_eq!(named(&names, server(Some("x"), "10.0.0.1", 5432)).as_deref(), Some("x"));
        assert_eq!(named(&names, Server::default()), None, "a local socket has no address");
    }

    #[test]
    fn a_list_that_lacks_members_takes_no_name_away() {
        let (one, two): (IpAddr, IpAddr) =
            ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        let both = MemberNames::new([("a", &[one][..], 5432), ("b", &[two][..], 5432)]);
        let of = |names: &MemberNames, address: &str| named(names, server(None, address, 5432));
        let names = MemberNames::default().or_of_before(&both);
        assert_eq!(of(&names, "10.0.0.1").as_deref(), Some("a"));
        let names = MemberNames::new([("c", &[one][..], 5432)]).or_of_before(&both);
        assert_eq!(of(&names, "10.0.0.1").as_deref(), Some("c"), "the newer name counts");
        assert_eq!(of(&names, "10.0.0.2").as_deref(), Some("b"));
        let shared = MemberNames::new([("a", &[one][..], 5432), ("b", &[one][..], 5432)]);
        assert_eq!(of(&shared.or_of_before(&both), "10.0.0.1"), None, "nothing names it any more");
    }

    #[test]
    fn a_proxys_server_is_the_member_at_its_address_or_of_its_name() {
        let one: IpAddr = "10.0.0.1".parse().unwrap();
        let names = MemberNames::new([("patroni1", &[one][..], 5432), ("patroni2", &[][..], 5432)]);
        let of = |server, address| names.of_proxy_server(server, address);
        assert_eq!(of("pg1", Some("10.0.0.1:5432")).as_deref(), Some("patroni1"));
        assert_eq!(of("patroni2", Some("10.0.0.1:5432")).as_deref(), Some("patroni1"));
        assert_eq!(of("patroni2", Some("10.0.0.2:5432")).as_deref(), Some("patroni2"));
        assert_eq!(of("patroni2", None).as_deref(), Some("patroni2"));
        assert_eq!(of("pg1", None), None);
        // Patroni's store is away, and names are those of before.
        let names = MemberNames::default().or_of_before(&names);
        assert_eq!(names.of_proxy_server("patroni2", None).as_deref(), Some("patroni2"));
    }

    #[test]
    fn an_address_that_two_members_share_names_none() {
        let shared: IpAddr = "10.0.0.1".parse().unwrap();
        let names = MemberNames::new([("a", &[shared][..], 5432), ("b", &[shared][..], 5432)]);
        assert_eq!(named(&names, server(None, "10.0.0.1", 5432)), None);
    }
}
