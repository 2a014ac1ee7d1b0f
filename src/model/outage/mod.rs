//! Outages: when no write was possible, for how long, and why.
//!
//! - [`anatomy`]: an outage that is over, with its phases and the servers on both sides.
//! - [`clock`]: the clock that measures outages, [`clock_output`]: what it says; `open`: an outage
//!   that goes on;
//!   [`ack_timeline`] and [`rate_timeline`]: when and how fast writes were acknowledged of late.
//! - [`kind`]: why an outage happened, from evidence: [`server_reason`], what servers said;
//!   [`old_primary`], how the leader before stopped leading; [`stall_cause`], what a write without an
//!   answer waits for.
//! - [`leader_changes`]: which change of Patroni's leader belongs to which outage;
//!   [`injection`]: what a drill did to the cluster.
//! - [`whose`]: an outage's parts and their owners.
//! - [`ack_gaps`]: stretches without an acknowledgement, with an outage or without one.

pub mod ack_gaps;
pub mod ack_timeline;
pub mod anatomy;
pub mod clock;
pub mod clock_output;
pub mod injection;
pub mod kind;
pub mod leader_changes;
pub mod old_primary;
mod open;
pub mod rate_timeline;
pub mod server_reason;
pub mod stall_cause;
pub mod whose;

pub use anatomy::{Outage, Phases, Side, WITHOUT_ACK_MIN};
