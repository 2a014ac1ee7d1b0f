//! The hash that binds a login to the server's certificate: `tls-server-end-point`, RFC 5929.
//!
//! It is made by the digest of the certificate's own signature; MD5 and SHA-1 give way to SHA-256. Where no
//! digest is defined, as for Ed25519's, the login is bound all the same, by SHA-256: a server that can bind
//! then refuses it. Without any hash the client would say that it cannot bind, which opens the way to a
//! program in the middle that chooses such a certificate.

use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::certificate::{Certificate, SignatureAlgorithm};

/// The hash of a certificate in DER.
#[must_use]
pub fn server_end_point(der: &[u8]) -> Vec<u8> {
    let digest = Certificate::read(der).and_then(|found| digest_of(&found.signature));
    match digest.unwrap_or(SignatureDigest::Sha256) {
        SignatureDigest::Sha224 => Sha224::digest(der).to_vec(),
        SignatureDigest::Sha256 => Sha256::digest(der).to_vec(),
        SignatureDigest::Sha384 => Sha384::digest(der).to_vec(),
        SignatureDigest::Sha512 => Sha512::digest(der).to_vec(),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SignatureDigest {
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

fn digest_of(signature: &SignatureAlgorithm) -> Option<SignatureDigest> {
    use SignatureDigest::{Sha224, Sha256, Sha384, Sha512};
    Some(match signature.oid.as_str() {
        // RSA with MD5 and SHA-1, and ECDSA with SHA-1.
        "1.2.840.113549.1.1.4" | "1.2.840.113549.1.1.5" | "1.2.840.10045.4.1" => Sha256,
        "1.2.840.113549.1.1.14" | "1.2.840.10045.4.3.1" => Sha224,
        "1.2.840.113549.1.1.11" | "1.2.840.10045.4.3.2" => Sha256,
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" => Sha384,
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" => Sha512,
        // RSA-PSS names its digest beside it; without one it is SHA-1.
        "1.2.840.113549.1.1.10" => match signature.pss_digest.as_deref() {
            Some("2.16.840.1.101.3.4.2.4") => Sha224,
            Some("2.16.840.1.101.3.4.2.2") => Sha384,
            Some("2.16.840.1.101.3.4.2.3") => Sha512,
            Some("2.16.840.1.101.3.4.2.1" | "1.3.14.3.2.26") | None => Sha256,
            Some(_) => return None,
        },
        _ => return None,
    })
}
