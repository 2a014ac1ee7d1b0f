//! What the files come to, read again once one of them has changed: certificates expire and are replaced while a run
//! goes on, and libpq reads its files for every connection.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;
use tokio_rustls::rustls::client::ClientConfig;

use super::error::TlsError;
use super::files::{Disk, FileStamp, Files};
use super::settings::{RootCertificate, TlsSettings};

/// What makes a configuration of settings and the files that they name.
pub(super) type Read = fn(&TlsSettings, &dyn Files) -> Result<ClientConfig, TlsError>;

/// The configuration by the files as they are now.
///
/// Files are read once for each change, however many connects wait for it, and off the threads that sessions wait on.
pub(super) struct CurrentFiles {
    settings: Arc<TlsSettings>,
    read: Read,
    latest: Mutex<Latest>,
}

struct Latest {
    /// None in a world where files do not change.
    stamps: Option<Stamps>,
    config: Arc<OnceCell<ConfigOrReason>>,
}

type Stamps = Vec<Option<FileStamp>>;

/// Or why the files cannot be used as they are now, in words.
type ConfigOrReason = Result<Arc<ClientConfig>, String>;

/// Why nothing is known of the files: an error that may pass, and is not kept.
#[derive(Debug)]
pub(super) struct NotRead {
    pub(super) words: String,
    /// The system's number of the error.
    pub(super) errno: Option<i32>,
}

impl CurrentFiles {
    /// Reads them for the first time.
    pub(super) fn new(
        settings: Arc<TlsSettings>,
        files: &dyn Files,
        read: Read,
    ) -> Result<Self, TlsError> {
        // Before the reading: what changes meanwhile is seen as a change.
        let stamps = files.on_disk().map(|disk| stamps(&settings, disk));
        let config = Arc::new(read(&settings, files)?);
        let latest = Latest { stamps, config: Arc::new(OnceCell::new_with(Some(Ok(config)))) };
        Ok(Self { settings, read, latest: Mutex::new(latest) })
    }

    /// By the files as they are now.
    pub(super) async fn config(&self) -> Result<ConfigOrReason, NotRead> {
        let cell = self.latest_cell();
        let read = || async {
            let (settings, read) = (Arc::clone(&self.settings), self.read);
            let reading = tokio::task::spawn_blocking(move || read(&settings, &Disk));
            match reading.await {
                Ok(Ok(config)) => Ok(Ok(Arc::new(config))),
                Ok(Err(error)) => match error.passing().map(io::Error::raw_os_error) {
                    Some(errno) => Err(NotRead { words: error.to_string(), errno }),
                    None => Ok(Err(error.to_string())),
                },
                Err(error) => Err(NotRead { words: error.to_string(), errno: None }),
            }
        };
        cell.get_or_try_init(read).await.cloned()
    }

    fn latest_cell(&self) -> Arc<OnceCell<ConfigOrReason>> {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.stamps.is_some() {
            let now = Some(stamps(&self.settings, Disk));
            if now != latest.stamps {
                *latest = Latest { stamps: now, config: Arc::default() };
            }
        }
        Arc::clone(&latest.config)
    }
}

impl fmt::Debug for CurrentFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CurrentFiles").finish_non_exhaustive()
    }
}

/// Those of every file that the settings name. A file that comes or goes in a folder changes the folder.
fn stamps(settings: &TlsSettings, disk: Disk) -> Stamps {
    let TlsSettings { roots, revocation_lists, revocation_folder, identity, .. } = settings;
    let root = roots.iter().filter_map(|root| match root {
        RootCertificate::File(path) => Some(path),
        RootCertificate::System => None,
    });
    let identity = identity.iter().flat_map(|files| [&files.certificate, &files.key]);
    let listed = revocation_folder.iter().flat_map(|folder| disk.list(folder).unwrap_or_default());
    let listed: Vec<PathBuf> = listed.collect();
    let named = root.chain(identity).chain(revocation_lists).chain(revocation_folder);
    named.chain(&listed).map(|path| disk.stamp(path)).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use tokio_rustls::rustls::RootCertStore;
    use tokio_rustls::rustls::crypto::ring;

    use super::*;
    use crate::tls::error::FileUse;

    /// Of Linux, and of every Unix.
    const EMFILE: i32 = 24;

    static TIMES_READ: AtomicUsize = AtomicUsize::new(0);

    fn count(settings: &TlsSettings, files: &dyn Files) -> Result<ClientConfig, TlsError> {
        TIMES_READ.fetch_add(1, Ordering::Relaxed);
        trust_nothing(settings, files)
    }

    #[expect(clippy::unnecessary_wraps, reason = "as the real one")]
    fn trust_nothing(_: &TlsSettings, _: &dyn Files) -> Result<ClientConfig, TlsError> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap();
        Ok(config.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
    }

    static LIMIT_IS_REACHED: AtomicBool = AtomicBool::new(false);

    fn read_within_a_limit(
        settings: &TlsSettings,
        files: &dyn Files,
    ) -> Result<ClientConfig, TlsError> {
        if !LIMIT_IS_REACHED.load(Ordering::Relaxed) {
            return trust_nothing(settings, files);
        }
        let reason = io::Error::from_raw_os_error(EMFILE);
        Err(TlsError::Unreadable {
            what: FileUse::RootCertificate,
            path: "root.crt".into(),
            reason,
        })
    }

    #[tokio::test]
    async fn an_error_that_passes_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root.crt");
        std::fs::write(&root, "one\n").unwrap();
        let roots = Some(RootCertificate::File(root.clone()));
        let settings = Arc::new(TlsSettings { roots, ..TlsSettings::default() });
        let files = CurrentFiles::new(settings, &Disk, read_within_a_limit).unwrap();
        std::fs::write(&root, "another\n").unwrap();
        LIMIT_IS_REACHED.store(true, Ordering::Relaxed);
        let not_read = files.config().await.unwrap_err();
        assert_eq!(not_read.errno, Some(EMFILE));
        assert!(not_read.words.starts_with("root certificate \"root.crt\" cannot be read: "));
        LIMIT_IS_REACHED.store(false, Ordering::Relaxed);
        assert!(files.config().await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn a_thousand_connects_read_a_change_once() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root.crt");
        std::fs::write(&root, "one\n").unwrap();
        let roots = Some(RootCertificate::File(root.clone()));
        let settings = Arc::new(TlsSettings { roots, ..TlsSettings::default() });
        let files = CurrentFiles::new(settings, &Disk, count).unwrap();
        for (content, reads) in [(None, 1), (Some("another\n"), 2), (Some("garbage\n\n"), 3)] {
            if let Some(content) = content {
                std::fs::write(&root, content).unwrap();
            }
            let all = (0..1000).map(|_| files.config());
            futures_util::future::join_all(all).await;
            assert_eq!(TIMES_READ.load(Ordering::Relaxed), reads);
        }
    }
}
