//! One run of one drill, as it is asked for.

use std::sync::Arc;

use crate::cli::drill_args::RunArgs;
use crate::drill::play::Interrupt;
use crate::model::scenario::{On, Scenario};

/// One run of one drill, as it is asked for.
pub(super) struct DrillRequest<'a> {
    pub(super) args: &'a RunArgs,
    pub(super) scenario: &'a Arc<Scenario>,
    /// The kind of cluster.
    pub(super) on: On,
    /// From 1.
    pub(super) repetition: u32,
    pub(super) interrupt: &'a Interrupt,
}
