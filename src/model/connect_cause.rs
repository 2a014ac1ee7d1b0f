//! Why a connect came to no session, where class and SQLSTATE do not decide what to do about it.

use serde::{Deserialize, Serialize};

/// What stood between a connect and its session. Each has one remedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectCause {
    /// The server asked for a password, and there was none to send.
    PasswordMissing,
    /// The same, at a host that only the record of a run names: it gets none.
    PasswordWithheld,
    /// The password is stored with more rounds of SCRAM than pgchaos computes.
    TooManyRounds,
    /// The login is to be bound to TLS, and what ends TLS offers no binding.
    NoBinding,
    /// The login is to be bound to TLS, and there is none.
    NoTlsToBind,
    /// An error was the answer to the request for TLS.
    TlsRequestRefused,
    /// HTTP answers there.
    Http,
}
