//! A drill as its file has it: the load, the steps, and what must be seen; and what it comes to.
//!
//! A scenario is TOML. The whole schema, in words, is what `pgchaos drill show --schema` prints
//! ([`SCHEMA`]). An error points at file, line and column.
//!
//! - [`Scenario`]: a drill, read by [`Scenario::read`], with what must fit together checked.
//! - [`step`], [`expect`], [`hooks`]: its parts; [`command_line`]: a command in them.
//! - [`error`], `fields`: how an error finds its place; [`count`]: numbers and ranges.
//! - [`judging`]: what was expected against what was seen; [`drill_report`]: what one drill or
//!   several come to.

pub mod command_line;
mod concealed;
pub mod count;
mod definition;
pub mod drill_report;
pub mod error;
pub mod expect;
mod fields;
pub mod hooks;
pub mod judging;
mod load;
mod read;
pub mod step;

#[cfg(test)]
mod tests;

pub use definition::{On, Scenario, Through};
pub use fields::instead;

/// The schema for people, as a scenario that explains itself.
pub const SCHEMA: &str = include_str!("schema.toml");
