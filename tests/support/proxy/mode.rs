//! What the proxy does: to new connections, and to what flows through those it has.

use std::sync::mpsc;
use std::time::Instant;

/// What the proxy is, until it is told otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mode {
    Pass,
    StopListening,
    CloseOnAccept,
    PassEvery(usize),
    Silence,
    HoldAnswers,
    GarbageOnAccept,
    Reject { sqlstate: String, message: String },
}

impl Mode {
    pub(super) fn is_listening(&self) -> bool {
        *self != Self::StopListening
    }

    /// What may move through connections that are there.
    pub(super) fn flow(&self) -> Flow {
        Flow {
            to_server: *self != Self::Silence,
            to_client: !matches!(self, Self::Silence | Self::HoldAnswers),
        }
    }
}

/// Which way bytes may move. What may not stays where it is: in the proxy, or unread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flow {
    pub(super) to_server: bool,
    pub(super) to_client: bool,
}

/// How a connection ends at the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Fin,
    Reset,
    /// By a FIN, and the server is not told: its side stays open.
    Abandoned,
}

/// Waits for the next write, and cuts its connection.
pub(super) struct Trap {
    pub(super) when: When,
    pub(super) fired: mpsc::Sender<Instant>,
}

/// Where in the write's life the connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// The server never gets it.
    Before,
    /// The server has answered it, and the client never hears of that.
    After,
}
