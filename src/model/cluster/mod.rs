//! The cluster under test: its servers, its members, and what tells them apart.
//!
//! - [`server`]: the identity of the server behind a session, and the process that serves it.
//! - [`member_names`]: what servers are called that do not tell their name.
//! - [`clock_offset`]: how far each server's clock is ahead of this machine's.
//! - [`leadership`]: which member leads, by Patroni's API; [`leader_key`]: whether the leader's key is free, and
//!   [`store_view`]: whether a member that says so knows it.
//! - [`member_states`]: what each member is, by its own Patroni API.
//! - [`member_servers`]: what each member's PostgreSQL is, asked at its own address.
//! - [`member_looks`]: looks at those servers one after another, and what there is to tell of them.
//! - [`proxy`]: what a proxy says of the servers that it sends to.
//! - [`proxy_checks`]: the settings of a proxy that decide how long it sends to none, or to the wrong one.
//! - [`witness`]: which members take a witness's writes.
//! - [`software`]: what runs on the members, and how Patroni is set.
//! - [`selector`]: which part of a cluster is meant: `leader`, `replica`, `etcd:leader`, a name.
//! - [`decision`]: which server decides what became of a run's writes.
//! - [`two_primaries`]: two servers that acknowledge writes at the same time.

pub mod clock_offset;
pub mod decision;
pub mod leader_key;
pub mod leadership;
pub mod member_looks;
pub mod member_names;
pub mod member_servers;
pub mod member_states;
pub mod proxy;
pub mod proxy_checks;
pub mod selector;
pub mod server;
pub mod software;
pub mod store_view;
pub mod two_primaries;
pub mod witness;
