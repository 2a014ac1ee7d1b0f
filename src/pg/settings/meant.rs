//! Suggests how to give a port that stands in the wrong place: `localhost:5500` as a host, `5500` as a database.

use super::error::Origin;
use super::zoned_address::ZonedAddress;

/// What an argument that names no database probably meant, as flags: a port, or a host with its port.
pub(super) fn by_database(text: &str) -> Option<String> {
    if is_port(text) {
        return Some(format!("-p {text}"));
    }
    if text == "localhost" || ZonedAddress::parse(text).is_some() {
        return Some(format!("-h {text}"));
    }
    let (endpoint, database) = text.split_once('/').unwrap_or((text, ""));
    let (host, port) = endpoint_of(endpoint)?;
    let database = if database.is_empty() { String::new() } else { format!(" -d {database}") };
    Some(format!("-h {host} -p {port}{database}"))
}

/// What a host with a port in it probably meant, in the form of its origin.
pub(super) fn by_hosts(names: &[&str], origin: &Origin) -> Option<String> {
    let plain: Vec<&str> = names.iter().map(|name| undressed(name)).collect();
    let has_port = plain.iter().any(|name| endpoint_of(name).is_some());
    if !has_port && plain == names {
        return None;
    }
    let (mut hosts, mut ports) = (Vec::new(), Vec::new());
    for name in plain {
        let (host, port) = endpoint_of(name).unwrap_or((name, "5432"));
        hosts.push(host);
        ports.push(port);
    }
    let (hosts, ports) = (hosts.join(","), ports.join(","));
    if !has_port {
        return Some(match origin {
            Origin::Flag(_) => format!("-h {hosts}"),
            Origin::Variable(_) => format!("PGHOST={hosts}"),
            Origin::ConnectionString | Origin::Service { .. } | Origin::Record => {
                format!("host={hosts}")
            }
        });
    }
    Some(match origin {
        Origin::Flag(_) => format!("-h {hosts} -p {ports}"),
        Origin::Variable(_) => format!("PGHOST={hosts} PGPORT={ports}"),
        Origin::ConnectionString | Origin::Service { .. } | Origin::Record => {
            format!("host={hosts} port={ports}")
        }
    })
}

/// A host without what a URL has around it: `http://host:port/`, `[::1]`.
fn undressed(name: &str) -> &str {
    let web = name.strip_prefix("http://").or_else(|| name.strip_prefix("https://"));
    let name = web.map_or(name, |rest| rest.split('/').next().unwrap_or(rest));
    let inside = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inside.filter(|inside| is_ipv6(inside)).unwrap_or(name)
}

fn is_ipv6(text: &str) -> bool {
    ZonedAddress::parse(text).is_some_and(|address| address.ip.is_ipv6())
}

/// `name:port`, `10.0.0.3:port` or `[::1]:port`.
fn endpoint_of(text: &str) -> Option<(&str, &str)> {
    let (host, port) = text.rsplit_once(':').filter(|(_, port)| is_port(port))?;
    if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return Some((address, port));
    }
    let is_name = |c: char| c.is_alphanumeric() || "._-".contains(c);
    (!host.is_empty() && host.chars().all(is_name)).then_some((host, port))
}

fn is_port(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_no_database() {
        for (said, meant) in [
            ("5500", "-p 5500"),
            ("localhost:5500", "-h localhost -p 5500"),
            ("10.0.0.3:5432", "-h 10.0.0.3 -p 5432"),
            ("[::1]:5500", "-h ::1 -p 5500"),
            ("localhost:5500/app", "-h localhost -p 5500 -d app"),
            ("localhost", "-h localhost"),
            ("10.0.0.3", "-h 10.0.0.3"),
            ("::1", "-h ::1"),
            ("fe80::1%lo", "-h fe80::1%lo"),
        ] {
            assert_eq!(by_database(said).as_deref(), Some(meant), "{said}");
        }
        for name in ["app", "app2", "99999", "0", "a b:5500", ":5500", "app:x", ""] {
            assert_eq!(by_database(name), None, "{name}");
        }
    }

    #[test]
    fn a_host_has_no_port_in_it() {
        let flag = Origin::Flag("-h/--host");
        assert_eq!(by_hosts(&["localhost:5500"], &flag).unwrap(), "-h localhost -p 5500");
        assert_eq!(by_hosts(&["a:5500", "b"], &flag).unwrap(), "-h a,b -p 5500,5432");
        let words = by_hosts(&["[::1]:5500"], &Origin::Variable("PGHOST")).unwrap();
        assert_eq!(words, "PGHOST=::1 PGPORT=5500");
        assert_eq!(by_hosts(&["[::1]"], &flag).unwrap(), "-h ::1");
        assert_eq!(by_hosts(&["[fe80::1%lo]"], &flag).unwrap(), "-h fe80::1%lo");
        let words = by_hosts(&["[fe80::1%lo]:5500"], &flag).unwrap();
        assert_eq!(words, "-h fe80::1%lo -p 5500");
        assert_eq!(by_hosts(&["http://db:5500"], &flag).unwrap(), "-h db -p 5500");
        assert_eq!(by_hosts(&["https://db/"], &Origin::ConnectionString).unwrap(), "host=db");
        let words = by_hosts(&["h:1"], &Origin::ConnectionString).unwrap();
        assert_eq!(words, "host=h port=1");
        for name in
            ["localhost", "::1", "fe80::1", "fe80::1%lo", "/run/x:5500", "@x:5500", "", "h:"]
        {
            assert_eq!(by_hosts(&[name], &flag), None, "{name}");
        }
    }
}
