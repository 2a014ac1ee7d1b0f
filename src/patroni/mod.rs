//! Patroni's REST API: what a cluster says about itself, and the one thing it is asked to do.
//!
//! - [`api`]: one member's API, one call at a time, each with a deadline and a bound on its answer.
//! - [`shapes`]: what it answers, from Patroni 3.0 to 4.1, as types.
//! - `config`: the settings that a cluster was told.
//! - [`cluster_state`]: the leader of a cluster, and whether all members follow it.
//! - [`error`]: what a call can end with.
//! - `turns`: how many connections a member's API has at a time.
//!
//! It judges no run: what it tells goes into the record beside what the load has seen, and the load
//! is trusted. Of the API itself `/primary` is trusted over `/cluster`, which still names a leader
//! when etcd has no quorum.

pub mod api;
pub mod cluster_state;
mod config;
pub mod error;
pub mod shapes;
mod turns;

pub use api::PatroniApi;
pub use cluster_state::{Converged, LeadingMember, NotConverged, convergence, leader};
pub use error::PatroniError;
pub use shapes::{Cluster, ClusterMember, HistoryEntry, MemberStatus, Role};
