//! One type for what fails on the way to a session or on one.

use std::io;
use std::time::Duration;

use super::guard::Guard;
use super::own_limits;
use super::server_error::ServerError;
use crate::model::fault::Evidence;
use crate::model::foreign::{MESSAGE_CHARS_MAX, said, shortened};
use crate::tls::handshake_error::of_tls;

/// What was seen of a failure, and the words for it.
///
/// It has no class yet: that takes the phase, and the endpoint goes into the words. See
/// [`Endpoint::fault`](crate::pg::wire::endpoint::Endpoint::fault).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionFailure {
    evidence: Evidence,
    words: String,
}

impl SessionFailure {
    /// The failure of this evidence. Words that are longer than a message may be are cut, as reading the record would.
    pub(in crate::pg) fn new(evidence: Evidence, words: impl Into<String>) -> Self {
        Self { evidence, words: shortened(&words.into(), MESSAGE_CHARS_MAX) }
    }

    /// The server closed the connection, without a word.
    pub(in crate::pg) fn closed_by_server() -> Self {
        Self::after_first_word("server closed the connection")
    }

    /// A session that was up ended for a reason that only the words tell.
    pub(in crate::pg) fn after_first_word(words: &str) -> Self {
        Self::new(Evidence { server_spoke: true, ..Evidence::default() }, words)
    }

    /// An error of the system on a session that was up, or bytes that break the protocol, or TLS.
    pub(in crate::pg) fn of_io(error: &io::Error) -> Self {
        let evidence = Evidence {
            io: Some(error.kind()),
            tls: of_tls(error).map(|failure| failure.cause()),
            own_limit: own_limits::of_socket(error),
            server_spoke: true,
            ..Evidence::default()
        };
        Self::new(evidence, said(&error.to_string()))
    }

    /// A wait that reached its deadline on the client's side.
    #[must_use]
    pub fn deadline(guard: Guard, waited: Duration) -> Self {
        let evidence = Evidence { deadline: true, server_spoke: true, ..Evidence::default() };
        Self::new(evidence, guard.words(waited))
    }

    /// A write that was answered without its row.
    #[must_use]
    pub fn no_row() -> Self {
        let evidence = Evidence {
            io: Some(io::ErrorKind::InvalidData),
            server_spoke: true,
            ..Evidence::default()
        };
        let words = "the INSERT was answered without its row: a trigger, a rule or a route takes \
                     it elsewhere or nowhere";
        Self::new(evidence, words)
    }

    /// What was seen.
    #[must_use]
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// Evidence and words.
    pub(in crate::pg) fn into_parts(self) -> (Evidence, String) {
        (self.evidence, self.words)
    }
}

impl From<&ServerError> for SessionFailure {
    fn from(error: &ServerError) -> Self {
        Self::new(error.evidence(), error.words())
    }
}
