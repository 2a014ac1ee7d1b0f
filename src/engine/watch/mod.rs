//! What is watched beside the load. Each watcher has a task and a deadline of its own, tells the
//! recorder facts, and ends when the writers have: the load is the same without it.
//!
//! - [`patroni`]: Patroni's API: which member leads, and how the one before stopped leading.
//! - [`haproxy`]: HAProxy's page: which servers it sends to.
//! - [`members`]: each member's PostgreSQL at its own address; `witness`: a slow writer to it.
//! - `connect_pace`: how often a member is connected to again.
//! - `followers`: which replicas follow the primary, where no Patroni names members.
//! - `replicas`: how far replicas are behind what was acknowledged.
//! - `stalls`: what writes without an answer wait for on the server.
//! - `own_pauses`: times in which pgchaos itself did not run.
//! - `told_reason`: which reason was told for which an API or a page cannot be asked.

mod connect_pace;
pub(crate) mod followers;
pub mod haproxy;
pub mod members;
pub(crate) mod own_pauses;
pub mod patroni;
pub(crate) mod replicas;
pub(crate) mod stalls;
mod told_reason;
pub(crate) mod witness;
