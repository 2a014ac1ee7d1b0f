//! How much TLS a connection is to have.

use std::fmt;

use crate::tls::{CertificateCheck, RootCertificate};

/// libpq's `sslmode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum SslMode {
    /// No TLS.
    Disable,
    /// TLS where the server refuses a session without it.
    Allow,
    /// TLS where the server offers it, and nothing where that fails.
    #[default]
    Prefer,
    /// TLS or nothing. When a root certificate is there, the server's must come from it, as in libpq.
    Require,
    /// TLS, and the certificate must come from a trusted authority.
    VerifyCa,
    /// As `VerifyCa`, and the certificate must be for this host.
    VerifyFull,
}

impl SslMode {
    /// As it is written in a connection string.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Allow => "allow",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }

    /// libpq's rule: a root certificate that is there is used, whatever the mode.
    pub(super) fn check(self, root: Option<&RootCertificate>) -> CertificateCheck {
        match (self, root) {
            (Self::VerifyFull, _) => CertificateCheck::AuthorityAndName,
            (Self::VerifyCa, _) | (_, Some(_)) => CertificateCheck::Authority,
            (_, None) => CertificateCheck::Nothing,
        }
    }
}

impl fmt::Display for SslMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
