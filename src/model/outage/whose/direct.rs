//! Whether anything stands between the client and its server.

use std::net::IpAddr;

/// Whether each of these endpoints is the own address of one of these servers: `host:port`, separated by commas, beside
/// `address:port` as a server sees itself. A name that would have to be looked up is no address: then it is not known,
/// and a proxy may be there. A loopback address is every machine's own: where a proxy's page is watched
/// (`has_proxy`), it may be the proxy's machine and the server's that have the same.
#[must_use]
pub fn is_direct<'a>(
    endpoints: &str,
    servers: impl IntoIterator<Item = &'a str>,
    has_proxy: bool,
) -> bool {
    let own: Vec<(&str, &str)> = servers.into_iter().filter_map(place).collect();
    let is_own = |endpoint: &str| {
        let Some((host, port)) = place(endpoint) else { return false };
        own.iter().any(|(own, own_port)| {
            let is_local = is_loopback(host) && is_loopback(own);
            port == *own_port && if is_local { !has_proxy } else { host == *own }
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
        assert!(is_direct("10.0.0.1:5432", ["10.0.0.1:5432"], false));
        assert!(is_direct("localhost:5432", ["127.0.0.1:5432"], false));
        assert!(is_direct("[::1]:5432", ["127.0.0.1:5432"], false));
        assert!(!is_direct("localhost:5500", ["127.0.0.1:5432"], false), "a proxy's port");
        assert!(
            !is_direct("localhost:5500,localhost:5432", ["127.0.0.1:5432"], false),
            "one of them"
        );
        let members = ["10.0.0.1:5432", "10.0.0.2:5432"];
        assert!(is_direct("10.0.0.2:5432,10.0.0.1:5432", members, false), "each is a member's");
        assert!(!is_direct("10.0.0.2:5432,10.0.0.9:5432", members, false), "one may be a proxy's");
        assert!(!is_direct("db1:5432", ["10.0.0.1:5432"], false), "a name is not looked up");
        assert!(!is_direct("/run/postgresql:5432", ["a socket"], false));
        assert!(!is_direct("", [""], false));
        assert!(
            !is_direct("localhost:5432", ["127.0.0.1:5432"], true),
            "HAProxy's, before a pooler's"
        );
        assert!(is_direct("10.0.0.1:5432", ["10.0.0.1:5432"], true));
    }
}
