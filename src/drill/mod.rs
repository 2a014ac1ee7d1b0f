//! Drills: scripted failures with expectations. A scenario ([`crate::model::scenario`]) is played
//! against a cluster while the engine writes, and then judged ([`crate::model::scenario::judging`]).
//!
//! - [`play`]: one drill from the first write to the last look; the place to start reading.
//! - `player`: its steps, one after the other; `waiting`: what they wait for, by the
//!   totals of the run.
//! - [`backend`]: what is broken: [`lab`], [`compose`] or [`hooks`]; `patroni_view`: what the
//!   first two have in common; `docker`: its commands; [`command`]: running commands within a deadline.
//! - [`healing`]: mending all that was broken ([`damage`]), which is also kept on disk
//!   ([`journal`]), so that the next drill mends what a killed one has left.
//! - [`check`]: what can be refused before anything is broken.
//! - [`builtin`]: the drills that come with pgchaos.

pub mod backend;
pub mod builtin;
pub mod check;
pub mod command;
pub mod compose;
pub mod damage;
mod docker;
pub mod healing;
pub mod hooks;
pub mod journal;
pub mod lab;
mod patroni_view;
pub mod play;
mod player;
mod waiting;

pub use patroni_view::PatroniView;
