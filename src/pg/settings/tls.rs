//! How the connection is secured, and with what the server's certificate is checked.

use std::fmt;
use std::path::PathBuf;

use super::environment::{Environment, PathKind};
use super::error::SettingsError;
use super::layers::Layers;
use super::values::choice;
use super::warning::Warning;

/// libpq's `sslmode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum SslMode {
    /// No TLS.
    Disable,
    /// libpq tries without TLS first; pgchaos does as with [`SslMode::Prefer`], which is never less secure.
    Allow,
    /// TLS when the server offers it.
    #[default]
    Prefer,
    /// TLS or nothing. When a root certificate is there, the server's must come from it, as in libpq.
    Require,
    /// TLS, and the certificate must come from a trusted authority.
    VerifyCa,
    /// As `VerifyCa`, and the certificate must be for this host.
    VerifyFull,
}

const SSL_MODES: [(&str, SslMode); 6] = [
    ("disable", SslMode::Disable),
    ("allow", SslMode::Allow),
    ("prefer", SslMode::Prefer),
    ("require", SslMode::Require),
    ("verify-ca", SslMode::VerifyCa),
    ("verify-full", SslMode::VerifyFull),
];

impl SslMode {
    /// As it is written in a connection string.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Allow => "allow",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

impl fmt::Display for SslMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The authorities that are trusted to sign the server's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RootCertificate {
    /// The authorities in this PEM file, which existed when the settings were resolved.
    File(PathBuf),
    /// The authorities that the system trusts (`sslrootcert=system`).
    System,
}

/// What must be checked of the server's certificate, should TLS be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateCheck {
    /// Nothing: encryption against listeners only.
    Nothing,
    /// That a trusted authority signed it.
    Authority,
    /// That, and that it is for the host's name.
    AuthorityAndName,
}

impl CertificateCheck {
    /// libpq's rule: a root certificate that is there is used, whatever the mode.
    pub(super) fn of(mode: SslMode, root: Option<&RootCertificate>) -> Self {
        match (mode, root) {
            (SslMode::VerifyFull, _) => Self::AuthorityAndName,
            (SslMode::VerifyCa, _) | (_, Some(_)) => Self::Authority,
            (_, None) => Self::Nothing,
        }
    }
}

/// The mode and, where TLS is possible at all, the root certificate; a file that is missing is an error where the mode
/// needs it.
pub(super) fn read(
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
    warn_of_allow(layers, mode, warnings);
    let named = layers.get("sslrootcert").map(|said| PathBuf::from(&said.value));
    let is_named = named.is_some();
    let Some(file) = named.or_else(|| default_file(environment)) else {
        return without_root(mode, None);
    };
    if environment.look(&file) != PathKind::Nothing {
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

fn warn_of_allow(layers: &Layers, mode: SslMode, warnings: &mut Vec<Warning>) {
    if let (SslMode::Allow, Some(said)) = (mode, layers.get("sslmode")) {
        warnings.push(Warning::Ignored {
            keyword: "sslmode=allow",
            origin: said.origin.clone(),
            why: "pgchaos does as with sslmode=prefer: TLS when the server offers it",
        });
    }
}

fn default_file(environment: &Environment) -> Option<PathBuf> {
    let folder = environment.user_folder()?;
    let folder = if cfg!(windows) { folder } else { folder.join(".postgresql") };
    Some(folder.join("root.crt"))
}
