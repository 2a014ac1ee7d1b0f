//! What a look at HAProxy's page can end with.

use crate::http::HttpFailure;

/// A look that brought no table of HAProxy's. The words do not name its URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HaproxyError {
    /// The text given is no URL of a page.
    #[error(
        "{text:?} is no URL of HAProxy's page ({reason}): give it as http://host:7000, with user:password@ before the \
         host where it asks for them"
    )]
    NoUrl {
        /// As it was given, without secrets.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// `https://`, and no certificates are known for it.
    #[error("it is asked by https, and nothing says by which certificates")]
    NoTls,
    /// Connection refused: its port is closed.
    #[error("connection refused: HAProxy does not listen there")]
    Refused,
    /// No whole answer came, for another reason.
    #[error("{0}")]
    NoAnswer(HttpFailure),
    /// It asks for a user and a password, and was given none.
    #[error(
        "it asks for a user and a password (stats auth): give them in the URL, as http://user:password@host:7000"
    )]
    NoLogin,
    /// It does not take these.
    #[error("it does not take this user and password (stats auth)")]
    WrongLogin,
    /// Something else than 200: HAProxy itself, or another server.
    #[error(
        "answered {status}, which its page never does: give the URL with the path that `stats uri` names, as \
         http://host:7000/haproxy?stats"
    )]
    Status {
        /// The HTTP status.
        status: u16,
    },
    /// A web page. Its CSV was asked for.
    #[error(
        "answered with a web page, not with CSV: it is not HAProxy's, or `stats uri` names another path; the CSV is \
         what ;csv at the end of the URL brings"
    )]
    WebPage,
    /// What came is none of HAProxy's tables.
    #[error("answered with {what}: that is not HAProxy's page")]
    NotHaproxy {
        /// What came in its place.
        what: String,
    },
}

impl HaproxyError {
    /// Whether nothing serves there: the connection was refused, or broke. Silence is not that.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        match self {
            Self::Refused => true,
            Self::NoAnswer(failure) => failure.is_gone(),
            _ => false,
        }
    }

    /// Whether it gave no answer in time.
    #[must_use]
    pub fn is_silence(&self) -> bool {
        matches!(self, Self::NoAnswer(HttpFailure::TimedOut { .. }))
    }
}

impl From<HttpFailure> for HaproxyError {
    fn from(failure: HttpFailure) -> Self {
        match failure {
            HttpFailure::Refused => Self::Refused,
            HttpFailure::TooLarge { bytes_max } => {
                Self::NotHaproxy { what: format!("more than {} KiB", bytes_max / 1024) }
            }
            other => Self::NoAnswer(other),
        }
    }
}
