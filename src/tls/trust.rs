//! What is trusted: root certificates, and lists of what was revoked.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, CertificateRevocationListDer, TrustAnchor};

use webpki::BorrowedCertRevocationList;

use super::certificate::Certificate;
use super::error::{FileUse, TlsError};
use super::files::Files;
use super::settings::{RootCertificate, TlsSettings};
use crate::model::foreign::said;

/// What is trusted. As for OpenSSL, on which libpq rests, a chain ends in a certificate that has signed itself; the others
/// of a file may stand between.
#[derive(Debug)]
pub(super) struct Roots {
    pub(super) anchors: Vec<Anchor>,
    pub(super) between: Vec<CertificateDer<'static>>,
}

/// A certificate in which a chain may end.
#[derive(Debug)]
pub(super) struct Anchor {
    /// As it is in the file: it may be a server's own.
    pub(super) der: CertificateDer<'static>,
    anchor: TrustAnchor<'static>,
    /// webpki does not look at its dates.
    pub(super) certificate: Certificate,
}

impl Roots {
    pub(super) fn read(root: &RootCertificate, files: &dyn Files) -> Result<Self, TlsError> {
        match root {
            RootCertificate::File(path) => Self::of_file(path, files),
            RootCertificate::System => Self::of_system(),
        }
    }

    fn of_file(path: &Path, files: &dyn Files) -> Result<Self, TlsError> {
        let roots = Self::of(certificates(FileUse::RootCertificate, path, files)?);
        let flaw = match (roots.anchors.is_empty(), roots.between.is_empty()) {
            (false, _) => return Ok(roots),
            (true, true) => "has no certificate that can be an authority",
            (true, false) => {
                "has no certificate that has signed itself: that of the topmost authority belongs in it"
            }
        };
        let (what, flaw) = (FileUse::RootCertificate, flaw.to_owned());
        Err(TlsError::Useless { what, path: path.to_owned(), flaw })
    }

    fn of_system() -> Result<Self, TlsError> {
        let found = rustls_native_certs::load_native_certs();
        let roots = Self::of(found.certs);
        if roots.anchors.is_empty() {
            let reasons =
                found.errors.iter().map(|error| format!(": {}", said(&error.to_string())));
            return Err(TlsError::NoSystemRoots { reasons: reasons.collect() });
        }
        Ok(roots)
    }

    /// What cannot be parsed is neither: among the system's many it must not keep the others from being trusted.
    fn of(certificates: Vec<CertificateDer<'static>>) -> Self {
        let mut roots = Self { anchors: Vec::new(), between: Vec::new() };
        for der in certificates {
            let Some(certificate) = Certificate::read(&der) else { continue };
            let anchor = webpki::anchor_from_trusted_cert(&der).map(|anchor| anchor.to_owned());
            match anchor {
                Ok(anchor) if certificate.is_self_signed => {
                    roots.anchors.push(Anchor { der, anchor, certificate });
                }
                Ok(_) => roots.between.push(der),
                Err(_) => {}
            }
        }
        roots
    }
}

/// These anchors as rustls takes them.
pub(super) fn store<'a>(anchors: impl IntoIterator<Item = &'a Anchor>) -> RootCertStore {
    RootCertStore { roots: anchors.into_iter().map(|one| one.anchor.clone()).collect() }
}

/// The certificates of a PEM file, at least one; text between them is skipped.
pub(super) fn certificates(
    what: FileUse,
    path: &Path,
    files: &dyn Files,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let content = read(what, path, files)?;
    let text = String::from_utf8_lossy(&content);
    // The label of old, which OpenSSL still reads.
    let text = text.replace("-----BEGIN X509 CERTIFICATE-----", "-----BEGIN CERTIFICATE-----");
    let text = text.replace("-----END X509 CERTIFICATE-----", "-----END CERTIFICATE-----");
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    let flaw = match found {
        Ok(found) if !found.is_empty() => return Ok(found),
        Ok(_) if text.contains("-----BEGIN TRUSTED CERTIFICATE-----") => {
            "has a certificate in OpenSSL's own form (BEGIN TRUSTED CERTIFICATE): openssl x509 -in FILE -out PLAIN-FILE \
             writes it in the usual one"
                .to_owned()
        }
        Ok(_) => "has no certificate in PEM form (BEGIN CERTIFICATE)".to_owned(),
        Err(error) => flaw_of_pem(&error),
    };
    Err(TlsError::Useless { what, path: path.to_owned(), flaw })
}

/// What is wrong with a PEM file. The library's own words quote a line of it, which in a file without line
/// breaks is the whole key.
pub(super) fn flaw_of_pem(error: &pem::Error) -> String {
    let why = match error {
        pem::Error::MissingSectionEnd { .. } | pem::Error::IllegalSectionStart { .. } => {
            "a BEGIN or END is not on a line of its own, or there is a BEGIN without its END"
        }
        pem::Error::Base64Decode(_) => "what is between BEGIN and END is no base64",
        _ => "its form is another",
    };
    format!("is no PEM file that can be read: {why}")
}

/// The revocation lists that these settings name, at least one in each file.
pub(super) fn revocation_lists(
    settings: &TlsSettings,
    files: &dyn Files,
) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsError> {
    let what = FileUse::RevocationList;
    let mut paths = settings.revocation_lists.clone();
    if let Some(folder) = &settings.revocation_folder {
        paths.extend(listed(folder, files)?);
    }
    let mut lists = Vec::new();
    for path in &paths {
        let content = read(what, path, files)?;
        let found: Result<Vec<_>, _> =
            CertificateRevocationListDer::pem_slice_iter(&content).collect();
        let flaw = match found {
            Ok(found) if found.iter().any(|list| BorrowedCertRevocationList::from_der(list).is_err()) => {
                "has a list that is not used: not of version 2, or with what pgchaos does not know (openssl ca makes version 2 \
                 where its configuration has crlnumber)"
                    .to_owned()
            }
            Ok(found) if !found.is_empty() => {
                lists.extend(found);
                continue;
            }
            Ok(_) => "has no list in PEM form (BEGIN X509 CRL)".to_owned(),
            Err(error) => flaw_of_pem(&error),
        };
        return Err(TlsError::Useless { what, path: path.clone(), flaw });
    }
    Ok(lists)
}

/// The lists of a folder, as OpenSSL knows them there: by the hash of their issuer's name. Other files, such as a README,
/// are none of its business. Without a list nothing would be checked, which is not what was asked for.
fn listed(folder: &Path, files: &dyn Files) -> Result<Vec<PathBuf>, TlsError> {
    let what = FileUse::RevocationList;
    let path = folder.to_owned();
    let mut found = match files.list(folder) {
        Ok(found) => found,
        Err(reason) => return Err(TlsError::Unreadable { what, path, reason }),
    };
    found.retain(|path| is_named_by_hash(path));
    if found.is_empty() {
        let flaw = "is a folder without a list that is named by the hash of its issuer (HASH.r0): openssl rehash FOLDER \
                    names them so"
            .to_owned();
        return Err(TlsError::Useless { what, path, flaw });
    }
    Ok(found)
}

/// `0123abcd.r0`, with any number.
fn is_named_by_hash(path: &Path) -> bool {
    let name = path.file_name().and_then(OsStr::to_str);
    let Some((hash, number)) = name.and_then(|name| name.split_once(".r")) else { return false };
    let is_hash = hash.len() == 8 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// The content of a plain file. To open a pipe waits for what writes into it, perhaps for ever.
pub(super) fn read(what: FileUse, path: &Path, files: &dyn Files) -> Result<Vec<u8>, TlsError> {
    let content = match files.access(path) {
        Ok(access) if !access.is_file => {
            let flaw = "is not a plain file".to_owned();
            return Err(TlsError::Useless { what, path: path.to_owned(), flaw });
        }
        Ok(_) => files.read(path),
        Err(reason) => Err(reason),
    };
    let content =
        content.map_err(|reason| TlsError::Unreadable { what, path: path.to_owned(), reason })?;
    // Editors of Windows begin a text so.
    let text = content.strip_prefix(b"\xef\xbb\xbf");
    Ok(text.map_or_else(|| content.clone(), <[u8]>::to_vec))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::files::Disk;

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_refused_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("root.crt");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        let error = read(FileUse::RootCertificate, &pipe, &Disk).unwrap_err().to_string();
        assert!(error.ends_with("is not a plain file"), "{error}");
    }
}
