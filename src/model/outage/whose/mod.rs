//! The owners of an outage's seconds.
//!
//! - [`owner`]: the owners of seconds.

pub mod owner;

pub use owner::Owner;
