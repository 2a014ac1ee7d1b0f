//! What a call to Patroni's API can end with.

use std::time::Duration;
use std::{io, iter};

use crate::model::tls_cause::TlsCause;
use crate::tls::handshake_error;

/// A call that brought no answer of Patroni's, or a refusal.
///
/// `url` is what was called, with its path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatroniError {
    /// The text given is no URL of an API.
    #[error("{text:?} is no URL of a Patroni API ({reason}): give it as http://host:8008")]
    NoUrl {
        /// As it was given.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// `https://`, and no certificates are known for it.
    #[error(
        "{url}: it is asked by https, and nothing says by which certificates: give the URL of a member with https \
         (--patroni)"
    )]
    NoTls {
        /// As it was given.
        url: String,
    },
    /// `http://` of a member of a cluster that is asked by `https`: what is said there could be anybody's.
    #[error("{url}: the cluster is asked by https, and names this member by http: it is not asked")]
    NotSecured {
        /// As the cluster names it.
        url: String,
    },
    /// Connection refused: Patroni is stopped.
    #[error("{url}: connection refused: Patroni does not run there")]
    Refused {
        /// What was called.
        url: String,
    },
    /// No answer within the deadline.
    #[error("{url}: no answer within {} s", after.as_secs_f64())]
    TimedOut {
        /// What was called.
        url: String,
        /// The deadline.
        after: Duration,
    },
    /// The connection ended before the answer did: Patroni stopped just now.
    #[error("{url}: {words}")]
    Broken {
        /// What was called.
        url: String,
        /// The cause.
        words: String,
    },
    /// The call could not be made for a reason that is not Patroni's: its name has no address,
    /// there is no way there, or this machine has no sockets left.
    #[error("{url}: {words}")]
    Failed {
        /// What was called.
        url: String,
        /// The cause.
        words: String,
    },
    /// TLS failed: a certificate, the server's or the client's, or what is no TLS.
    #[error("{url}: {words}")]
    Tls {
        /// What was called.
        url: String,
        /// The cause, as far as it decides what to do.
        cause: TlsCause,
        /// The cause in words.
        words: String,
    },
    /// More than an answer of Patroni's can be.
    #[error("{url}: an answer of more than {} KiB: that is no Patroni API", bytes_max / 1024)]
    TooLarge {
        /// What was called.
        url: String,
        /// How much is read at most.
        bytes_max: usize,
    },
    /// The answer is none of Patroni's.
    #[error("{url}: answered {status}, {what}: that is no Patroni API")]
    NotPatroni {
        /// What was called.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What came in the place of Patroni's answer.
        what: String,
    },
    /// It answered, and said no: Patroni in words of its own.
    #[error("{url}: answered {status}: {words}")]
    Said {
        /// What was called.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The text of its answer, cut short.
        words: String,
    },
}

impl PatroniError {
    /// What happened, without the URL.
    #[must_use]
    pub fn reason(&self) -> String {
        let words = self.to_string();
        let begins = words.starts_with("http://") || words.starts_with("https://");
        match words.split_once("://").and_then(|(_, rest)| rest.split_once(": ")) {
            Some((_, reason)) if begins => reason.to_owned(),
            _ => words,
        }
    }

    /// Whether Patroni does not run: the connection was refused, or broke. Only what its host does
    /// counts; a failure on the way there proves nothing about Patroni.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Broken { .. })
    }

    /// Why TLS failed, where it did.
    #[must_use]
    pub fn tls_cause(&self) -> Option<TlsCause> {
        match self {
            Self::Tls { cause, .. } => Some(*cause),
            _ => None,
        }
    }

    /// Sorts an error of the HTTP client.
    pub(super) fn from_client(url: &str, error: &(dyn std::error::Error + 'static)) -> Self {
        let url = url.to_owned();
        // The innermost cause is what happened; the others say which part of the client met it.
        let words = causes(error).last().unwrap_or(error).to_string();
        // It answers, and does not get on with this client: it is not gone.
        if let Some(failed) = handshake_error::of_tls(error) {
            return Self::Tls { url, cause: failed.cause(), words: failed.to_string() };
        }
        match causes(error).find_map(end_of) {
            Some(CallEnd::Refused) => Self::Refused { url },
            Some(CallEnd::Broken) => Self::Broken { url, words },
            None => Self::Failed { url, words },
        }
    }
}

/// How the other side ended a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CallEnd {
    /// ECONNREFUSED.
    Refused,
    /// ECONNRESET, or the end of the stream.
    Broken,
}

/// An error and all that caused it.
fn causes<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    iter::successors(Some(error), |error| error.source())
}

/// How the other side ended the call, if this one cause says that it did.
fn end_of(cause: &(dyn std::error::Error + 'static)) -> Option<CallEnd> {
    if let Some(error) = cause.downcast_ref::<hyper::Error>() {
        // Cancelled is what never went out because the connection was closed before.
        return (error.is_incomplete_message() || error.is_canceled()).then_some(CallEnd::Broken);
    }
    match cause.downcast_ref::<io::Error>()?.kind() {
        io::ErrorKind::ConnectionRefused => Some(CallEnd::Refused),
        io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof => Some(CallEnd::Broken),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_other_side_did_says_that_patroni_is_gone() {
        let of = |kind| end_of(&io::Error::from(kind));
        assert_eq!(of(io::ErrorKind::ConnectionRefused), Some(CallEnd::Refused));
        assert_eq!(of(io::ErrorKind::ConnectionReset), Some(CallEnd::Broken));
        assert_eq!(of(io::ErrorKind::UnexpectedEof), Some(CallEnd::Broken));
        for kind in [
            io::ErrorKind::NetworkUnreachable,
            io::ErrorKind::HostUnreachable,
            io::ErrorKind::AddrNotAvailable,
            // As with no file descriptors left.
            io::ErrorKind::Other,
        ] {
            assert_eq!(of(kind), None, "{kind}");
        }
    }
}
