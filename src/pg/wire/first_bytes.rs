//! What came first from the other side of a connection: whether PostgreSQL answers there.
//!
//! A handshake's bytes prove that something is there, and not that it is PostgreSQL: a proxy may end TLS.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use super::early_error::{EARLY_ERROR_BYTES, EarlyError};

/// What came first from the other side. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct FirstBytes {
    came: Arc<AtomicBool>,
    /// PostgreSQL's protocol was spoken, by the server or a pooler.
    spoke: Arc<AtomicBool>,
    /// The first bytes of the protocol itself were looked at.
    judged: Arc<AtomicBool>,
    foreign: Arc<AtomicBool>,
    http: Arc<AtomicBool>,
    /// The error that came in the clear where TLS was begun without a request.
    in_clear: Arc<OnceLock<EarlyError>>,
}

impl FirstBytes {
    /// Whether a byte came, of a handshake or of the protocol.
    #[must_use]
    pub fn came(&self) -> bool {
        self.came.load(Ordering::Relaxed)
    }

    /// Whether the protocol itself has begun, or the answer to the request for TLS came.
    #[must_use]
    pub fn spoke(&self) -> bool {
        self.spoke.load(Ordering::Relaxed)
    }

    /// Whether they were no message with which a PostgreSQL server begins.
    #[must_use]
    pub fn foreign(&self) -> bool {
        self.foreign.load(Ordering::Relaxed)
    }

    /// Whether they were those of an HTTP server.
    #[must_use]
    pub fn http(&self) -> bool {
        self.http.load(Ordering::Relaxed)
    }

    /// The error that came in the clear instead of a handshake that nothing had asked for.
    pub(in crate::pg) fn in_clear(&self) -> Option<&EarlyError> {
        self.in_clear.get()
    }

    /// The beginning of an answer came, of which the rest is waited for.
    pub(super) fn heard(&self) {
        self.came.store(true, Ordering::Relaxed);
    }

    /// The server has answered whether it speaks TLS: the protocol itself has yet to begin.
    pub(in crate::pg) fn answered(&self) {
        self.came.store(true, Ordering::Relaxed);
        self.spoke.store(true, Ordering::Relaxed);
    }

    /// Takes in what was read first where TLS is to be spoken. After an answer to the request for TLS it
    /// says nothing more of what is there.
    pub(super) fn read_below_tls(&self, bytes: &[u8]) {
        let is_first = !self.came.swap(true, Ordering::Relaxed);
        match bytes {
            _ if !is_first => {}
            // A record of TLS: a handshake, an alert.
            [20..=24, ..] => {}
            [b'E', ..] => {
                let told = bytes.get(..EARLY_ERROR_BYTES).unwrap_or(bytes);
                // Only the first bytes come here.
                let _ = self.in_clear.set(EarlyError::of(told));
            }
            other => self.judge(other),
        }
    }

    /// Takes in what was read; only the first read with a byte in it counts.
    pub(in crate::pg) fn read(&self, bytes: &[u8]) {
        if bytes.is_empty() || self.judged.swap(true, Ordering::Relaxed) {
            return;
        }
        self.answered();
        self.judge(bytes);
    }

    fn judge(&self, bytes: &[u8]) {
        self.foreign.store(!begins_like_postgresql(bytes), Ordering::Relaxed);
        self.http.store(bytes.starts_with(b"HTTP/"), Ordering::Relaxed);
    }
}

/// A server begins with its wish for authentication, an error, or the versions that it speaks. Only one
/// that cannot fork sends an error without a length.
fn begins_like_postgresql(bytes: &[u8]) -> bool {
    const LONGEST: u32 = 30_000;
    match bytes {
        [b'R' | b'v', length @ ..] => {
            let length = length.first_chunk().map(|length| u32::from_be_bytes(*length));
            length.is_none_or(|length| (4..=LONGEST).contains(&length))
        }
        [b'E', ..] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn below_tls(bytes: &[u8]) -> FirstBytes {
        let noted = FirstBytes::default();
        noted.read_below_tls(bytes);
        noted
    }

    #[test]
    fn a_handshake_is_heard_and_is_no_word_of_postgresql() {
        for (bytes, foreign, http) in [
            (&b"\x16\x03\x03\0\x7a\x02"[..], false, false),
            (b"\x15\x03\x03\0\x02\x02\x28", false, false),
            (b"SSH-2.0-x", true, false),
            (b"HTTP/1.1 400", true, true),
            (b"Ecould not fork\0", false, false),
        ] {
            let noted = below_tls(bytes);
            let said = (noted.came(), noted.spoke(), noted.foreign(), noted.http());
            assert_eq!(said, (true, false, foreign, http), "{bytes:?}");
            assert_eq!(noted.in_clear().is_some(), bytes[0] == b'E', "{bytes:?}");
        }
        let noted = below_tls(b"\x16\x03\x03");
        noted.read(b"R\0\0\0\x08\0\0\0\0");
        assert!(noted.spoke() && !noted.foreign());
    }

    #[test]
    fn what_was_asked_for_tls_has_spoken_before_the_handshake() {
        let noted = FirstBytes::default();
        noted.answered();
        noted.read_below_tls(b"HTTP/1.1 400");
        assert!(noted.spoke() && !noted.foreign() && !noted.http());
    }

    #[test]
    fn only_postgresql_begins_as_it_does() {
        let authentication = [&b"R"[..], &8_u32.to_be_bytes(), &[0; 4]].concat();
        let own = [&authentication[..], b"E", b"Ecould not fork\n\0", b"R"];
        assert!(own.iter().all(|bytes| begins_like_postgresql(bytes)));
        let foreign: [&[u8]; 7] = [
            b"N",
            b"HTTP/1.1 400",
            b"SSH-2.0-x",
            b"220 mail",
            b"RESP-not",
            b"\0\x01",
            b"Z\0\0\0\x05I",
        ];
        for bytes in foreign {
            assert!(!begins_like_postgresql(bytes), "{bytes:?}");
        }
    }
}
