//! The lanes of the film, each with its own scale and the common time axis.

pub(super) mod counts;
pub(super) mod drill;
pub(super) mod latency;
pub(super) mod proxy;
pub(super) mod servers;

use maud::Markup;

/// One lane, drawn from its own upper edge.
pub(super) struct Lane {
    /// What it shows.
    pub(super) name: String,
    /// In what.
    pub(super) unit: Option<String>,
    pub(super) height: f64,
    pub(super) drawing: Markup,
}
