//! What came first from the other side of a connection: whether PostgreSQL answers there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What came first from the other side. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct FirstBytes {
    came: Arc<AtomicBool>,
    /// The first bytes of the protocol itself were looked at.
    judged: Arc<AtomicBool>,
    foreign: Arc<AtomicBool>,
    http: Arc<AtomicBool>,
}

impl FirstBytes {
    /// Whether a byte came.
    #[must_use]
    pub fn came(&self) -> bool {
        self.came.load(Ordering::Relaxed)
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

    /// The server has answered whether it speaks TLS: the protocol itself has yet to begin.
    pub(in crate::pg) fn answered(&self) {
        self.came.store(true, Ordering::Relaxed);
    }

    /// Takes in what was read; only the first read with a byte in it counts.
    pub(in crate::pg) fn read(&self, bytes: &[u8]) {
        if bytes.is_empty() || self.judged.swap(true, Ordering::Relaxed) {
            return;
        }
        self.came.store(true, Ordering::Relaxed);
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
