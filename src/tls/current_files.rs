//! What the files come to, read again once one of them has changed: certificates expire and are replaced while a run
//! goes on, and libpq reads its files for every connection.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::{BoxFuture, FutureExt, Shared};
use tokio_rustls::rustls::client::ClientConfig;

use super::error::TlsError;
use super::files::{Disk, FileStamp, Files};
use super::settings::{RootCertificate, TlsSettings};

/// What makes a configuration of settings and the files that they name.
pub(super) type Read = fn(&TlsSettings, &dyn Files) -> Result<ClientConfig, TlsError>;

/// The configuration by the files as they are now.
///
/// Files are looked at off the threads that sessions wait on, and read once for each change, however many connects wait
/// for it. One look at a time: where the disk hangs, connects end by their deadlines, and one thread waits for it.
pub(super) struct CurrentFiles {
    files: Arc<LookedAt>,
    look: Mutex<Option<SharedLook>>,
}

/// What looks at the files, and what it found last.
struct LookedAt {
    settings: Arc<TlsSettings>,
    read: Read,
    latest: Mutex<Latest>,
}

struct Latest {
    /// None in a world where files do not change.
    stamps: Option<Stamps>,
    config: ConfigOrReason,
}

/// A look that has begun, for all connects that wait for it.
struct SharedLook {
    found: Shared<BoxFuture<'static, Found>>,
    /// Its thread has ended. What it found may be old by now.
    ended: Arc<AtomicBool>,
}

type Stamps = Vec<Option<FileStamp>>;

/// Or why the files cannot be used as they are now, in words.
type ConfigOrReason = Result<Arc<ClientConfig>, String>;

type Found = Result<ConfigOrReason, NotRead>;

/// Why nothing is known of the files: an error that may pass, and is not kept.
#[derive(Debug, Clone)]
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
        let config = Ok(Arc::new(read(&settings, files)?));
        let latest = Mutex::new(Latest { stamps, config });
        let files = Arc::new(LookedAt { settings, read, latest });
        Ok(Self { files, look: Mutex::new(None) })
    }

    /// By the files as they are now.
    pub(super) async fn config(&self) -> Found {
        if let Some(config) = self.files.fixed() {
            return Ok(config);
        }
        let found = self.look_now();
        found.await
    }

    /// The look that is under way, or a new one.
    fn look_now(&self) -> Shared<BoxFuture<'static, Found>> {
        let mut look = self.look.lock().unwrap_or_else(PoisonError::into_inner);
        match &*look {
            Some(look) if !look.ended.load(Ordering::Acquire) => look.found.clone(),
            _ => look.insert(SharedLook::begin(Arc::clone(&self.files))).found.clone(),
        }
    }
}

impl SharedLook {
    fn begin(files: Arc<LookedAt>) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let end = Ended(Arc::clone(&ended));
        let looking = tokio::task::spawn_blocking(move || {
            let _end = end;
            files.look()
        });
        let found = looking.map(|found| match found {
            Ok(found) => found,
            Err(error) => Err(NotRead { words: error.to_string(), errno: None }),
        });
        Self { found: found.boxed().shared(), ended }
    }
}

/// Says that a look has ended, however it did.
struct Ended(Arc<AtomicBool>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

impl LookedAt {
    /// Where files do not change, what they come to.
    fn fixed(&self) -> Option<ConfigOrReason> {
        let latest = self.latest();
        latest.stamps.is_none().then(|| latest.config.clone())
    }

    /// Waits for the disk.
    fn look(&self) -> Found {
        let now = Some(stamps(&self.settings, Disk));
        {
            let latest = self.latest();
            if latest.stamps == now {
                return Ok(latest.config.clone());
            }
        }
        let config = match (self.read)(&self.settings, &Disk) {
            Ok(config) => Ok(Arc::new(config)),
            Err(error) => match error.passing().map(io::Error::raw_os_error) {
                Some(errno) => return Err(NotRead { words: error.to_string(), errno }),
                None => Err(error.to_string()),
            },
        };
        *self.latest() = Latest { stamps: now, config: config.clone() };
        Ok(config)
    }

    fn latest(&self) -> MutexGuard<'_, Latest> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
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
    use std::sync::atomic::AtomicUsize;
    use std::time::Duration;

    use tokio_rustls::rustls::RootCertStore;
    use tokio_rustls::rustls::crypto::ring;

    use super::*;
    use crate::tls::error::FileUse;

    /// A root certificate on the disk, which was read once.
    struct WithRoot {
        _folder: tempfile::TempDir,
        root: PathBuf,
        files: CurrentFiles,
    }

    impl WithRoot {
        fn read_by(read: Read) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let root = folder.path().join("root.crt");
            std::fs::write(&root, "one\n").unwrap();
            let roots = Some(RootCertificate::File(root.clone()));
            let settings = Arc::new(TlsSettings { roots, ..TlsSettings::default() });
            let files = CurrentFiles::new(settings, &Disk, read).unwrap();
            Self { _folder: folder, root, files }
        }
    }

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
        let WithRoot { root, files, .. } = &WithRoot::read_by(read_within_a_limit);
        std::fs::write(root, "another\n").unwrap();
        LIMIT_IS_REACHED.store(true, Ordering::Relaxed);
        let not_read = files.config().await.unwrap_err();
        assert_eq!(not_read.errno, Some(EMFILE));
        assert!(not_read.words.starts_with("root certificate \"root.crt\" cannot be read: "));
        LIMIT_IS_REACHED.store(false, Ordering::Relaxed);
        assert!(files.config().await.unwrap().is_ok());
    }

    static DISK_HANGS: AtomicBool = AtomicBool::new(false);
    static WAITS_FOR_THE_DISK: AtomicUsize = AtomicUsize::new(0);

    fn read_from_a_disk_that_hangs(
        settings: &TlsSettings,
        files: &dyn Files,
    ) -> Result<ClientConfig, TlsError> {
        WAITS_FOR_THE_DISK.fetch_add(1, Ordering::SeqCst);
        while DISK_HANGS.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
        }
        trust_nothing(settings, files)
    }

    /// Each connect ends by its own deadline, and the threads that other work needs are not used up.
    #[tokio::test]
    async fn a_disk_that_hangs_holds_one_thread() {
        let WithRoot { root, files, .. } = &WithRoot::read_by(read_from_a_disk_that_hangs);
        std::fs::write(root, "another\n").unwrap();
        DISK_HANGS.store(true, Ordering::SeqCst);
        for _ in 0..20 {
            let connect = tokio::time::timeout(Duration::from_millis(5), files.config());
            assert!(connect.await.is_err(), "the disk hangs");
        }
        DISK_HANGS.store(false, Ordering::SeqCst);
        assert!(files.config().await.unwrap().is_ok());
        assert_eq!(
            WAITS_FOR_THE_DISK.load(Ordering::SeqCst),
            2,
            "once at the start, once for the change"
        );
    }

    fn panic_at_the_second_reading(
        settings: &TlsSettings,
        files: &dyn Files,
    ) -> Result<ClientConfig, TlsError> {
        static FIRST: AtomicBool = AtomicBool::new(true);
        static SECOND: AtomicBool = AtomicBool::new(true);
        let is_first = FIRST.swap(false, Ordering::SeqCst);
        assert!(is_first || !SECOND.swap(false, Ordering::SeqCst), "the second reading");
        trust_nothing(settings, files)
    }

    #[tokio::test]
    async fn a_look_that_ends_by_a_panic_is_not_the_last_one() {
        let WithRoot { root, files, .. } = &WithRoot::read_by(panic_at_the_second_reading);
        std::fs::write(root, "another\n").unwrap();
        assert!(files.config().await.is_err());
        assert!(files.config().await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn a_thousand_connects_read_a_change_once() {
        let WithRoot { root, files, .. } = &WithRoot::read_by(count);
        for (content, reads) in [(None, 1), (Some("another\n"), 2), (Some("garbage\n\n"), 3)] {
            if let Some(content) = content {
                std::fs::write(root, content).unwrap();
            }
            let all = (0..1000).map(|_| files.config());
            futures_util::future::join_all(all).await;
            assert_eq!(TIMES_READ.load(Ordering::Relaxed), reads);
        }
    }
}
