//! The URI form: `postgresql://user:password@host:port,host:port/database?name=value&…`, every part optional.

use super::dsn_error::DsnError;
use super::pair::Pair;
use super::secret::names_a_secret;

/// The pairs of a URI, given without its scheme. Parameters come after the parts, so that they win.
pub(super) fn parse(rest: &str) -> Result<Vec<Pair>, DsnError> {
    let mut pairs = Vec::new();
    let rest = match rest.find(['@', '/']) {
        Some(end) if rest[end..].starts_with('@') => {
            credentials(&rest[..end], &mut pairs)?;
            &rest[end + 1..]
        }
        _ => rest,
    };
    let (hosts, ports, rest) = hosts_and_ports(rest)?;
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    if hosts.contains('@') || ports.contains('@') || path.contains('@') {
        return Err(DsnError::StrayAt);
    }
    push(&mut pairs, "host", decode(&hosts, "host")?);
    push(&mut pairs, "port", decode(&ports, "port")?);
    let database = path.strip_prefix('/').unwrap_or(path);
    push(&mut pairs, "dbname", decode(database, "database")?);
    parameters(query, &mut pairs)?;
    Ok(pairs)
}

/// An empty part of a URI says nothing.
fn push(pairs: &mut Vec<Pair>, name: &str, value: String) {
    if !value.is_empty() {
        pairs.push(Pair { name: name.to_owned(), value, showable: true });
    }
}

fn credentials(text: &str, pairs: &mut Vec<Pair>) -> Result<(), DsnError> {
    let (user, password) = text.split_once(':').unwrap_or((text, ""));
    push(pairs, "user", decode(user, "user")?);
    push(pairs, "password", decode(password, "password")?);
    Ok(())
}

/// Hosts and ports as lists with commas, and what comes after them (`/…`, `?…` or nothing).
fn hosts_and_ports(text: &str) -> Result<(String, String, &str), DsnError> {
    let (mut hosts, mut ports) = (String::new(), String::new());
    let mut rest = text;
    loop {
        let (host, after) = host(rest)?;
        hosts.push_str(host);
        rest = after;
        if let Some(after) = rest.strip_prefix(':') {
            let (port, after) = split_before(after, &['/', '?', ',']);
            ports.push_str(port);
            rest = after;
        }
        let Some(after) = rest.strip_prefix(',') else {
            return Ok((hosts, ports, rest));
        };
        hosts.push(',');
        ports.push(',');
        rest = after;
    }
}

fn host(text: &str) -> Result<(&str, &str), DsnError> {
    let Some(inside) = text.strip_prefix('[') else {
        return Ok(split_before(text, &[':', '/', '?', ',']));
    };
    let (address, after) = inside.split_once(']').ok_or(DsnError::Brackets)?;
    if address.is_empty() {
        return Err(DsnError::Brackets);
    }
    if !after.is_empty() && !after.starts_with([':', '/', '?', ',']) {
        return Err(DsnError::AfterBrackets);
    }
    Ok((address, after))
}

fn split_before<'a>(text: &'a str, ends: &[char]) -> (&'a str, &'a str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

fn parameters(query: &str, pairs: &mut Vec<Pair>) -> Result<(), DsnError> {
    if query.is_empty() {
        return Ok(());
    }
    // libpq allows for one "&" too many at the end.
    let query = query.strip_suffix('&').unwrap_or(query);
    let mut after_a_password = false;
    for (number, parameter) in (1..).zip(query.split('&')) {
        let mut sides = parameter.split('=');
        let (Some(name), Some(value), None) = (sides.next(), sides.next(), sides.next()) else {
            return Err(DsnError::QueryParameter { number });
        };
        let (name, value) =
            (decode(name, "name of a parameter")?, decode(value, "value of a parameter")?);
        // JDBC's spelling, which libpq takes too.
        let (name, value) = match (name.as_str(), value.as_str()) {
            ("ssl", "true") => ("sslmode".to_owned(), "require".to_owned()),
            _ => (name, value),
        };
        // An "@" tells that the "?" may have been part of a password; after one, the "&" may have been.
        let showable = !parameter.contains('@') && !after_a_password;
        after_a_password |= names_a_secret(parameter);
        pairs.push(Pair { name, value, showable });
    }
    Ok(())
}

/// Percent-decodes as strictly as libpq: a `%` needs two hexadecimal digits, and `%00` is forbidden.
fn decode(text: &str, part: &'static str) -> Result<String, DsnError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2).ok_or(DsnError::Percent { part })?;
        let decoded = hexadecimal(digits).ok_or(DsnError::Percent { part })?;
        if decoded == 0 {
            return Err(DsnError::PercentNul { part });
        }
        bytes.push(decoded);
        rest = after;
    }
    String::from_utf8(bytes).map_err(|_| DsnError::PercentUtf8 { part })
}

fn hexadecimal(digits: &[u8]) -> Option<u8> {
    digits.iter().try_fold(0, |value: u8, digit| {
        let digit = u8::try_from(char::from(*digit).to_digit(16)?).ok()?;
        Some(value << 4 | digit)
    })
}
