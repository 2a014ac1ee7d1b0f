//! What a call to Patroni's API can end with.

use std::time::Duration;

use crate::http::HttpFailure;
use crate::model::tls_cause::TlsCause;

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
    /// A setting of the cluster that Patroni cannot take either.
    #[error("{url}: {what}: patronictl edit-config mends it")]
    Setting {
        /// What was called.
        url: String,
        /// Which, and what it is.
        what: String,
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

    /// A call to `url` that brought no answer.
    pub(super) fn of_http(url: &str, failure: HttpFailure) -> Self {
        let url = url.to_owned();
        match failure {
            HttpFailure::Refused => Self::Refused { url },
            HttpFailure::TimedOut { after } => Self::TimedOut { url, after },
            HttpFailure::Broken { words } => Self::Broken { url, words },
            HttpFailure::Failed { words } => Self::Failed { url, words },
            HttpFailure::Tls { cause, words } => Self::Tls { url, cause, words },
            HttpFailure::TooLarge { bytes_max } => Self::TooLarge { url, bytes_max },
        }
    }
}
