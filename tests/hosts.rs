//! Which server a connection string with several hosts leads to, with psql beside: `target_session_attrs` and the order of
//! hosts, addresses with zones, Unix sockets; and that an error leaves no host out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod support;

#[path = "hosts/again.rs"]
mod again;
#[path = "hosts/beside_psql.rs"]
mod beside_psql;
#[path = "hosts/drills.rs"]
mod drills;
#[path = "hosts/lists.rs"]
mod lists;
#[path = "hosts/servers.rs"]
mod servers;
#[path = "hosts/session_attrs.rs"]
mod session_attrs;
#[path = "hosts/silent.rs"]
mod silent;
#[path = "hosts/sockets.rs"]
mod sockets;
#[path = "hosts/zones.rs"]
mod zones;
