//! The engine: all that waits and sends. It knows no reporter; what happens leaves it as
//! [`Event`](crate::model::event::Event)s, to any number of [`subscribers`].
//!
//! - [`run`]: a whole run, from the first connect to the verified end: the place to start reading.
//! - [`setup`]: waits for the cluster and makes the database objects; [`descriptors`]: as many file
//!   descriptors as the writers need.
//! - `writer`: one connection that writes; `alarms`: what wakes it beside answers, to the moment by
//!   `exact_timer`; `gate`: so that a thousand writers make no storm; `dialer`: one attempt, through
//!   every address of every host; `protocol`: whether statements are prepared or come with each
//!   write, for all writers; `start_line`: where writers wait for each other before the first write;
//!   `threads`: what they run on. What a writer does is decided in
//!   [`model::load::writer`](crate::model::load::writer).
//! - `recorder`: the one task that owns the books, the outage clock and the record; `signal`: the
//!   messages to it, `teller`: the handle that sends them; `clock`: the run's time.
//! - [`record`]: the record on disk, which never holds the load up.
//! - [`watch`]: what is watched beside the load: Patroni's API, replicas, what silent writes wait for,
//!   pgchaos itself.
//! - `checker`: looks up recent writes after an outage. [`drill_notes`]: what a drill does meanwhile.
//! - [`verification`]: the account at the end, also for `pgchaos verify`.
//! - [`subscribers`]: how events and totals leave a run.

mod alarms;
mod checker;
mod clock;
pub mod descriptors;
mod dialer;
pub mod drill_notes;
mod exact_timer;
mod gate;
mod protocol;
pub mod record;
mod recorder;
pub mod run;
pub mod setup;
mod signal;
mod start_line;
pub mod subscribers;
mod teller;
mod threads;
pub mod verification;
pub mod watch;
mod writer;

pub use dialer::Dialer;
