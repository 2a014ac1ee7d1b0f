//! What the proxy says: which servers it sends to, and whether its page can be read.

use crate::model::cluster::proxy::{ProxyChange, ProxyPage};
use crate::report::layout::{Line, Tone};
use crate::report::words;

/// What a server is for the proxy now.
pub(super) fn server(seen: &ProxyChange) -> Line {
    Line::new(Tone::Plain, "HAPROXY")
        .rest(format!(": {} {}", seen.name(), words::proxy_server_state(&seen.is)))
        .part(format!("backend {}", seen.backend))
        .part_if(seen.check.as_ref().map(|check| format!("check {check}")))
}

/// Whether its page can be read.
pub(super) fn page(page: &ProxyPage) -> Line {
    let line = |tone, what: &str| Line::new(tone, "HAPROXY").rest(format!(": {what}"));
    match &page.error {
        Some(error) => line(Tone::Wary, "its page cannot be read")
            .message(error.clone())
            .part(page.url.clone()),
        None => line(Tone::Plain, "its page can be read").part(page.url.clone()),
    }
}
