//! The files of the user's folder (`~/.postgresql`), which count where nothing else is named: what happens when one
//! cannot be used.
//!
//! libpq tells nothing of it and goes on without TLS, or without the revocation list, where the mode allows it. So does
//! pgchaos, in words. A file that was named has to be of use in every mode.

use super::environment::Environment;
use super::error::SettingsError;
use super::layers::Layers;
use super::ssl_mode::SslMode;
use super::warning::Warning;
use crate::tls::error::FileUse;
use crate::tls::{TlsClient, TlsError, TlsSettings};

/// What speaks TLS by these settings; `None` where it goes on without.
pub(super) fn client(
    settings: &TlsSettings,
    sslmode: SslMode,
    layers: &Layers,
    environment: &Environment,
    warnings: &mut Vec<Warning>,
) -> Result<Option<TlsClient>, SettingsError> {
    let error = match TlsClient::new(settings.clone(), environment) {
        Ok(client) => return Ok(Some(client)),
        Err(error) => error,
    };
    let Some(file) = default_file(&error, layers) else { return Err(error.into()) };
    if file == DefaultFile::RevocationList && sslmode < SslMode::VerifyCa {
        warnings.push(Warning::DefaultListUnusable(error.to_string()));
        let settings = TlsSettings { revocation_lists: Vec::new(), ..settings.clone() };
        return client(&settings, sslmode, layers, environment, warnings);
    }
    let way_out = file.way_out();
    if sslmode < SslMode::Require && !settings.demands_request {
        let error = error.to_string();
        warnings.push(Warning::WithoutTls { error, sslmode: sslmode.name(), way_out });
        return Ok(None);
    }
    Err(SettingsError::DefaultFile { error, way_out })
}

/// What speaks TLS where there is no doing without.
pub(super) fn demanded_client(
    settings: TlsSettings,
    layers: &Layers,
    environment: &Environment,
) -> Result<TlsClient, SettingsError> {
    TlsClient::new(settings, environment).map_err(|error| match default_file(&error, layers) {
        Some(file) => SettingsError::DefaultFile { error, way_out: file.way_out() },
        None => error.into(),
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DefaultFile {
    RootCertificate,
    RevocationList,
    /// The client's certificate or its key: one is of no use without the other.
    Identity,
}

impl DefaultFile {
    fn way_out(self) -> &'static str {
        match self {
            Self::RootCertificate => "name another with sslrootcert (PGSSLROOTCERT)",
            Self::RevocationList => {
                "remove it, or name another with sslcrl (PGSSLCRL); psql does without it, and says nothing"
            }
            Self::Identity => "send none with sslcertmode=disable (PGSSLCERTMODE)",
        }
    }

    fn is_named(self, layers: &Layers) -> bool {
        let keywords: &[&'static str] = match self {
            Self::RootCertificate => &["sslrootcert"],
            Self::RevocationList => &["sslcrl", "sslcrldir"],
            Self::Identity => &["sslcert", "sslkey"],
        };
        keywords.iter().any(|keyword| layers.get(keyword).is_some())
    }
}

/// The default file that the error is about, if it is about one.
fn default_file(error: &TlsError, layers: &Layers) -> Option<DefaultFile> {
    let file = match error.concerns()? {
        FileUse::RootCertificate => DefaultFile::RootCertificate,
        FileUse::RevocationList => DefaultFile::RevocationList,
        FileUse::Certificate | FileUse::PrivateKey => DefaultFile::Identity,
    };
    (!file.is_named(layers)).then_some(file)
}
