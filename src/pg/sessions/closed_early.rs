//! A connection that ended before PostgreSQL's first word: what it may mean.
//!
//! A dead server behind a proxy looks the same as a header that one side sends and the other does not
//! expect, so that the words name both, and the settings that matter.

use std::io::ErrorKind;

/// What was sent before the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SentFirst {
    /// The beginning of a session, or the request for TLS.
    InClear,
    /// The beginning of TLS, without a request.
    BeginOfTls,
    /// The beginning of a session under TLS that nothing had asked for: a proxy may have ended it.
    UnderTls,
}

/// The words; `None` for an error that says itself what it is. `io` is `None` where the connection was
/// closed in order.
pub(super) fn words(io: Option<ErrorKind>, sent: SentFirst) -> Option<String> {
    let how = match io {
        None | Some(ErrorKind::UnexpectedEof) => "closed",
        Some(ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe) => {
            "reset"
        }
        Some(_) => return None,
    };
    let header = "a PROXY header that only one side knows of (send-proxy, accept-proxy)";
    Some(match sent {
        SentFirst::InClear => format!(
            "accepted, then {how} without a word: a proxy with no live server, one that ends TLS itself \
             (sslnegotiation=direct), or {header}?"
        ),
        SentFirst::BeginOfTls => format!(
            "accepted, then {how} without a word: a proxy with no live server, a server that must be asked for TLS or \
             has none (PostgreSQL before 17, ssl = off: sslnegotiation=postgres), or {header}?"
        ),
        SentFirst::UnderTls => format!(
            "TLS was agreed on, then {how} before PostgreSQL's first word: a proxy that ends TLS, with no live server, \
             one that it speaks TLS to and that must be asked for it (PostgreSQL before 17), or {header}?"
        ),
    })
}
