//! Patroni's REST API: what a cluster says about itself, and the one thing it is asked to do.
//!
//! - [`api`]: one member's API, one call at a time, each with a deadline and a bound on its answer.
//! - `exchange`: a call's connection, of which no more is read than an answer can have.
//! - [`shapes`]: what it answers, from Patroni 3.0 to 4.1, as types.
//! - [`cluster_state`]: who leads, and whether all members have come together again.
//! - [`error`]: what a call can end with.
//!
//! It is no judge of a run: what it tells goes into the record beside what the load has seen, and
//! the load is trusted. Of the API itself `/primary` is trusted over `/cluster`, which goes on
//! naming a leader when etcd has no quorum and nobody can be one.

pub mod api;
pub mod cluster_state;
pub mod error;
mod exchange;
pub mod shapes;

pub use api::PatroniApi;
pub use cluster_state::{Converged, Leader, NotConverged, convergence, leader};
pub use error::PatroniError;
pub use shapes::{Cluster, ClusterMember, Config, HistoryEntry, MemberStatus, Role};
