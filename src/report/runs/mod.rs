//! Lists of runs, and of what is removed of them.
//!
//! - [`listed`]: a run in a list, as JSON has it.
//! - [`table`]: the list for people, by the width of their terminal.

pub mod listed;
pub mod table;

pub use listed::{ListedRun, ListedState, RunList};
