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
    /// The login is to be bound to TLS, and was not: what ends TLS offers no binding, or the role logs in without one.
    NoBinding,
    /// The login is to be bound to TLS, and there is none.
    NoTlsToBind,
    /// The same on a Unix socket, which never has TLS.
    NoTlsOnSocket,
    /// The role is not let in over TLS, and the server asked for no client certificate.
    RefusedOverTls,
    /// The role is not let in over TLS. The server asked for a client certificate, and got none.
    RefusedWithoutCertificate,
    /// The role is not let in over TLS with the client certificate that the server asked for and got.
    RefusedWithCertificate,
    /// An error was the answer to the request for TLS.
    TlsRequestRefused,
    /// HTTP answers there.
    Http,
}
