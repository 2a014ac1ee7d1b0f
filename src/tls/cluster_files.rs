//! The files of a cluster that has an authority of its own, as the lab and the Compose cluster have.

use std::path::{Path, PathBuf};

use super::client::TlsClient;
use super::error::TlsError;
use super::files::Disk;
use super::settings::{CertificateCheck, IdentityFiles, RootCertificate, TlsSettings};

/// What a client of such a cluster needs, all in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterFiles {
    /// The authority that signed every server's certificate: `sslrootcert`.
    pub authority: PathBuf,
    /// The client's own, signed by it too: `sslcert`.
    pub certificate: PathBuf,
    /// Its key: `sslkey`.
    pub key: PathBuf,
}

impl ClusterFiles {
    /// What speaks TLS with its servers, their names verified.
    ///
    /// # Errors
    /// When one of the files is of no use.
    pub fn client(&self) -> Result<TlsClient, TlsError> {
        let identity =
            IdentityFiles { certificate: self.certificate.clone(), key: self.key.clone() };
        let settings = TlsSettings {
            check: CertificateCheck::AuthorityAndName,
            roots: Some(RootCertificate::File(self.authority.clone())),
            identity: Some(identity),
            ..TlsSettings::default()
        };
        TlsClient::new(settings, &Disk)
    }

    /// The same for libpq, as keywords and their values.
    #[must_use]
    pub fn keywords(&self) -> [(&'static str, String); 4] {
        let file = |path: &Path| path.display().to_string();
        [
            ("sslmode", "verify-full".to_owned()),
            ("sslrootcert", file(&self.authority)),
            ("sslcert", file(&self.certificate)),
            ("sslkey", file(&self.key)),
        ]
    }

    /// The same as libpq's variables.
    #[must_use]
    pub fn variables(&self) -> [(String, String); 4] {
        self.keywords().map(|(keyword, value)| (format!("PG{}", keyword.to_uppercase()), value))
    }

    /// The same at the end of a URL.
    #[must_use]
    pub fn url_query(&self) -> String {
        let pairs =
            self.keywords().map(|(keyword, value)| format!("{keyword}={}", encoded(&value)));
        format!("?{}", pairs.join("&"))
    }
}

/// With percent signs where a URL could be read otherwise.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    let one = |byte: u8| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_holds_any_path() {
        let files = ClusterFiles {
            authority: "/a b/&ä/ca.crt".into(),
            certificate: "/c".into(),
            key: "/k".into(),
        };
        let expected =
            "?sslmode=verify-full&sslrootcert=/a%20b/%26%C3%A4/ca.crt&sslcert=/c&sslkey=/k";
        assert_eq!(files.url_query(), expected);
        assert_eq!(files.variables()[1], ("PGSSLROOTCERT".to_owned(), "/a b/&ä/ca.crt".to_owned()));
    }
}
