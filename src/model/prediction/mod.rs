//! What a cluster's settings let expect: how long no write is possible after each fault, in parts with
//! their owners, and which setting would shorten it.
//!
//! - [`release`], [`in_force`]: Patroni's settings after what its version clamps.
//! - [`client_waits`]: what else decides, beside the proxy's checks ([`crate::model::cluster::proxy_checks`]).
//! - [`fault_kind`]: the faults; [`part`]: the parts of an outage, and [`Prediction`].
//! - `terms`: the formula of each part, with its reason; [`expected`]: which of them a fault has.
//! - [`knob`], [`advice`]: what a changed setting would save, by predicting again. [`outlook`]: all of it.
//!
//! The formulas, and what was measured beside them, are in `docs/predict.md`.

pub mod advice;
pub mod client_waits;
mod expected;
pub mod fault_kind;
pub mod in_force;
pub mod knob;
pub mod outlook;
pub mod part;
pub mod release;
mod terms;
#[cfg(test)]
mod tests;

pub use expected::expected;
pub use part::Prediction;
