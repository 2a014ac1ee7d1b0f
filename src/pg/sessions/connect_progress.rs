//! How far a connect came, for when its deadline cuts it off.

use tokio::time::Instant;

use crate::model::fault::Phase;
use crate::pg::wire::first_bytes::FirstBytes;
use crate::tls::RequestOutcome;

/// How far a connect came.
#[derive(Debug)]
pub(super) struct ConnectProgress {
    /// The beginning of the first phase here is a connect.
    pub(super) phase: Phase,
    /// When TCP was accepted, if it was.
    pub(super) accepted: Option<Instant>,
    /// What the server said first, once it was accepted.
    pub(super) first_bytes: FirstBytes,
    /// How far TLS came.
    pub(super) securing: Securing,
    /// Whether the server asked for a client certificate, once TLS is spoken.
    pub(super) certificate_request: RequestOutcome,
}

/// How far TLS came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Securing {
    /// Nothing of it was sent, or all of it is done and there is none.
    InClear,
    /// The server is asked for it, or the handshake goes on.
    Begun,
    /// The files of this machine that it takes are looked at.
    ReadingFiles,
    /// It is spoken.
    Secured,
}

impl ConnectProgress {
    pub(super) fn none() -> Self {
        Self {
            phase: Phase::Connect,
            accepted: None,
            first_bytes: FirstBytes::default(),
            securing: Securing::InClear,
            certificate_request: RequestOutcome::NotAsked,
        }
    }

    /// TLS is being begun.
    pub(super) fn is_securing(&self) -> bool {
        matches!(self.securing, Securing::Begun | Securing::ReadingFiles)
    }

    /// TLS is spoken.
    pub(super) fn is_secured(&self) -> bool {
        self.securing == Securing::Secured
    }
}
