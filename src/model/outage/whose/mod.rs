//! The parts of an outage, one after another, each with those that may own its seconds.
//!
//! At each moment of an outage the first thing that stood in the way is asked for, from the servers to the client: does
//! a member take writes? Does the proxy send to it? Has the client noticed, and does it try? What a watcher saw answers
//! it; where none did, the part names all that may have been in the way. So parts are as exact as the looks, they add
//! up, and none is guessed.
//!
//! - [`owner`]: the owners. [`part`]: the parts.
//! - [`watched`]: what the watchers saw; [`track`]: one thing over time.
//! - [`direct`]: whether anything stands between. `cluster`, `proxy`: what each says of a moment; [`split`]: the parts of an outage from all of it.

mod cluster;
pub mod direct;
pub mod owner;
pub mod part;
mod proxy;
pub mod split;
pub mod track;
pub mod watched;

pub use owner::Owner;
pub use part::{OutagePart, PartName, ShorterBy, WhoseSeconds};

#[cfg(test)]
mod tests;
