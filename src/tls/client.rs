//! TLS as a client speaks it: its settings, put together once, and a handshake on any stream.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::{ClientConfig, Resumption};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{Error as RustlsError, NamedGroup, SupportedProtocolVersion};

use super::certificate_request::{CertificateRequest, RequestOutcome};
use super::client_certificate::ClientCertificate;
use super::client_stream::TlsClientStream;
use super::current_files::{CurrentFiles, NotRead};
use super::error::{FileUse, TlsError};
use super::files::Files;
use super::handshake_error::{CertificateRefusal, TlsFailure, TlsPhase, of_tls};
use super::settings::{CertificateCheck, TlsSettings, TlsVersion};
use super::trust::{Roots, revocation_lists};
use super::verifier::{Trusted, Verifier};
use crate::model::foreign::said;
use crate::model::tls_cause::TlsCause;

/// Speaks TLS by settings that were checked, with every file read, and read again once it has changed. Cheap to clone.
#[derive(Clone)]
pub struct TlsClient {
    settings: Arc<TlsSettings>,
    files: Arc<CurrentFiles>,
}

impl TlsClient {
    /// Reads the files, and puts the settings together.
    ///
    /// # Errors
    /// A file that is missing, unreadable or of no use, a key that others may read, no version left.
    pub fn new(settings: TlsSettings, files: &dyn Files) -> Result<Self, TlsError> {
        let settings = Arc::new(settings);
        let files = CurrentFiles::new(Arc::clone(&settings), files, config)?;
        Ok(Self { settings, files: Arc::new(files) })
    }

    /// What it was made of.
    #[must_use]
    pub fn settings(&self) -> &TlsSettings {
        &self.settings
    }

    /// What it is by the files as they are now. Waits for their disk, without a deadline: the caller has one.
    ///
    /// # Errors
    /// A file that cannot be read, or not be used any more:
    /// [`handshake_error::of_tls`](super::handshake_error::of_tls) finds it.
    pub async fn by_current_files(&self) -> io::Result<CurrentTls<'_>> {
        let config = self.files.config().await.map_err(not_read)?;
        let config = config.map_err(|words| refusal(TlsCause::OwnFile, words))?;
        Ok(CurrentTls { settings: &self.settings, config })
    }

    /// A handshake by the files as they are now, as [`CurrentTls::handshake`] does it.
    ///
    /// # Errors
    /// Those of both steps.
    pub async fn handshake<S>(&self, host: &str, stream: S) -> io::Result<TlsClientStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.by_current_files().await?.handshake(host, stream).await
    }
}

/// A [`TlsClient`] by its files as they were a moment ago, for one handshake.
pub struct CurrentTls<'a> {
    settings: &'a TlsSettings,
    config: Arc<ClientConfig>,
}

impl CurrentTls<'_> {
    /// A handshake with the server that is known by this name or address. Waits without a deadline: the
    /// caller has one.
    ///
    /// # Errors
    /// The stream's, or rustls's inside of one: [`handshake_error::of_tls`](super::handshake_error::of_tls) finds it.
    pub async fn handshake<S>(self, host: &str, stream: S) -> io::Result<TlsClientStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let Self { settings, config } = self;
        // The zone of an address is this machine's own, and in no certificate.
        let zoned = host.split_once('%').map(|(address, _)| address);
        let host = zoned.filter(|address| address.parse::<Ipv6Addr>().is_ok()).unwrap_or(host);
        let (config, name) = match ServerName::try_from(host.to_owned()) {
            Ok(name) => (config, name),
            Err(_) if settings.check == CertificateCheck::AuthorityAndName => {
                return Err(no_name(host));
            }
            Err(_) => (nameless(&config), ServerName::from(IpAddr::from([0, 0, 0, 0]))),
        };
        let request = CertificateRequest::default();
        let config = Arc::new(request.noted_by(&config));
        match TlsConnector::from(config).connect(name, stream).await {
            Ok(_) if settings.demands_request && request.outcome() != RequestOutcome::Sent => {
                let words = not_sent(request.outcome()).to_owned();
                Err(refusal(TlsCause::CertificateNotRequested, words))
            }
            Ok(stream) => Ok(TlsClientStream::new(stream, request)),
            Err(error) => Err(told(error, request.outcome())),
        }
    }
}

/// No more than the settings: what rustls holds are keys.
impl fmt::Debug for CurrentTls<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CurrentTls").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// No more than the settings: what rustls holds are keys.
impl fmt::Debug for TlsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsClient").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl PartialEq for TlsClient {
    fn eq(&self, other: &Self) -> bool {
        self.settings == other.settings
    }
}

impl Eq for TlsClient {}

fn no_name(host: &str) -> io::Error {
    refusal(
        TlsCause::OtherName,
        format!("\"{}\" is no name that a certificate can be for", said(host)),
    )
}

/// The same error, with what its words depend on where it is one of TLS.
fn told(error: io::Error, request: RequestOutcome) -> io::Error {
    match of_tls(&error) {
        Some(found) => {
            TlsFailure::new(found.reason(), request, TlsPhase::Handshake).into_io(error.kind())
        }
        None if error.kind() == io::ErrorKind::UnexpectedEof => io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the server closed the connection during the TLS handshake",
        ),
        None => error,
    }
}

fn not_sent(request: RequestOutcome) -> &'static str {
    match request {
        RequestOutcome::NotAsked => {
            "sslcertmode=require, and the server asks for no client certificate: it has no ssl_ca_file, or something \
             before it ends TLS"
        }
        RequestOutcome::NoneSent | RequestOutcome::Sent => {
            "sslcertmode=require, and no client certificate was sent: the server takes none of the kind of its key"
        }
    }
}

/// For a host with a text that cannot be a name in a handshake.
fn nameless(config: &ClientConfig) -> Arc<ClientConfig> {
    let mut nameless = config.clone();
    nameless.enable_sni = false;
    Arc::new(nameless)
}

/// A failure of the system's to read a file.
fn not_read(NotRead { words, errno }: NotRead) -> io::Error {
    let cause = TlsCause::OwnFile;
    io::Error::other(CertificateRefusal { cause, words, errno }.into_rustls())
}

/// The failure of a connect where this error of the system kept a file from being read.
#[cfg(test)]
pub(crate) fn unread(errno: i32) -> io::Error {
    not_read(NotRead {
        words: "root certificate \"root.crt\" cannot be read".to_owned(),
        errno: Some(errno),
    })
}

/// A failure of TLS's that these words tell.
fn refusal(cause: TlsCause, words: String) -> io::Error {
    io::Error::other(CertificateRefusal { cause, words, errno: None }.into_rustls())
}

fn config(settings: &TlsSettings, files: &dyn Files) -> Result<ClientConfig, TlsError> {
    let setup = |error: RustlsError| TlsError::Setup(said(&error.to_string()));
    let provider = provider();
    let verifier = Arc::new(verifier(settings, &provider, files)?);
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions(settings.versions)?)
        .map_err(setup)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match &settings.identity {
        None => builder.with_no_client_auth(),
        Some(named) => {
            let ClientCertificate { chain, key } = ClientCertificate::read(named, files)?;
            builder.with_client_auth_cert(chain, key).map_err(|error| match error {
                RustlsError::InconsistentKeys(_) => TlsError::NotItsKey {
                    certificate: named.certificate.clone(),
                    key: named.key.clone(),
                },
                // All that rustls says of it is that ring cannot parse it.
                _ => TlsError::Useless {
                    what: FileUse::PrivateKey,
                    path: named.key.clone(),
                    flaw: "is of a kind that pgchaos does not sign with: it knows RSA from 2048 bits, P-256, P-384 and \
                           Ed25519, not P-521 or Ed448"
                        .to_owned(),
                },
            })?
        }
    };
    config.enable_sni = settings.names_host;
    config.alpn_protocols = settings.protocol.iter().map(|name| name.to_vec()).collect();
    // As libpq does: each connect is a whole one, so that its time says what a client's would.
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// ring, with the curve first that PostgreSQL takes: with another, every connect has one more round
/// trip.
fn provider() -> Arc<CryptoProvider> {
    let mut provider = ring::default_provider();
    provider.kx_groups.sort_by_key(|group| group.name() != NamedGroup::secp256r1);
    Arc::new(provider)
}

fn versions(
    (min, max): (TlsVersion, TlsVersion),
) -> Result<Vec<&'static SupportedProtocolVersion>, TlsError> {
    let all = [(TlsVersion::Tls13, &TLS13), (TlsVersion::Tls12, &TLS12)];
    let taken = all.into_iter().filter(|(version, _)| (min..=max).contains(version));
    let taken: Vec<_> = taken.map(|(_, version)| version).collect();
    if taken.is_empty() { Err(TlsError::NoVersion { min, max }) } else { Ok(taken) }
}

fn verifier(
    settings: &TlsSettings,
    provider: &Arc<CryptoProvider>,
    files: &dyn Files,
) -> Result<Verifier, TlsError> {
    let algorithms = provider.signature_verification_algorithms;
    let lists = revocation_lists(settings, files)?;
    let root = match (settings.check, &settings.roots) {
        (CertificateCheck::Nothing, _) => return Ok(Verifier { trusted: None, algorithms }),
        (_, Some(root)) => root,
        (_, None) => return Err(TlsError::Setup("no root certificate was named".to_owned())),
    };
    let roots = Roots::read(root, files)?;
    let (from, check) = (root.to_string(), settings.check);
    let trusted = Trusted::new(roots, lists, Arc::clone(provider), from, check)
        .map_err(|error| TlsError::Setup(said(&error.to_string())))?;
    Ok(Verifier { trusted: Some(trusted), algorithms })
}
