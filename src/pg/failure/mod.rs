//! What a failure is, before it has a class.
//!
//! - [`SessionFailure`]: what was seen of a failure, and the words for it. Evidence becomes a class in
//!   [`crate::model::fault`], by SQLSTATE, io kind and phase.
//! - [`server_error`]: an error or a notice of the server, as it came over the wire.
//! - [`guard`]: the deadlines of pgchaos's own. [`own_limits`]: what pgchaos itself ran out of.

pub mod guard;
pub mod own_limits;
pub mod server_error;
mod session_failure;

pub use session_failure::SessionFailure;
