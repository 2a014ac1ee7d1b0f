//! TLS against real servers, with psql beside: who gets in with which certificate, and by which words others do not; a
//! program in the middle; a server that stops in the middle of a batch.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod support;

#[path = "tls/authority.rs"]
mod authority;
#[path = "tls/batch.rs"]
mod batch;
#[path = "tls/broken_handshakes.rs"]
mod broken_handshakes;
#[path = "tls/changing_files.rs"]
mod changing_files;
#[path = "tls/client_certificates.rs"]
mod client_certificates;
#[path = "tls/default_files.rs"]
mod default_files;
#[path = "tls/in_the_middle.rs"]
mod in_the_middle;
#[path = "tls/patroni.rs"]
mod patroni;
#[path = "tls/psql.rs"]
mod psql;
#[path = "tls/remedies.rs"]
mod remedies;
#[path = "tls/server_certificates.rs"]
mod server_certificates;
#[path = "tls/whole_runs.rs"]
mod whole_runs;
