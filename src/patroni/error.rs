//! What a call to Patroni's API can end with.

use std::error::Error as _;
use std::io;
use std::time::Duration;

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
    /// `https://`.
    #[error(
        "{url}: this version of pgchaos speaks no TLS to Patroni's API yet: give it as http://"
    )]
    NoTls {
        /// As it was given.
        url: String,
    },
    /// Nobody listens there: Patroni is stopped.
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
    /// The connection could not be made, or ended before the answer did.
    #[error("{url}: {words}")]
    Failed {
        /// What was called.
        url: String,
        /// The cause.
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
        match words.split_once("http://").and_then(|(_, rest)| rest.split_once(": ")) {
            Some((_, reason)) if words.starts_with("http://") => reason.to_owned(),
            _ => words,
        }
    }

    /// Whether Patroni is not there: nobody listens, or the connection broke.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Failed { .. })
    }

    /// What the HTTP client says, sorted.
    pub(super) fn from_client(url: &str, deadline: Duration, error: &reqwest::Error) -> Self {
        let url = url.to_owned();
        if error.is_timeout() {
            return Self::TimedOut { url, after: deadline };
        }
        // The innermost cause is what happened; the others say which part of the client met it.
        let (mut words, mut refused) = (error.to_string(), false);
        let mut cause = error.source();
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<io::Error>() {
                refused |= error.kind() == io::ErrorKind::ConnectionRefused;
            }
            words = error.to_string();
            cause = error.source();
        }
        if refused {
            return Self::Refused { url };
        }
        Self::Failed { url, words }
    }
}
