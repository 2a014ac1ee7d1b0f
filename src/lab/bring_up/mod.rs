//! From nothing, or from what is there, to a lab that works.

mod configuration;
mod launch;
mod plan;
mod readiness;
pub(in crate::lab) mod start_all;
mod template;
