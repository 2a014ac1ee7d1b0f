//! Whether anything stands between the client and its server.

use std::net::IpAddr;

/// Whether each of these endpoints is the own address of one of these servers: `host:port`, separated by commas, beside
/// `address:port` as a server sees itself. A name that would have to be looked up is no address: then it is not known,
/// and a proxy may be there.
#[must_use]
pub fn is_direct<'a>(endpoints: &str, servers: impl IntoIterator<Item = &'a str>) -> bool {
    let own: Vec<(&str, &str)> = servers.into_iter().filter_map(place).collect();
    let is_own = |endpoint: &str| {
        let Some((host, port)) = place(endpoint) else { return false };
        own.iter().any(|(own, own_port)| {
            port == *own_port && (host == *own || (is_loopback(host) && is_loopback(own)))
        })
    };
    endpoints.split(',').all(is_own)
}

fn place(text: &str) -> Option<(&str, &str)> {
    let (host, port) = text.rsplit_once(':')?;
    Some((host.trim_start_matches('[').trim_end_matches(']'), port))
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_servers_own_address_is_direct() {
        assert!(is_direct("10.0.0.1:5432", ["10.0.0.1:5432"]));
        assert!(is_direct("localhost:5432", ["127.0.0.1:5432"]));
        assert!(is_direct("[::1]:5432", ["127.0.0.1:5432"]));
        assert!(!is_direct("localhost:5500", ["127.0.0.1:5432"]), "a proxy's port");
        assert!(!is_direct("localhost:5500,localhost:5432", ["127.0.0.1:5432"]), "one of them");
        let members = ["10.0.0.1:5432", "10.0.0.2:5432"];
        assert!(is_direct("10.0.0.2:5432,10.0.0.1:5432", members), "each is a member's");
        assert!(!is_direct("10.0.0.2:5432,10.0.0.9:5432", members), "one may be a proxy's");
        assert!(!is_direct("db1:5432", ["10.0.0.1:5432"]), "a name is not looked up");
        assert!(!is_direct("/run/postgresql:5432", ["a socket"]));
        assert!(!is_direct("", [""]));
    }
}
