//! Certificates of every kind, made by openssl.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::openssl;

/// A folder with an authority, and what it has signed.
pub(crate) struct Authority {
    folder: tempfile::TempDir,
}

/// What a certificate is made of.
#[derive(Clone, Copy)]
pub(crate) struct Made {
    /// `-newkey` and what goes with it.
    pub(crate) key: &'static str,
    /// The subject.
    pub(crate) subject: &'static str,
    /// The lines of its extensions; none makes X.509 version 1.
    pub(crate) extensions: &'static str,
    /// What else `openssl x509 -req` is told.
    pub(crate) signing: &'static str,
}

/// An ordinary one, for `localhost` and its address.
pub(crate) const GOOD: Made = Made {
    key: "ec:P-256",
    subject: "/CN=postgres",
    extensions: "subjectAltName=DNS:localhost,IP:127.0.0.1",
    signing: "-days 30",
};

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let made = Self { folder: tempfile::tempdir().unwrap() };
        let subject = format!("-subj /CN={name}");
        made.openssl(&format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes {subject} -days 60 -keyout ca.key -out ca.crt"
        ));
        made
    }

    pub(crate) fn openssl(&self, arguments: &str) {
        openssl(self.folder.path(), arguments);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The certificate of the authority itself.
    pub(crate) fn root(&self) -> PathBuf {
        self.path("ca.crt")
    }

    /// Signs a certificate: `NAME.key` and `NAME.crt`.
    pub(crate) fn sign(&self, name: &str, made: Made) -> (PathBuf, PathBuf) {
        let Made { key, subject, extensions, signing } = made;
        self.make_key(name, key);
        self.openssl(&format!("req -new -key {name}.key -subj {subject} -out {name}.csr"));
        let with = match extensions {
            "" => String::new(),
            lines => {
                fs::write(self.path(&format!("{name}.ext")), lines).unwrap();
                format!("-extfile {name}.ext")
            }
        };
        self.openssl(&format!(
            "x509 -req -in {name}.csr -CA ca.crt -CAkey ca.key -CAcreateserial {with} {signing} -out {name}.crt"
        ));
        (self.path(&format!("{name}.key")), self.path(&format!("{name}.crt")))
    }

    fn make_key(&self, name: &str, kind: &str) {
        let of = match kind.split_once(':') {
            Some(("ec", curve)) => format!("-algorithm EC -pkeyopt ec_paramgen_curve:{curve}"),
            Some((algorithm, bits)) => {
                format!("-algorithm {algorithm} -pkeyopt rsa_keygen_bits:{bits}")
            }
            None => format!("-algorithm {kind}"),
        };
        self.openssl(&format!("genpkey {of} -out {name}.key"));
    }

    /// A list of what the authority has revoked: this certificate, or none.
    pub(crate) fn revocation_list(&self, revoked: Option<&Path>) -> PathBuf {
        let configuration = "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ncrlnumber=crlnumber\ndefault_md=sha256\n\
                             default_crl_days=30\n";
        fs::write(self.path("ca.conf"), configuration).unwrap();
        fs::write(self.path("index.txt"), "").unwrap();
        fs::write(self.path("crlnumber"), "01\n").unwrap();
        let by = "-config ca.conf -cert ca.crt -keyfile ca.key";
        if let Some(revoked) = revoked {
            self.openssl(&format!("ca {by} -revoke {}", revoked.display()));
        }
        let name = if revoked.is_some() { "revoked.crl" } else { "none-revoked.crl" };
        self.openssl(&format!("ca {by} -gencrl -out {name}"));
        self.path(name)
    }
}
