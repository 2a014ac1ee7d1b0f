//! The damage that a drill does: what is still to be undone, also after pgchaos itself was killed.

pub mod healing;
pub mod journal;
mod list;

pub use list::{Damage, Undo};
