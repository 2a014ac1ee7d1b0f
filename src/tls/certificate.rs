//! A certificate, read: its names, its issuer, its dates, and how it was signed.
//!
//! rustls tells none of them; people need them to see what is wrong.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use tokio_rustls::rustls::pki_types::UnixTime;
use x509_cert::Certificate as X509;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode, Encode, Reader, SliceReader};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use crate::model::foreign::name;

/// `id-ce-nameConstraints`.
const NAME_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.30");

/// How many names are shown.
const NAMES_SHOWN: usize = 6;

/// What a certificate says. Its names are as they came: [`Certificate::words`] is for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Certificate {
    pub(super) dns_names: Vec<String>,
    pub(super) addresses: Vec<IpAddr>,
    /// None where the other names are there and cannot be read: then they might be those that count.
    pub(super) common_name: Option<String>,
    /// Of an authority: it may sign for some names only.
    pub(super) limits_names: bool,
    issuer: String,
    /// Whether it has signed itself, by its names.
    pub(super) is_self_signed: bool,
    not_before: DateTime<Utc>,
    not_after: DateTime<Utc>,
    /// The algorithm of its signature, and the digest that RSA-PSS names beside it.
    pub(super) signature: SignatureAlgorithm,
    /// Its public key: `SubjectPublicKeyInfo` in DER.
    pub(super) public_key: Vec<u8>,
}

/// How a certificate was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SignatureAlgorithm {
    pub(super) oid: String,
    /// The digest in the parameters of RSA-PSS.
    pub(super) pss_digest: Option<String>,
}

impl Certificate {
    /// Reads one; `None` where it is none.
    pub(super) fn read(der: &[u8]) -> Option<Self> {
        let x509 = X509::from_der(der).ok()?;
        let tbs = x509.tbs_certificate();
        let names = tbs.get_extension::<SubjectAltName>();
        let can_be_read = names.is_ok();
        let names = names.ok().flatten().map(|(_, names)| names.0).unwrap_or_default();
        let validity = tbs.validity();
        let when = |time: x509_cert::time::Time| DateTime::<Utc>::from(time.to_system_time());
        let common_name = tbs.subject().common_name().ok().flatten().filter(|_| can_be_read);
        let mut extensions = tbs.extensions().into_iter().flatten();
        Some(Self {
            dns_names: names.iter().filter_map(dns_name).collect(),
            addresses: names.iter().filter_map(address).collect(),
            common_name: common_name.map(|name| name.value().into_owned()),
            limits_names: extensions.any(|one| one.extn_id == NAME_CONSTRAINTS),
            issuer: tbs.issuer().to_string(),
            is_self_signed: tbs.issuer() == tbs.subject(),
            not_before: when(validity.not_before),
            not_after: when(validity.not_after),
            signature: SignatureAlgorithm::of(&x509),
            public_key: tbs.subject_public_key_info().to_der().ok()?,
        })
    }

    /// The names that it is for, as they are shown: the common name only where there is no other.
    pub(super) fn names(&self) -> String {
        let common_name = self.common_name.iter().map(|name| format!("{name} (its common name)"));
        let names: Vec<String> = self
            .dns_names
            .iter()
            .cloned()
            .chain(self.addresses.iter().map(IpAddr::to_string))
            .collect();
        let names = if names.is_empty() { common_name.collect() } else { names };
        let more = names.len().saturating_sub(NAMES_SHOWN);
        let shown = names.iter().take(NAMES_SHOWN).map(|one| name(one)).collect::<Vec<_>>();
        match (shown.is_empty(), more) {
            (true, _) => "no name".to_owned(),
            (false, 0) => shown.join(", "),
            (false, more) => format!("{} and {more} more", shown.join(", ")),
        }
    }

    /// Whether its dates include this time.
    pub(super) fn is_valid_at(&self, now: UnixTime) -> bool {
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        (self.not_before.timestamp()..=self.not_after.timestamp()).contains(&now)
    }

    /// All of it that helps to find what is wrong: `it is for a, b, issued by CN=x, valid from 2026-01-01 to
    /// 2027-01-01`.
    pub(super) fn words(&self) -> String {
        format!("it is for {}, {}", self.names(), self.words_of_origin())
    }

    /// The same without its names.
    pub(super) fn words_of_origin(&self) -> String {
        let day = |time: DateTime<Utc>| time.format("%Y-%m-%d");
        format!(
            "issued by {}, valid from {} to {}",
            name(&self.issuer),
            day(self.not_before),
            day(self.not_after)
        )
    }
}

impl SignatureAlgorithm {
    fn of(x509: &X509) -> Self {
        let algorithm = x509.signature_algorithm();
        let parameters = algorithm.parameters.as_ref().and_then(|any| any.to_der().ok());
        let pss_digest = parameters.as_deref().and_then(pss_digest);
        Self { oid: algorithm.oid.to_string(), pss_digest }
    }
}

fn dns_name(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(name.as_str().to_owned()),
        _ => None,
    }
}

fn address(name: &GeneralName) -> Option<IpAddr> {
    let GeneralName::IpAddress(bytes) = name else { return None };
    let bytes = bytes.as_bytes();
    let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

/// `hashAlgorithm [0] AlgorithmIdentifier` of the parameters of RSA-PSS: a sequence that begins with
/// it. Left out, it is SHA-1.
fn pss_digest(parameters: &[u8]) -> Option<String> {
    let mut reader = SliceReader::new(parameters).ok()?;
    reader
        .sequence(|fields: &mut SliceReader<'_>| -> x509_cert::der::Result<Option<String>> {
            let tagged = fields.context_specific::<x509_cert::spki::AlgorithmIdentifierOwned>(
                x509_cert::der::TagNumber(0),
                x509_cert::der::TagMode::Explicit,
            )?;
            while !fields.is_finished() {
                fields.tlv_bytes()?;
            }
            Ok(tagged.map(|algorithm: x509_cert::spki::AlgorithmIdentifierOwned| {
                ObjectIdentifier::to_string(&algorithm.oid)
            }))
        })
        .ok()
        .flatten()
}

impl SignatureAlgorithm {
    /// The old ones by their names, after a space and in brackets; others say nothing to people.
    pub(super) fn name(&self) -> &'static str {
        match self.oid.as_str() {
            "1.2.840.113549.1.1.4" => " (MD5)",
            "1.2.840.113549.1.1.5" | "1.2.840.10045.4.1" => " (SHA-1)",
            _ => "",
        }
    }
}
