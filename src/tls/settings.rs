//! How TLS is to be spoken, before any file is read.

use std::fmt;
use std::path::PathBuf;

/// The name of PostgreSQL's protocol in a handshake (ALPN).
pub const POSTGRESQL: &[u8] = b"postgresql";

/// What must be checked of a server's certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CertificateCheck {
    /// Nothing: encryption against listeners only.
    #[default]
    Nothing,
    /// That a trusted authority signed it.
    Authority,
    /// That, and that it is for the host's name.
    AuthorityAndName,
}

/// The versions of TLS that are spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls12 => "TLSv1.2",
            Self::Tls13 => "TLSv1.3",
        })
    }
}

/// How TLS is spoken. Nothing of it is a secret: keys are in files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSettings {
    /// What is checked of the server's certificate.
    pub check: CertificateCheck,
    /// The authorities; needed for every check.
    pub roots: Option<RootCertificate>,
    /// Lists of revoked certificates; with any, a certificate whose authority has none is refused.
    pub revocation_lists: Vec<PathBuf>,
    /// A folder of more of them.
    pub revocation_folder: Option<PathBuf>,
    /// What the client shows where a server asks for a certificate.
    pub identity: Option<IdentityFiles>,
    /// Whether a handshake fails in which the server asks for no certificate, or none is sent.
    pub demands_request: bool,
    /// Whether the handshake names the host (SNI).
    pub names_host: bool,
    /// The lowest and the highest version.
    pub versions: (TlsVersion, TlsVersion),
    /// The protocol that is spoken inside (ALPN), if it is named.
    pub protocol: Option<&'static [u8]>,
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self {
            check: CertificateCheck::Nothing,
            roots: None,
            revocation_lists: Vec::new(),
            revocation_folder: None,
            identity: None,
            demands_request: false,
            names_host: true,
            versions: (TlsVersion::Tls12, TlsVersion::Tls13),
            protocol: None,
        }
    }
}

/// The authorities that are trusted to sign a server's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RootCertificate {
    /// Those in this PEM file.
    File(PathBuf),
    /// Those that the system trusts (`sslrootcert=system`). `SSL_CERT_FILE` and `SSL_CERT_DIR` name
    /// others, as with OpenSSL.
    System,
}

impl fmt::Display for RootCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "\"{}\"", path.display()),
            Self::System => f.write_str("the system's authorities"),
        }
    }
}

/// A client's certificate and its key, by their files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityFiles {
    /// The certificate, and after it those of the authorities up to a root.
    pub certificate: PathBuf,
    /// The key.
    pub key: PathBuf,
}
