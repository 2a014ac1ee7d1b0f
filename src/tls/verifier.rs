//! The checks of a server's certificate: webpki's, with libpq's rules where they differ.

use std::sync::Arc;

use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::client::{VerifierBuilderError, WebPkiServerVerifier};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
    verify_tls13_signature_with_raw_key,
};
use tokio_rustls::rustls::pki_types::{
    CertificateDer, CertificateRevocationListDer, ServerName, SubjectPublicKeyInfoDer, UnixTime,
};
use tokio_rustls::rustls::{
    CertRevocationListError, CertificateError, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme,
};
use webpki::Error as WebPkiError;
use x509_cert::der::{Decode, Encode};
use x509_cert::spki::SubjectPublicKeyInfoRef;

use super::certificate::Certificate;
use super::handshake_error::CertificateRefusal;
use super::host_name;
use super::settings::CertificateCheck;
use super::trust::{Anchor, Roots, store};
use crate::model::tls_cause::TlsCause;

/// Checks servers' certificates. The signature of the handshake is verified always, as channel binding
/// rests on it.
#[derive(Debug)]
pub(super) struct Verifier {
    /// What is trusted; `None` where nothing but the signature is checked.
    pub(super) trusted: Option<Trusted>,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

/// What a certificate must come from, and whether it must be for the host.
#[derive(Debug)]
pub(super) struct Trusted {
    /// Trusts all the anchors, whatever their dates say.
    by_all: Arc<WebPkiServerVerifier>,
    /// A server's own certificate may be among the anchors.
    roots: Roots,
    /// Lists of revoked certificates.
    lists: Vec<CertificateRevocationListDer<'static>>,
    provider: Arc<CryptoProvider>,
    /// Where the roots came from, in words.
    from: String,
    check: CertificateCheck,
    /// Whether an authority may sign for some names only, by a root among these.
    limits_names: bool,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(trusted) = &self.trusted else { return Ok(ServerCertVerified::assertion()) };
        let presented = Presented { end_entity, intermediates, server_name, ocsp_response, now };
        let reason = match trusted.verify(&presented) {
            Ok(verified) => return Ok(verified),
            Err(Error::InvalidCertificate(reason)) if !is_told(&reason) => reason,
            Err(Error::InvalidCertRevocationList(reason)) => {
                return Err(refusal(TlsCause::RevocationUnknown, of_list(&reason)));
            }
            Err(other) => return Err(other),
        };
        let host = server_name.to_str();
        let certificate = Certificate::read(end_entity);
        let is_trusted = match &reason {
            reason if is_of_name(reason) => true,
            // A server whose own certificate is an authority's, as `openssl req -x509` makes it. Its dates
            // come before this in webpki, and revocation after it: with lists there is no such way.
            CertificateError::Other(_) if is(&reason, &WebPkiError::CaUsedAsEndEntity) => {
                trusted.lists.is_empty()
                    && trusted.roots.anchors.iter().any(|root| root.der == *end_entity)
            }
            _ => false,
        };
        let name_counts = trusted.check == CertificateCheck::AuthorityAndName;
        // webpki holds limits on names against alternatives alone: where an authority has some, so do we.
        let is_for_host = || {
            let found = certificate.as_ref().is_some_and(|found| host_name::is_for(found, &host));
            found && !trusted.limits_names && !intermediates.iter().any(limits_names)
        };
        match is_trusted {
            true if !name_counts || is_for_host() => Ok(ServerCertVerified::assertion()),
            true => Err(refusal(TlsCause::OtherName, not_for(certificate.as_ref(), &host))),
            false => {
                let words = trusted.words(&reason, certificate.as_ref());
                Err(refused(cause(&reason), words, certificate.as_ref()))
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match verify_tls12_signature(message, certificate, signed, &self.algorithms) {
            Err(error) if is_of_old_version(&error) => {
                self.verify_with_key_alone(message, certificate, signed)
            }
            verified => verified,
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match verify_tls13_signature(message, certificate, signed, &self.algorithms) {
            Err(error) if is_of_old_version(&error) => {
                let found = Certificate::read(certificate).ok_or(error)?;
                let key = SubjectPublicKeyInfoDer::from(found.public_key);
                verify_tls13_signature_with_raw_key(message, &key, signed, &self.algorithms)
            }
            verified => verified,
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl Verifier {
    /// The signature of a TLS 1.2 handshake under a certificate that webpki cannot read, X.509 version 1:
    /// its key is enough for it.
    fn verify_with_key_alone(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let bad = || Error::InvalidCertificate(CertificateError::BadSignature);
        let found = Certificate::read(certificate).ok_or_else(bad)?;
        let key = SubjectPublicKeyInfoRef::from_der(&found.public_key).map_err(|_| bad())?;
        let bits = key.subject_public_key.as_bytes().ok_or_else(bad)?;
        let kind = key.algorithm.to_der().map_err(|_| bad())?;
        let mapped = self.algorithms.mapping.iter().find(|(scheme, _)| *scheme == signed.scheme);
        let algorithms = mapped.map(|(_, algorithms)| *algorithms).unwrap_or_default();
        let fitting = algorithms.iter().find(|algorithm| {
            // What rustls names is the sequence's content.
            kind.ends_with(algorithm.public_key_alg_id().as_ref())
        });
        let verified = fitting.map(|one| one.verify_signature(bits, message, signed.signature()));
        match verified {
            Some(Ok(())) => Ok(HandshakeSignatureValid::assertion()),
            _ => Err(bad()),
        }
    }
}

/// What a server has sent, and when.
struct Presented<'a> {
    end_entity: &'a CertificateDer<'a>,
    intermediates: &'a [CertificateDer<'a>],
    server_name: &'a ServerName<'a>,
    ocsp_response: &'a [u8],
    now: UnixTime,
}

impl Trusted {
    pub(super) fn new(
        roots: Roots,
        lists: Vec<CertificateRevocationListDer<'static>>,
        provider: Arc<CryptoProvider>,
        from: String,
        check: CertificateCheck,
    ) -> Result<Self, VerifierBuilderError> {
        let by_all = by_webpki(store(&roots.anchors), &lists, &provider)?;
        let limits_names = roots.anchors.iter().any(|anchor| anchor.certificate.limits_names)
            || roots.between.iter().any(limits_names);
        Ok(Self { by_all, roots, lists, provider, from, check, limits_names })
    }

    /// webpki's word by the anchors that hold at this time. It looks at the name last: where that is what fails, the
    /// rest holds.
    fn verify(&self, presented: &Presented<'_>) -> Result<ServerCertVerified, Error> {
        let Presented { end_entity, intermediates, server_name, ocsp_response, now } = *presented;
        let sent = intermediates.iter().map(AsRef::as_ref);
        let own = self.roots.between.iter().map(AsRef::as_ref);
        let between: Vec<CertificateDer<'_>> = sent.chain(own).map(CertificateDer::from).collect();
        let verify = |by: &WebPkiServerVerifier| {
            by.verify_server_cert(end_entity, &between, server_name, ocsp_response, now)
        };
        let by_all = verify(&self.by_all);
        let is_valid = |anchor: &&Anchor| anchor.certificate.is_valid_at(now);
        let is_accepted = match &by_all {
            Ok(_) => true,
            Err(Error::InvalidCertificate(reason)) => is_of_name(reason),
            Err(_) => false,
        };
        if !is_accepted || self.roots.anchors.iter().all(|anchor| is_valid(&anchor)) {
            return by_all;
        }
        let valid = store(self.roots.anchors.iter().filter(is_valid));
        let by_valid = match valid.is_empty() {
            true => Err(CertificateError::UnknownIssuer.into()),
            false => match by_webpki(valid, &self.lists, &self.provider) {
                Ok(by_valid) => verify(&by_valid),
                Err(error) => Err(Error::General(error.to_string())),
            },
        };
        match by_valid {
            Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
                let words = format!(
                    "the authority in {} that signed the server's certificate has expired or is not valid yet, or this \
                     machine's clock is wrong",
                    self.from
                );
                let certificate = Certificate::read(end_entity);
                Err(refused(TlsCause::UnknownAuthority, words, certificate.as_ref()))
            }
            by_valid => by_valid,
        }
    }

    /// Why a certificate is not accepted.
    fn words(&self, reason: &CertificateError, certificate: Option<&Certificate>) -> String {
        let from = &self.from;
        match reason {
            CertificateError::UnknownIssuer if certificate.is_some_and(|one| one.is_self_signed) => {
                format!("the server's certificate is self-signed, and not in {from}")
            }
            CertificateError::UnknownIssuer => {
                format!("the server's certificate is signed by no authority in {from}")
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "the server's certificate has expired, or this machine's clock is wrong".to_owned()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "the server's certificate is not valid yet, or this machine's clock is wrong".to_owned()
            }
            CertificateError::Revoked => "the server's certificate was revoked".to_owned(),
            CertificateError::UnknownRevocationStatus => {
                "whether the server's certificate was revoked is not known: no list is of its authority"
                    .to_owned()
            }
            CertificateError::ExpiredRevocationList
            | CertificateError::ExpiredRevocationListContext { .. } => {
                "the list of revoked certificates has expired".to_owned()
            }
            reason if is_by_a_namesake(reason) => format!(
                "the server's certificate, or one between, is signed by another authority of this name than the one in \
                 {from}"
            ),
            CertificateError::UnsupportedSignatureAlgorithmContext { .. } => {
                let by = certificate.map_or("", |one| one.signature.name());
                format!("the server's certificate is signed by an algorithm that is not accepted{by}")
            }
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                "the server's certificate is not one for servers (its extended key usage)".to_owned()
            }
            reason
                if is(reason, &WebPkiError::CaUsedAsEndEntity) && !self.lists.is_empty() =>
            {
                "the server uses an authority's certificate (CA:TRUE) as its own, and whether that was revoked \
                 cannot be checked"
                    .to_owned()
            }
            reason if is(reason, &WebPkiError::CaUsedAsEndEntity) => format!(
                "the server uses an authority's certificate (CA:TRUE) as its own, and it is not in {from}"
            ),
            reason if is(reason, &WebPkiError::UnsupportedCertVersion) => {
                "the server's certificate is X.509 version 1, which is not verified: issue it as version 3, with \
                 subjectAltName"
                    .to_owned()
            }
            other => format!("the server's certificate is not valid ({other})"),
        }
    }
}

fn by_webpki(
    store: RootCertStore,
    lists: &[CertificateRevocationListDer<'static>],
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, VerifierBuilderError> {
    WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider))
        .with_crls(lists.iter().cloned())
        .enforce_revocation_expiration()
        .build()
}

/// Whether it is a refusal of pgchaos's own, with its words.
fn is_told(reason: &CertificateError) -> bool {
    let CertificateError::Other(other) = reason else { return false };
    other.0.is::<CertificateRefusal>()
}

fn is_of_name(reason: &CertificateError) -> bool {
    matches!(
        reason,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
    )
}

/// Whether an authority may sign for some names only; one that cannot be read may.
fn limits_names(authority: &CertificateDer<'_>) -> bool {
    Certificate::read(authority).is_none_or(|found| found.limits_names)
}

fn not_for(certificate: Option<&Certificate>, host: &str) -> String {
    match certificate {
        Some(found) => format!(
            "the server's certificate is for {}, and not for {host}: it is {}",
            found.names(),
            found.words_of_origin()
        ),
        None => {
            format!("the server's certificate is for no name that can be read, and not for {host}")
        }
    }
}

/// The reason, and what the certificate has.
fn refused(cause: TlsCause, reason: String, certificate: Option<&Certificate>) -> Error {
    let words = match certificate {
        Some(certificate) => format!("{reason}: {}", certificate.words()),
        None => reason,
    };
    refusal(cause, words)
}

fn refusal(cause: TlsCause, words: String) -> Error {
    CertificateRefusal { cause, words, errno: None }.into_rustls()
}

/// Whether an authority of the issuer's name is there, and has not signed: as after its key was made anew. A key of
/// another kind cannot even be tried.
fn is_by_a_namesake(reason: &CertificateError) -> bool {
    matches!(
        reason,
        CertificateError::BadSignature
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. }
    )
}

/// Why a list of revoked certificates does not count.
fn of_list(reason: &CertRevocationListError) -> String {
    let unknown = "whether the server's certificate was revoked is not known";
    match reason {
        CertRevocationListError::BadSignature
        | CertRevocationListError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            format!("{unknown}: the list is signed by another authority of this name")
        }
        other => format!("{unknown}: the list is not valid ({other:?})"),
    }
}

fn cause(reason: &CertificateError) -> TlsCause {
    match reason {
        CertificateError::UnknownIssuer => TlsCause::UnknownAuthority,
        reason if is_by_a_namesake(reason) => TlsCause::UnknownAuthority,
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => TlsCause::Dates,
        CertificateError::Revoked => TlsCause::Revoked,
        CertificateError::UnknownRevocationStatus
        | CertificateError::ExpiredRevocationList
        | CertificateError::ExpiredRevocationListContext { .. } => TlsCause::RevocationUnknown,
        _ => TlsCause::CertificateForm,
    }
}

fn is(reason: &CertificateError, expected: &WebPkiError) -> bool {
    let CertificateError::Other(other) = reason else { return false };
    other.0.downcast_ref::<WebPkiError>() == Some(expected)
}

fn is_of_old_version(error: &Error) -> bool {
    let Error::InvalidCertificate(reason) = error else { return false };
    is(reason, &WebPkiError::UnsupportedCertVersion)
}
