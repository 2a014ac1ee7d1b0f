//! Whose seconds an outage was.
//!
//! - [`owner`]: the owners of seconds.

pub mod owner;

pub use owner::Owner;
