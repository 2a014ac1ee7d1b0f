//! Why a handshake failed, in words for people.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use tokio_rustls::rustls::{
    AlertDescription, CertificateError, Error as RustlsError, InvalidMessage, OtherError,
    PeerIncompatible,
};

use super::certificate_request::RequestOutcome;
use crate::model::foreign::said;
use crate::model::tls_cause::TlsCause;

/// A refusal of pgchaos's own: for a server's certificate, what was expected, and what the certificate has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CertificateRefusal {
    pub(super) cause: TlsCause,
    pub(super) words: String,
    /// The system's number of the error that kept a file of this client's from being read, if one did.
    pub(super) errno: Option<i32>,
}

impl CertificateRefusal {
    /// As the library hands it on.
    pub(super) fn into_rustls(self) -> RustlsError {
        RustlsError::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(self))))
    }
}

impl fmt::Display for CertificateRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl Error for CertificateRefusal {}

/// The words where TLS was agreed on, and not for PostgreSQL's protocol.
pub const NOT_FOR_POSTGRESQL: &str =
    "TLS is spoken there, and not for PostgreSQL (no ALPN \"postgresql\")";

/// When TLS failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TlsPhase {
    Handshake,
    /// After it, as far as the client is concerned.
    Session,
}

/// A failure of TLS, with what its words depend on. `Display` says what went wrong, and what it means.
#[derive(Debug, Clone)]
pub struct TlsFailure {
    reason: RustlsError,
    request: RequestOutcome,
    phase: TlsPhase,
}

impl TlsFailure {
    pub(super) fn new(reason: &RustlsError, request: RequestOutcome, phase: TlsPhase) -> Self {
        Self { reason: reason.clone(), request, phase }
    }

    /// What the library says.
    #[must_use]
    pub fn reason(&self) -> &RustlsError {
        &self.reason
    }

    /// Why, as far as it decides what to do.
    #[must_use]
    pub fn cause(&self) -> TlsCause {
        match &self.reason {
            RustlsError::InvalidCertificate(CertificateError::Other(other)) => {
                let refused = other.0.downcast_ref::<CertificateRefusal>();
                refused.map_or(TlsCause::CertificateForm, |refused| refused.cause)
            }
            // Of the handshake, not of the certificate: its key is of a kind that is not known here, or not there.
            RustlsError::InvalidCertificate(CertificateError::BadSignature)
            | RustlsError::PeerIncompatible(_) => TlsCause::NothingInCommon,
            RustlsError::InvalidCertificate(_) | RustlsError::NoCertificatesPresented => {
                TlsCause::CertificateForm
            }
            RustlsError::AlertReceived(alert) => cause_of_alert(*alert, self.request),
            // What pgchaos itself ends TLS for: no server's log tells of it.
            RustlsError::InvalidMessage(_)
            | RustlsError::PeerMisbehaved(_)
            | RustlsError::DecryptError
            | RustlsError::InappropriateMessage { .. }
            | RustlsError::InappropriateHandshakeMessage { .. }
            | RustlsError::PeerSentOversizedRecord => TlsCause::OtherProtocol,
            _ => TlsCause::Other,
        }
    }

    /// The system's error that kept a file of this client's from being read, if one did.
    #[must_use]
    pub fn system_error(&self) -> Option<io::Error> {
        let RustlsError::InvalidCertificate(CertificateError::Other(other)) = &self.reason else {
            return None;
        };
        let refused = other.0.downcast_ref::<CertificateRefusal>()?;
        refused.errno.map(io::Error::from_raw_os_error)
    }

    pub(super) fn into_io(self, kind: io::ErrorKind) -> io::Error {
        io::Error::new(kind, self)
    }
}

impl Error for TlsFailure {}

/// The failure of TLS among the causes of this error, if TLS is what failed.
#[must_use]
pub fn of_tls(error: &(dyn Error + 'static)) -> Option<TlsFailure> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<TlsFailure>() {
            return Some(found.clone());
        }
        if let Some(found) = error.downcast_ref::<RustlsError>() {
            return Some(TlsFailure::new(found, RequestOutcome::NotAsked, TlsPhase::Handshake));
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

impl fmt::Display for TlsFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match &self.reason {
            RustlsError::InvalidCertificate(CertificateError::Other(other)) => {
                match other.0.downcast_ref::<CertificateRefusal>() {
                    Some(refused) => refused.to_string(),
                    None => said(&format!("the server's certificate cannot be used: {other}")),
                }
            }
            RustlsError::AlertReceived(alert) => of_alert(*alert, self.request),
            RustlsError::InvalidMessage(reason) => of_message(reason, self.request, self.phase),
            RustlsError::InvalidCertificate(CertificateError::BadSignature) => {
                "the server does not prove that it has its certificate's key, or the key is an RSA key of less than \
                 2048 bits, which pgchaos does not accept"
                    .to_owned()
            }
            RustlsError::PeerIncompatible(reason) => of_incompatible(reason),
            RustlsError::NoCertificatesPresented => "the server has no certificate".to_owned(),
            other => said(&format!("TLS failed: {other}")),
        };
        f.write_str(&words)
    }
}

/// Bytes that cannot be read. Of these, some begin no record of TLS: what sends them at first speaks another protocol.
fn of_message(reason: &InvalidMessage, request: RequestOutcome, phase: TlsPhase) -> String {
    let is_no_record = matches!(
        reason,
        InvalidMessage::InvalidContentType
            | InvalidMessage::UnknownProtocolVersion
            | InvalidMessage::MessageTooLarge
            | InvalidMessage::InvalidEmptyPayload
    );
    match phase {
        // Only a server that speaks TLS asks for a certificate.
        TlsPhase::Handshake if is_no_record && request == RequestOutcome::NotAsked => {
            "what answers there speaks no TLS".to_owned()
        }
        TlsPhase::Session if is_no_record => {
            "something that is no TLS came in the midst of it: a program on the way may have put it there".to_owned()
        }
        _ => said(&format!("what answers there breaks the protocol of TLS ({reason:?})")),
    }
}

fn of_alert(alert: AlertDescription, request: RequestOutcome) -> String {
    match (alert, request) {
        // So say servers of TLS 1.2 that demand a certificate.
        (AlertDescription::HandshakeFailure, RequestOutcome::NoneSent) => {
            "the server asked for a client certificate, got none and ended the handshake: it demands one (sslcert and \
             sslkey), or found nothing else in common with pgchaos"
                .to_owned()
        }
        (AlertDescription::HandshakeFailure, _) => {
            "the server found nothing in common with pgchaos: the kind of its key (pgchaos knows RSA from 2048 bits, \
             P-256, P-384 and Ed25519, not P-521 or an RSA key for PSS alone), a cipher, or the version of TLS"
                .to_owned()
        }
        (AlertDescription::ProtocolVersion, _) => {
            "the server speaks none of the versions of TLS that are allowed here (pgchaos knows 1.2 and 1.3)".to_owned()
        }
        (AlertDescription::CertificateRequired, _) => {
            "the server demands a client certificate (sslcert and sslkey)".to_owned()
        }
        (AlertDescription::NoApplicationProtocol, _) => NOT_FOR_POSTGRESQL.to_owned(),
        (AlertDescription::UnrecognisedName, _) => {
            "TLS is spoken there, and not for this host's name (SNI)".to_owned()
        }
        (alert, request) if is_about_a_certificate(alert) => match request {
            RequestOutcome::Sent => of_sent_certificate(alert),
            RequestOutcome::NoneSent => format!(
                "the server asked for a client certificate, got none and ended TLS ({alert:?}): it demands one, it seems \
                 (sslcert and sslkey)"
            ),
            RequestOutcome::NotAsked => {
                format!("the server ended TLS ({alert:?}), and has asked for no client certificate")
            }
        },
        (other, _) => format!("the server ended TLS ({other:?})"),
    }
}

fn cause_of_alert(alert: AlertDescription, request: RequestOutcome) -> TlsCause {
    match alert {
        AlertDescription::CertificateRequired => TlsCause::ClientCertificate,
        AlertDescription::HandshakeFailure if request == RequestOutcome::NoneSent => {
            TlsCause::ClientCertificate
        }
        AlertDescription::HandshakeFailure | AlertDescription::ProtocolVersion => {
            TlsCause::NothingInCommon
        }
        AlertDescription::NoApplicationProtocol => TlsCause::NotForPostgresql,
        AlertDescription::UnrecognisedName => TlsCause::OtherName,
        alert if is_about_a_certificate(alert) && request != RequestOutcome::NotAsked => {
            TlsCause::ClientCertificate
        }
        _ => TlsCause::Other,
    }
}

fn is_about_a_certificate(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::UnknownCA
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRevoked
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::AccessDenied
            | AlertDescription::DecryptError
    )
}

fn of_sent_certificate(alert: AlertDescription) -> String {
    let refused = "the server refuses the client certificate";
    match alert {
        AlertDescription::UnknownCA => {
            format!("{refused}: it does not know the authority that signed it")
        }
        AlertDescription::CertificateExpired => format!("{refused}: it has expired"),
        AlertDescription::CertificateRevoked => format!("{refused}: it was revoked"),
        alert => format!("{refused} ({alert:?})"),
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

#[cfg(test)]
mod tests {
    use tokio_rustls::rustls::{ContentType, PeerMisbehaved};

    use super::*;

    fn words(reason: &RustlsError, request: RequestOutcome, phase: TlsPhase) -> String {
        TlsFailure::new(reason, request, phase).to_string()
    }

    #[test]
    fn an_alert_is_about_the_clients_certificate_only_where_one_was_sent() {
        let refused = "refuses the client certificate";
        for alert in [
            AlertDescription::UnknownCA,
            AlertDescription::CertificateExpired,
            AlertDescription::CertificateRevoked,
            AlertDescription::BadCertificate,
            AlertDescription::AccessDenied,
            AlertDescription::DecryptError,
        ] {
            for phase in [TlsPhase::Handshake, TlsPhase::Session] {
                let with = |request| words(&RustlsError::AlertReceived(alert), request, phase);
                assert!(with(RequestOutcome::Sent).contains(refused));
                let none = with(RequestOutcome::NoneSent);
                assert!(none.contains("asked for a client certificate, got none"), "{none}");
                let not_asked = with(RequestOutcome::NotAsked);
                assert!(not_asked.contains("has asked for no client certificate"), "{not_asked}");
            }
        }
    }

    #[test]
    fn a_server_of_tls_1_2_that_demands_a_certificate_is_not_one_without_a_common_cipher() {
        let failure = RustlsError::AlertReceived(AlertDescription::HandshakeFailure);
        let with = |request| words(&failure, request, TlsPhase::Handshake);
        assert!(with(RequestOutcome::NoneSent).contains("it demands one"));
        assert!(with(RequestOutcome::NotAsked).starts_with("the server found nothing in common"));
        assert!(with(RequestOutcome::Sent).starts_with("the server found nothing in common"));
    }

    #[test]
    fn the_servers_log_is_named_only_where_the_server_ended_tls() {
        let cause = |reason: RustlsError| {
            TlsFailure::new(&reason, RequestOutcome::NotAsked, TlsPhase::Handshake).cause()
        };
        let bad_signature = RustlsError::InvalidCertificate(CertificateError::BadSignature);
        assert_eq!(cause(bad_signature), TlsCause::NothingInCommon);
        assert_eq!(cause(RustlsError::NoCertificatesPresented), TlsCause::CertificateForm);
        let misbehaved = RustlsError::PeerMisbehaved(PeerMisbehaved::IllegalTlsInnerPlaintext);
        let inappropriate = RustlsError::InappropriateMessage {
            expect_types: Vec::new(),
            got_type: ContentType::Handshake,
        };
        for ended_here in [misbehaved, inappropriate, RustlsError::DecryptError] {
            assert_eq!(cause(ended_here), TlsCause::OtherProtocol);
        }
        let ended_there = RustlsError::AlertReceived(AlertDescription::InternalError);
        assert_eq!(cause(ended_there), TlsCause::Other);
    }

    #[test]
    fn only_what_begins_no_record_speaks_no_tls() {
        use InvalidMessage::{InvalidContentType, MissingData, UnexpectedMessage};
        let (handshake, session) = (TlsPhase::Handshake, TlsPhase::Session);
        for (reason, phase, expected) in [
            (InvalidContentType, handshake, "what answers there speaks no TLS"),
            (
                InvalidContentType,
                session,
                "something that is no TLS came in the midst of it: a program on the way may have put it there",
            ),
            (
                MissingData("u8"),
                handshake,
                "what answers there breaks the protocol of TLS (MissingData(\"u8\"))",
            ),
            (
                UnexpectedMessage("MessageHash"),
                session,
                "what answers there breaks the protocol of TLS (UnexpectedMessage(\"MessageHash\"))",
            ),
        ] {
            let reason = RustlsError::InvalidMessage(reason);
            assert_eq!(words(&reason, RequestOutcome::NotAsked, phase), expected);
        }
    }
}
