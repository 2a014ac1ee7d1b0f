//! The page of a cluster's proxy on this machine, as lab and Compose have it.

use super::error::ClusterError;
use crate::engine::watch::haproxy::DEADLINE;
use crate::haproxy::{HaproxyPage, HaproxyUrl};

/// The page at this port. It is asked without TLS, also where PostgreSQL and Patroni take that alone.
///
/// # Errors
/// None is known.
pub(super) fn proxy_page_at(port: u16) -> Result<HaproxyPage, ClusterError> {
    let url = HaproxyUrl::read(&format!("http://127.0.0.1:{port}"))?;
    Ok(HaproxyPage::new(url, DEADLINE, None)?)
}
