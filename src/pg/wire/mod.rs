//! What speaks the protocol below the driver: the bytes of a session, and what they mean.
//!
//! From the network up, each importing only those before it:
//!
//! - [`host_address`]: one address of a host, by name lookup. [`endpoint`]: where a session leads, for
//!   the faults on it.
//! - `frames`: limits on what a server can send, counted as the bytes pass. `early_error`: what an error
//!   is that comes before TLS. [`first_bytes`]: what came first, and whether it begins as PostgreSQL does.
//! - [`transport`]: the way of the bytes, TCP with TLS or without, or a Unix socket: everything above reads
//!   plain text, whatever carries it. [`handshake_stream`]: what is below TLS. `ssl_request`: whether the
//!   server offers TLS.
//! - [`socket`]: a transport under these limits, for the driver and for the load.
//!   [`reclaimable_socket`]: a socket that the driver uses until it is taken back.
//! - [`answers`]: bytes as answers to the requests of a load. [`load_session`]: a session that writes,
//!   without the driver.

pub mod answers;
pub(in crate::pg) mod early_error;
pub mod endpoint;
pub mod first_bytes;
pub(in crate::pg) mod frames;
pub mod handshake_stream;
pub mod host_address;
pub mod load_session;
pub mod reclaimable_socket;
pub mod socket;
pub(in crate::pg) mod ssl_request;
pub mod transport;
