//! What a server may know this client by: a certificate, and the key that proves it.

use std::io;
use std::path::Path;

use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::error::{FileUse, TlsError};
use super::files::Files;
use super::settings::IdentityFiles;
use super::trust::{certificates, flaw_of_pem, read};

/// The certificates to send, and the key.
pub(super) struct ClientCertificate {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

impl ClientCertificate {
    pub(super) fn read(named: &IdentityFiles, files: &dyn Files) -> Result<Self, TlsError> {
        let chain = certificates(FileUse::Certificate, &named.certificate, files)?;
        check_access(named, files)?;
        let content = read(FileUse::PrivateKey, &named.key, files)?;
        Ok(Self { chain, key: key_of(&named.key, &content)? })
    }
}

/// libpq's rule: a key is a plain file that its owner alone may read; one of root's, its group too, as
/// the system's packages set such keys up.
fn check_access(named: &IdentityFiles, files: &dyn Files) -> Result<(), TlsError> {
    let IdentityFiles { certificate, key } = named;
    let what = FileUse::PrivateKey;
    let access = files.access(key).map_err(|reason| match reason.kind() {
        io::ErrorKind::NotFound => {
            TlsError::NoKey { certificate: certificate.clone(), key: key.clone() }
        }
        _ => TlsError::Unreadable { what, path: key.clone(), reason },
    })?;
    if !access.is_file {
        let flaw = "is not a plain file".to_owned();
        return Err(TlsError::Useless { what, path: key.clone(), flaw });
    }
    let forbidden = if access.owned_by_root { 0o037 } else { 0o077 };
    match access.mode {
        Some(mode) if mode & forbidden != 0 => Err(TlsError::KeyAccess { path: key.clone() }),
        _ => Ok(()),
    }
}

fn key_of(path: &Path, content: &[u8]) -> Result<PrivateKeyDer<'static>, TlsError> {
    let flaw = match PrivateKeyDer::from_pem_slice(content) {
        Ok(key) => return Ok(key),
        Err(_) if is_encrypted(content) => {
            "is encrypted, and pgchaos asks for no passphrase: write it out with openssl pkey -in KEY \
             -out PLAIN-KEY, and give that with sslkey"
                .to_owned()
        }
        // libpq takes DER, too, for a key.
        Err(pem::Error::NoItemsFound) => match PrivateKeyDer::try_from(content.to_vec()) {
            Ok(key) => return Ok(key),
            Err(_) => "has no key in PEM form (BEGIN PRIVATE KEY): openssl pkey -in KEY -out PEM-KEY writes one".to_owned(),
        },
        Err(error) => flaw_of_pem(&error),
    };
    Err(TlsError::Useless { what: FileUse::PrivateKey, path: path.to_owned(), flaw })
}

/// PKCS#8 says so in its label, the older forms in a line of their own.
fn is_encrypted(content: &[u8]) -> bool {
    let text = String::from_utf8_lossy(content);
    text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED")
}
