//! Why TLS failed, as far as it decides what to do about it.

use serde::{Deserialize, Serialize};

/// What kept a session from being secured, or ended its security. Each has one remedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TlsCause {
    /// The server offers no TLS.
    NotOffered,
    /// No trusted authority has signed the server's certificate.
    UnknownAuthority,
    /// The server's certificate is for other names.
    OtherName,
    /// The server's certificate has expired, or is not valid yet.
    Dates,
    /// The server's certificate was revoked.
    Revoked,
    /// The lists do not say whether the server's certificate was revoked.
    RevocationUnknown,
    /// The server's certificate is of a form that is not accepted.
    CertificateForm,
    /// The server demands a client certificate, or refuses the one that it got.
    ClientCertificate,
    /// The server asks for no client certificate, and one has to be sent.
    CertificateNotRequested,
    /// No version, cipher or kind of key that both know.
    NothingInCommon,
    /// What answers speaks no TLS, or breaks it.
    OtherProtocol,
    /// What answers speaks TLS for another protocol than PostgreSQL's.
    NotForPostgresql,
    /// What answers wants to be asked for TLS, and was not (`sslnegotiation=direct`).
    NotAskedFor,
    /// A file of this client's cannot be used any more.
    OwnFile,
    /// Settings that need TLS, and nothing that speaks it.
    NoClient,
    /// The server ended it for a reason that it did not tell.
    Other,
}

impl TlsCause {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::NotOffered,
        Self::UnknownAuthority,
        Self::OtherName,
        Self::Dates,
        Self::Revoked,
        Self::RevocationUnknown,
        Self::CertificateForm,
        Self::ClientCertificate,
        Self::CertificateNotRequested,
        Self::NothingInCommon,
        Self::OtherProtocol,
        Self::NotForPostgresql,
        Self::NotAskedFor,
        Self::OwnFile,
        Self::NoClient,
        Self::Other,
    ];
}
