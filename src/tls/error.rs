//! Why TLS cannot be set up as it was asked for, in words for people.

use std::io;
use std::path::PathBuf;

use super::settings::TlsVersion;

/// Settings, or files that they name, that cannot be used. No message shows what is in a key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file that cannot be read.
    #[error("{what} \"{}\" cannot be read: {reason}", path.display())]
    Unreadable {
        /// What the file should be.
        what: FileUse,
        /// The file.
        path: PathBuf,
        /// The system's words.
        reason: io::Error,
    },
    /// A file without what it should have.
    #[error("{what} \"{}\" {flaw}", path.display())]
    Useless {
        /// What the file should be.
        what: FileUse,
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        flaw: String,
    },
    /// The system's authorities cannot be found.
    #[error("sslrootcert=system: this system has no trusted authorities that can be read{reasons}")]
    NoSystemRoots {
        /// What the search said, after a colon; empty where it said nothing.
        reasons: String,
    },
    /// A certificate without its key.
    #[error(
        "the client certificate \"{}\" is there, and its key \"{}\" is not: name it with sslkey (or PGSSLKEY)",
        certificate.display(),
        key.display()
    )]
    NoKey {
        /// The certificate.
        certificate: PathBuf,
        /// The key that was looked for.
        key: PathBuf,
    },
    /// A key that others may read.
    #[error(
        "private key \"{}\" has group or world access; permissions must be u=rw (0600) or less, or u=rw,g=r (0640) or \
         less where root owns it",
        path.display()
    )]
    KeyAccess {
        /// The key.
        path: PathBuf,
    },
    /// A key that is not the certificate's.
    #[error(
        "private key \"{}\" is not that of the client certificate \"{}\"",
        key.display(),
        certificate.display()
    )]
    NotItsKey {
        /// The certificate.
        certificate: PathBuf,
        /// The key.
        key: PathBuf,
    },
    /// No version is left.
    #[error("ssl_min_protocol_version {min} is above ssl_max_protocol_version {max}")]
    NoVersion {
        /// The lowest.
        min: TlsVersion,
        /// The highest.
        max: TlsVersion,
    },
    /// What rustls says of settings that nothing above has found.
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
}

impl TlsError {
    /// The system's error, where that may pass without a change of a file: no descriptor is left, the disk or the
    /// network has a fault. That a file is not there, or may not be read, is known by the file.
    pub(super) fn passing(&self) -> Option<&io::Error> {
        let Self::Unreadable { reason, .. } = self else { return None };
        let is_of_file = matches!(
            reason.kind(),
            io::ErrorKind::NotFound
                | io::ErrorKind::PermissionDenied
                | io::ErrorKind::NotADirectory
        );
        (!is_of_file && reason.raw_os_error().is_some()).then_some(reason)
    }

    /// What the file is for that cannot be used, if it is a file.
    #[must_use]
    pub fn concerns(&self) -> Option<FileUse> {
        match self {
            Self::Unreadable { what, .. } | Self::Useless { what, .. } => Some(*what),
            Self::NoKey { .. } | Self::KeyAccess { .. } | Self::NotItsKey { .. } => {
                Some(FileUse::PrivateKey)
            }
            Self::NoSystemRoots { .. } | Self::NoVersion { .. } | Self::Setup(_) => None,
        }
    }
}

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileUse {
    /// `sslrootcert`.
    RootCertificate,
    /// `sslcrl`, or a file in `sslcrldir`.
    RevocationList,
    /// `sslcert`.
    Certificate,
    /// `sslkey`.
    PrivateKey,
}

impl std::fmt::Display for FileUse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::RootCertificate => "root certificate",
            Self::RevocationList => "certificate revocation list",
            Self::Certificate => "client certificate",
            Self::PrivateKey => "private key",
        })
    }
}
