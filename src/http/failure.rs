//! Why an exchange brought no answer.

use std::time::Duration;
use std::{io, iter};

use crate::model::tls_cause::TlsCause;
use crate::tls::handshake_error;

/// An exchange that brought no whole answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpFailure {
    /// Connection refused: its port is closed.
    #[error("connection refused")]
    Refused,
    /// No answer within the deadline.
    #[error("no answer within {} s", after.as_secs_f64())]
    TimedOut {
        /// The deadline.
        after: Duration,
    },
    /// The connection ended before the answer did.
    #[error("{words}")]
    Broken {
        /// The cause.
        words: String,
    },
    /// It could not be asked for a reason that is not the server's: its name has no address, there is
    /// no way there, or this machine has no sockets left.
    #[error("{words}")]
    Failed {
        /// The cause.
        words: String,
    },
    /// TLS failed: a certificate, the server's or the client's, or what is no TLS.
    #[error("{words}")]
    Tls {
        /// The cause, as far as it decides what to do.
        cause: TlsCause,
        /// The cause in words.
        words: String,
    },
    /// More than an answer can be.
    #[error("an answer of more than {} KiB", bytes_max / 1024)]
    TooLarge {
        /// How much is read at most.
        bytes_max: usize,
    },
}

impl HttpFailure {
    /// Whether nothing serves there: the connection was refused, or broke. Only what its host does
    /// counts; a failure on the way there proves nothing.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Refused | Self::Broken { .. })
    }

    /// Sorts an error of the HTTP client.
    pub(super) fn of(error: &(dyn std::error::Error + 'static)) -> Self {
        // The innermost cause is what happened; the others say which part of the client met it.
        let words = causes(error).last().unwrap_or(error).to_string();
        // It answers, and does not get on with this client: it is not gone.
        if let Some(failed) = handshake_error::of_tls(error) {
            return Self::Tls { cause: failed.cause(), words: failed.to_string() };
        }
        match causes(error).find_map(end_of) {
            Some(CallEnd::Refused) => Self::Refused,
            Some(CallEnd::Broken) => Self::Broken { words },
            None => Self::Failed { words },
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
    fn only_what_the_other_side_did_says_that_it_is_gone() {
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
