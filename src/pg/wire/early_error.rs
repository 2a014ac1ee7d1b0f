//! An error that comes before TLS is spoken, where TLS was asked for or begun.
//!
//! Nothing proves yet that the server sent it, so its words are not told, as libpq tells none (CVE-2024-10977).
//! Its form and its SQLSTATE count: they are all there is for its class.

use bytes::BytesMut;
use postgres_protocol::message::backend::Message;

use super::frames::is_of_words;
use crate::pg::failure::server_error::ServerError;

/// How many bytes of it are looked at. A pooler's has less than a hundred.
pub(in crate::pg) const EARLY_ERROR_BYTES: usize = 512;

/// What it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::pg) enum EarlyError {
    /// The server has no process for the session: its only error without a length.
    NoProcess,
    /// Any other, as poolers send it: its SQLSTATE, where it came.
    Other(Option<String>),
}

impl EarlyError {
    /// Reads an error from its tag on, as far as it came.
    pub(in crate::pg) fn of(bytes: &[u8]) -> Self {
        if bytes.get(1).is_some_and(|byte| is_of_words(*byte)) {
            return Self::NoProcess;
        }
        // The parser makes room for a message that is not whole: its length is the other side's word.
        if !is_whole(bytes) {
            return Self::Other(None);
        }
        match Message::parse(&mut BytesMut::from(bytes)) {
            Ok(Some(Message::ErrorResponse(body))) => {
                let sqlstate = ServerError::of(body.fields()).evidence().sqlstate;
                Self::Other(sqlstate.map(|(sqlstate, _)| sqlstate))
            }
            _ => Self::Other(None),
        }
    }
}

/// Whether all of an error has come: up to the end of its words, or as long as it says that it is.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    match bytes {
        [_, word, rest @ ..] if is_of_words(*word) => rest.contains(&0),
        [_, a, b, c, d, ..] => {
            let length = u32::from_be_bytes([*a, *b, *c, *d]);
            usize::try_from(length).is_ok_and(|length| length < bytes.len())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_form_tells_a_pooler_from_a_server_that_cannot_fork() {
        let fields = b"SFATAL\0C08P01\0Mclient sent partial pkt in startup phase\0\0";
        let length = u32::try_from(fields.len() + 4).unwrap();
        let whole = [&b"E"[..], &length.to_be_bytes(), fields].concat();
        assert_eq!(EarlyError::of(&whole), EarlyError::Other(Some("08P01".to_owned())));
        for cut in 2..whole.len() {
            assert_eq!(EarlyError::of(&whole[..cut]), EarlyError::Other(None), "{cut}");
        }
        for length in [0_u32, 4, 600, u32::MAX - 15, u32::MAX] {
            let claimed = [&b"E"[..], &length.to_be_bytes(), b"SFATAL\0"].concat();
            assert_eq!(EarlyError::of(&claimed), EarlyError::Other(None), "{length}");
        }
        assert_eq!(EarlyError::of(b"E"), EarlyError::Other(None), "a tag proves nothing");
        for own in [&b"Ecould not fork new process\n\0"[..], b"Ec"] {
            assert_eq!(EarlyError::of(own), EarlyError::NoProcess, "{own:?}");
        }
    }
}
