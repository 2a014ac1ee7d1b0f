//! TLS: what is trusted, what this client is known by, and a handshake, for sessions and APIs alike.
//!
//! rustls does the cryptography, with ring. What it does not do is here, as libpq has it: which checks
//! a certificate needs, and by which names it is known.
//!
//! - [`settings`]: how TLS is to be spoken. [`client`]: reads every file that they name
//!   ([`TlsClient::new`]), and does handshakes on any stream ([`TlsClient::handshake`]),
//!   which is a [`TlsClientStream`] then. `current_files`: reads them
//!   again once they have changed.
//! - `trust`: root certificates and revocation lists. `client_certificate`: the client's own, and its
//!   key; `certificate_request`: whether a server asks for it. [`files`]: where both are read from.
//! - `cluster_files`: the certificates of a cluster of one's own, as its clients have them.
//! - `verifier`: the checks of a server's certificate; `certificate` reads one; `host_name`: whether it
//!   is for a host.
//! - [`channel_binding`]: the hash that binds a login to a certificate.
//! - [`error`]: why the settings cannot be used. [`handshake_error`]: why a handshake failed, in words.

mod certificate;
mod certificate_request;
pub mod channel_binding;
pub mod client;
mod client_certificate;
mod client_stream;
mod cluster_files;
mod current_files;
pub mod error;
pub mod files;
pub mod handshake_error;
mod host_name;
pub mod settings;
mod trust;
mod verifier;

pub use certificate_request::RequestOutcome;
pub use client::{CurrentTls, TlsClient};
pub use client_stream::TlsClientStream;
pub use cluster_files::ClusterFiles;
pub use error::TlsError;
pub use settings::{CertificateCheck, IdentityFiles, RootCertificate, TlsSettings, TlsVersion};
