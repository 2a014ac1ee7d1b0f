//! Whether a certificate is for a host, by libpq's rules.
//!
//! webpki knows names of the subject's alternatives alone. libpq also takes the common name, where no
//! alternative is of the host's kind, and an address that is written as a name.

use std::net::IpAddr;

use super::certificate::Certificate;

/// Whether the certificate is for this host: a name, or an address in text.
pub(super) fn is_for(certificate: &Certificate, host: &str) -> bool {
    let by_address = host.parse::<IpAddr>().ok();
    if by_address.is_some_and(|address| certificate.addresses.contains(&address)) {
        return true;
    }
    if certificate.dns_names.iter().any(|name| matches(name, host)) {
        return true;
    }
    // An alternative of the host's own kind has the last word.
    let has_alternative = match by_address {
        Some(_) => !certificate.addresses.is_empty(),
        None => !certificate.dns_names.is_empty(),
    };
    let common_name = certificate.common_name.as_deref().filter(|_| !has_alternative);
    common_name.is_some_and(|name| matches(name, host))
}

/// The same name in any case, or `*.` for one label, at the beginning only. An address matches no
/// pattern.
fn matches(pattern: &str, host: &str) -> bool {
    if pattern.contains('\0') {
        return false;
    }
    if pattern.eq_ignore_ascii_case(host) {
        return true;
    }
    if host.parse::<IpAddr>().is_ok() {
        return false;
    }
    let Some(end) = pattern.strip_prefix('*').filter(|end| end.starts_with('.') && end.len() > 1)
    else {
        return false;
    };
    let Some(dot) = host.find('.') else { return false };
    dot > 0 && host[dot..].eq_ignore_ascii_case(end)
}
