//! Drills: scripted failures with expectations. A scenario ([`crate::model::scenario`]) is played
//! against a cluster while the engine writes, and then judged
//! ([`crate::model::scenario::judging`]).
//!
//! - [`play`]: one drill from the first write to the last look; the place to start reading. Its
//!   rooms: the steps, and what they wait for, by the totals of the run.
//! - [`cluster`]: what a drill needs of a cluster, as a trait, and the three kinds of clusters: a
//!   lab, the Compose project, any cluster by commands of the user's.
//! - [`damage`]: what a drill has broken, kept on disk, and mended.
//! - [`command`]: running a command within a deadline, with all that belongs to it.
//! - [`check`]: what can be refused before anything is broken.
//! - [`builtin`]: the drills that come with pgchaos.
//!
//! Three features to come have their places. A hostile network is an action: `model/scenario/step`
//! and each kind of [`cluster`]. A random drill is a scenario that is drawn instead of read:
//! `model/scenario`, from what [`check`] allows. Several clients in one drill are several loads in
//! [`play::Drill`], each with its own subscribers.

pub mod builtin;
pub mod check;
pub mod cluster;
pub mod command;
pub mod damage;
pub mod play;
