//! Whether a server asks for the client's certificate in one handshake, and whether it is sent one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio_rustls::rustls::SignatureScheme;
use tokio_rustls::rustls::client::{ClientConfig, ResolvesClientCert};
use tokio_rustls::rustls::sign::CertifiedKey;

/// What came of it so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestOutcome {
    /// The server asked for none.
    NotAsked,
    /// It asked, and there was none to send, or none of a kind that it takes.
    NoneSent,
    /// It got one.
    Sent,
}

/// The request in one handshake. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct CertificateRequest {
    asked: Arc<AtomicBool>,
    sent: Arc<AtomicBool>,
}

impl CertificateRequest {
    pub(super) fn outcome(&self) -> RequestOutcome {
        let (asked, sent) = (&self.asked, &self.sent);
        match (asked.load(Ordering::Relaxed), sent.load(Ordering::Relaxed)) {
            (false, _) => RequestOutcome::NotAsked,
            (true, false) => RequestOutcome::NoneSent,
            (true, true) => RequestOutcome::Sent,
        }
    }

    /// The same configuration for one handshake, which is noted here.
    pub(super) fn noted_by(&self, config: &ClientConfig) -> ClientConfig {
        let mut config = config.clone();
        let resolver = Arc::clone(&config.client_auth_cert_resolver);
        config.client_auth_cert_resolver =
            Arc::new(NotingResolver { resolver, request: self.clone() });
        config
    }
}

/// Chooses as the other does, and notes it.
#[derive(Debug)]
struct NotingResolver {
    resolver: Arc<dyn ResolvesClientCert>,
    request: CertificateRequest,
}

impl ResolvesClientCert for NotingResolver {
    fn resolve(
        &self,
        authorities: &[&[u8]],
        schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        let found = self.resolver.resolve(authorities, schemes);
        // A key that can sign in none of the ways that the server takes is not used.
        let is_sent =
            found.as_ref().is_some_and(|found| found.key.choose_scheme(schemes).is_some());
        self.request.asked.store(true, Ordering::Relaxed);
        self.request.sent.store(is_sent, Ordering::Relaxed);
        found
    }

    fn only_raw_public_keys(&self) -> bool {
        self.resolver.only_raw_public_keys()
    }

    fn has_certs(&self) -> bool {
        self.resolver.has_certs()
    }
}
