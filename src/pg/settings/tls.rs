//! How the connection is secured, and with what the server's certificate is checked.

use std::path::PathBuf;

use tokio_postgres::config::SslNegotiation;

use super::default_files;
use super::environment::{Environment, PathKind};
use super::error::SettingsError;
use super::explicit::Explicit;
use super::layers::Layers;
use super::ssl_mode::SslMode;
use super::values::{choice, choice_in_any_case};
use super::warning::Warning;
use crate::tls::settings::{IdentityFiles, POSTGRESQL};
use crate::tls::{CertificateCheck, RootCertificate, TlsClient, TlsSettings, TlsVersion};

const SSL_MODES: [(&str, SslMode); 6] = [
    ("disable", SslMode::Disable),
    ("allow", SslMode::Allow),
    ("prefer", SslMode::Prefer),
    ("require", SslMode::Require),
    ("verify-ca", SslMode::VerifyCa),
    ("verify-full", SslMode::VerifyFull),
];

const NEGOTIATIONS: [(&str, SslNegotiation); 2] =
    [("postgres", SslNegotiation::Postgres), ("direct", SslNegotiation::Direct)];

/// pgchaos speaks no TLS before 1.2: as the lowest, it is 1.2.
const LOWEST: [(&str, TlsVersion); 4] = [
    ("TLSv1", TlsVersion::Tls12),
    ("TLSv1.1", TlsVersion::Tls12),
    ("TLSv1.2", TlsVersion::Tls12),
    ("TLSv1.3", TlsVersion::Tls13),
];
const HIGHEST: [(&str, TlsVersion); 2] =
    [("TLSv1.2", TlsVersion::Tls12), ("TLSv1.3", TlsVersion::Tls13)];

/// How a connection is secured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Security {
    /// How much TLS. Unix sockets never use it, as in libpq.
    pub sslmode: SslMode,
    /// How TLS begins.
    pub negotiation: SslNegotiation,
    /// What speaks TLS; `None` where the mode is `disable`, no host is reached by TCP, or a default file
    /// cannot be used and the mode does without TLS.
    pub client: Option<TlsClient>,
}

/// Reads how the connection is secured, and every file that this needs, so that what is wrong with one is
/// an error before any connect.
///
/// A file that a mode cannot do without must be there. One of libpq's default files counts where it is there:
/// `default_files.rs` has what happens where it cannot be used.
pub(super) fn read(
    layers: &Layers,
    is_needed: bool,
    environment: &Environment,
    warnings: &mut Vec<Warning>,
) -> Result<Security, SettingsError> {
    let (sslmode, roots) = mode_and_roots(layers, is_needed, environment, warnings)?;
    let negotiation = negotiation(layers, sslmode)?;
    let settings = TlsSettings {
        check: sslmode.check(roots.as_ref()),
        // As libpq has it: what does not begin with 1 is no.
        names_host: layers.get_even_empty("sslsni").is_none_or(|said| said.value.starts_with('1')),
        versions: versions(layers)?,
        protocol: Some(POSTGRESQL),
        ..TlsSettings::default()
    };
    let certificate_mode = certificate_mode(layers)?;
    let demands_request = certificate_mode == CertificateMode::Require;
    if sslmode == SslMode::Disable || !is_needed {
        return match demands_request {
            true => Err(SettingsError::Contradiction(
                "sslcertmode=require needs TLS, which sslmode=disable and Unix sockets are without",
            )),
            false => Ok(Security { sslmode, negotiation, client: None }),
        };
    }
    let identity = match certificate_mode {
        CertificateMode::Disable => None,
        _ => identity(layers, environment, warnings)?,
    };
    if demands_request && identity.is_none() {
        return Err(SettingsError::Contradiction(
            "sslcertmode=require needs a client certificate, and there is none: name one with sslcert and sslkey \
             (PGSSLCERT, PGSSLKEY)",
        ));
    }
    let (revocation_lists, revocation_folder) =
        revocation_lists(layers, environment, roots.as_ref(), warnings);
    let settings = TlsSettings {
        roots,
        identity,
        demands_request,
        revocation_lists,
        revocation_folder,
        ..settings
    };
    let client = default_files::client(&settings, sslmode, layers, environment, warnings)?;
    Ok(Security { sslmode, negotiation, client })
}

/// What asks APIs by https for the user of this connection: by the same root certificate, revocation
/// lists and client certificate. Without a root certificate the system's authorities are trusted. An
/// API has to be the one that its URL names, whatever `sslmode` says: nothing else speaks for it.
///
/// # Errors
/// As [`resolve`](super::resolve) has them.
pub fn https_client(
    explicit: &Explicit,
    environment: &Environment,
) -> Result<TlsClient, SettingsError> {
    let layers = Layers::gather(explicit, environment)?;
    let named = layers.get("sslrootcert").map(|said| said.value.clone());
    let default = || default_file(environment, "root.crt");
    let roots = match named.as_deref() {
        Some("system") => RootCertificate::System,
        Some(file) => RootCertificate::File(file.into()),
        None => default()
            .filter(|file| !environment.is_missing(file))
            .map_or(RootCertificate::System, RootCertificate::File),
    };
    // The connection's own settings warn of what is missing.
    let mut warned = Vec::new();
    let identity = match certificate_mode(&layers)? {
        CertificateMode::Disable => None,
        _ => identity(&layers, environment, &mut warned)?,
    };
    let (revocation_lists, revocation_folder) =
        revocation_lists(&layers, environment, Some(&roots), &mut warned);
    let settings = TlsSettings {
        check: CertificateCheck::AuthorityAndName,
        roots: Some(roots),
        revocation_lists,
        revocation_folder,
        identity,
        versions: versions(&layers)?,
        ..TlsSettings::default()
    };
    default_files::demanded_client(settings, &layers, environment)
}

/// libpq's `sslcertmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CertificateMode {
    /// No client certificate is sent.
    Disable,
    /// One is sent where there is one and the server asks for it.
    Allow,
    /// One is sent, or there is no session.
    Require,
}

fn certificate_mode(layers: &Layers) -> Result<CertificateMode, SettingsError> {
    let modes = [
        ("disable", CertificateMode::Disable),
        ("allow", CertificateMode::Allow),
        ("require", CertificateMode::Require),
    ];
    Ok(choice(layers, "sslcertmode", &modes)?.unwrap_or(CertificateMode::Allow))
}

/// Direct negotiation needs a mode that demands TLS, as in libpq.
fn negotiation(layers: &Layers, sslmode: SslMode) -> Result<SslNegotiation, SettingsError> {
    let negotiation =
        choice(layers, "sslnegotiation", &NEGOTIATIONS)?.unwrap_or(SslNegotiation::Postgres);
    if negotiation == SslNegotiation::Direct && sslmode < SslMode::Require {
        return Err(SettingsError::Contradiction(
            "sslnegotiation=direct needs sslmode=require, verify-ca or verify-full",
        ));
    }
    Ok(negotiation)
}

fn versions(layers: &Layers) -> Result<(TlsVersion, TlsVersion), SettingsError> {
    let min = choice_in_any_case(layers, "ssl_min_protocol_version", &LOWEST)?;
    let max = choice_in_any_case(layers, "ssl_max_protocol_version", &HIGHEST)?;
    Ok((min.unwrap_or(TlsVersion::Tls12), max.unwrap_or(TlsVersion::Tls13)))
}

/// The mode and, where TLS is possible at all, the root certificate.
fn mode_and_roots(
    layers: &Layers,
    is_needed: bool,
    environment: &Environment,
    warnings: &mut Vec<Warning>,
) -> Result<(SslMode, Option<RootCertificate>), SettingsError> {
    let said = choice(layers, "sslmode", &SSL_MODES)?;
    if layers.get("sslrootcert").is_some_and(|root| root.value == "system") {
        return with_system_roots(said.unwrap_or(SslMode::VerifyFull));
    }
    let mode = said.unwrap_or_default();
    if mode == SslMode::Disable || !is_needed {
        return Ok((mode, None));
    }
    let named = layers.get("sslrootcert").map(|said| PathBuf::from(&said.value));
    let is_named = named.is_some();
    let Some(file) = named.or_else(|| default_file(environment, "root.crt")) else {
        return without_root(mode, None);
    };
    // As for libpq, one that cannot be looked at counts as missing where a mode can do without: where it cannot, its
    // reading tells why.
    let is_there = match mode < SslMode::VerifyCa {
        true => environment.look(&file) != PathKind::Nothing,
        false => !environment.is_missing(&file),
    };
    if is_there {
        return Ok((mode, Some(RootCertificate::File(file))));
    }
    if is_named && mode < SslMode::VerifyCa {
        warnings.push(Warning::RootCertificateMissing(file.clone()));
    }
    without_root(mode, Some(file))
}

fn with_system_roots(mode: SslMode) -> Result<(SslMode, Option<RootCertificate>), SettingsError> {
    if mode == SslMode::VerifyFull {
        return Ok((mode, Some(RootCertificate::System)));
    }
    Err(SettingsError::Contradiction(
        "sslrootcert=system trusts every public authority, so that only sslmode=verify-full is safe with it: \
         use sslmode=verify-full, or name a root certificate file",
    ))
}

fn without_root(
    mode: SslMode,
    file: Option<PathBuf>,
) -> Result<(SslMode, Option<RootCertificate>), SettingsError> {
    if mode < SslMode::VerifyCa {
        return Ok((mode, None));
    }
    let sslmode = mode.name();
    Err(SettingsError::NoRootCertificate { sslmode, file })
}

/// The client's certificate, where it is there; its key then must be, by a name of its own or in the user's folder.
fn identity(
    layers: &Layers,
    environment: &Environment,
    warnings: &mut Vec<Warning>,
) -> Result<Option<IdentityFiles>, SettingsError> {
    let file = |keyword, default| {
        let named = layers.get(keyword).map(|said| PathBuf::from(&said.value));
        named.or_else(|| default_file(environment, default))
    };
    let Some(certificate) = file("sslcert", "postgresql.crt") else { return Ok(None) };
    if environment.is_missing(&certificate) {
        if layers.get("sslcert").is_some() {
            warnings.push(Warning::ClientCertificateMissing(certificate));
        }
        return Ok(None);
    }
    match file("sslkey", "postgresql.key") {
        Some(key) => Ok(Some(IdentityFiles { certificate, key })),
        None => Err(SettingsError::Contradiction(
            "sslcert names a client certificate, and nothing names its key: name it with sslkey (PGSSLKEY), as this user \
             has no home folder with a default one",
        )),
    }
}

/// Files and a folder. Lists that were named must be there; without a root certificate they say nothing.
fn revocation_lists(
    layers: &Layers,
    environment: &Environment,
    roots: Option<&RootCertificate>,
    warnings: &mut Vec<Warning>,
) -> (Vec<PathBuf>, Option<PathBuf>) {
    let (file, folder) = (layers.get("sslcrl"), layers.get("sslcrldir"));
    if roots.is_none() {
        for (keyword, said) in [("sslcrl", file), ("sslcrldir", folder)] {
            let ignored = said.map(|said| Warning::Ignored {
                keyword,
                origin: said.origin.clone(),
                why: "without a root certificate (sslrootcert) no certificate is verified",
            });
            warnings.extend(ignored);
        }
        return (Vec::new(), None);
    }
    let mut lists: Vec<PathBuf> = file.map(|said| PathBuf::from(&said.value)).into_iter().collect();
    if file.is_none() && folder.is_none() {
        let default = default_file(environment, "root.crl");
        lists.extend(default.filter(|file| !environment.is_missing(file)));
    }
    (lists, folder.map(|said| PathBuf::from(&said.value)))
}

fn default_file(environment: &Environment, name: &str) -> Option<PathBuf> {
    let folder = environment.user_folder()?;
    let folder = if cfg!(windows) { folder } else { folder.join(".postgresql") };
    Some(folder.join(name))
}
