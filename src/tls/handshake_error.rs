//! Why a handshake failed, in words for people.

use std::error::Error;
use std::fmt;
use std::io;

use tokio_rustls::rustls::{
    AlertDescription, CertificateError, Error as RustlsError, PeerIncompatible,
};

use crate::model::foreign::said;

/// A server's certificate that is not accepted: what was expected, and what the certificate has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CertificateRefusal(pub(super) String);

impl fmt::Display for CertificateRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for CertificateRefusal {}

/// The error of rustls among the causes of this one, if TLS is what failed.
#[must_use]
pub fn of_tls<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a RustlsError> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<RustlsError>() {
            return Some(found);
        }
        // An io error hides what it wraps from its chain of causes.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        cause = match inner {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => error.source(),
        };
    }
    None
}

/// The words where TLS was agreed on, and not for PostgreSQL's protocol.
pub const NOT_FOR_POSTGRESQL: &str =
    "TLS is spoken there, and not for PostgreSQL (no ALPN \"postgresql\")";

/// What went wrong, and what it means.
#[must_use]
pub fn words(error: &RustlsError) -> String {
    match error {
        RustlsError::InvalidCertificate(CertificateError::Other(other)) => {
            match other.0.downcast_ref::<CertificateRefusal>() {
                Some(refused) => refused.to_string(),
                None => said(&format!("the server's certificate cannot be used: {other}")),
            }
        }
        RustlsError::AlertReceived(alert) => of_alert(*alert),
        RustlsError::InvalidMessage(_) => "what answers there speaks no TLS".to_owned(),
        RustlsError::InvalidCertificate(CertificateError::BadSignature) => {
            "the server does not prove that it has its certificate's key, or the key is an RSA key of less than 2048 \
             bits, which pgchaos does not accept"
                .to_owned()
        }
        RustlsError::PeerIncompatible(reason) => of_incompatible(reason),
        RustlsError::NoCertificatesPresented => "the server has no certificate".to_owned(),
        other => said(&format!("TLS failed: {other}")),
    }
}

fn of_alert(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::HandshakeFailure => {
            "the server found nothing in common with pgchaos: the kind of its key (pgchaos knows RSA from 2048 bits, \
             P-256, P-384 and Ed25519, not P-521 or an RSA key for PSS alone), a cipher, or the version of TLS"
                .to_owned()
        }
        AlertDescription::ProtocolVersion => {
            "the server speaks none of the versions of TLS that are allowed here (pgchaos knows 1.2 and 1.3)".to_owned()
        }
        AlertDescription::CertificateRequired => {
            "the server demands a client certificate (sslcert and sslkey)".to_owned()
        }
        AlertDescription::UnknownCA => {
            "the server refuses the client certificate: it does not know the authority that signed it".to_owned()
        }
        AlertDescription::CertificateExpired => {
            "the server refuses the client certificate: it has expired".to_owned()
        }
        AlertDescription::CertificateRevoked => {
            "the server refuses the client certificate: it was revoked".to_owned()
        }
        AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::AccessDenied
        | AlertDescription::DecryptError => {
            format!("the server refuses the client certificate ({alert:?})")
        }
        AlertDescription::NoApplicationProtocol => NOT_FOR_POSTGRESQL.to_owned(),
        AlertDescription::UnrecognisedName => {
            "TLS is spoken there, and not for this host's name (SNI)".to_owned()
        }
        other => format!("the server ended the TLS handshake ({other:?})"),
    }
}

fn of_incompatible(reason: &PeerIncompatible) -> String {
    match reason {
        PeerIncompatible::ServerDoesNotSupportTls12Or13
        | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig => {
            "the server speaks none of the versions of TLS that are allowed here (pgchaos knows 1.2 and 1.3)".to_owned()
        }
        other => said(&format!("the server and pgchaos have no TLS in common: {other:?}")),
    }
}
