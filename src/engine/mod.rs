//! The engine: writers, pacing and recording. It knows no reporter; what happens leaves it as
//! [`Event`](crate::model::event::Event)s.
//!
//! - [`run`]: a whole run, from the first connect to the verified end.
//! - [`setup`]: waits for the cluster and makes the database objects.
//! - `writer`: one connection that writes; `in_flight`: its writes without an answer; `alarms`: what
//!   wakes it beside answers, to the moment by `exact_timer`; `outbox`:
//!   what it tells the recorder, in batches; `gate`: so that a thousand writers make no storm;
//!   `dialer`: one attempt, through every host.
//! - `start_line`: where writers wait for each other before the first write; `threads`: what they
//!   run on.
//! - `recorder`: the one task that owns the books, the outage clock and the record.
//! - `checker`: looks up recent writes after an outage.
//! - [`notes`]: what a drill does meanwhile.
//! - [`patroni_watch`]: who leads and what members are called, by Patroni's API.
//! - `replica_reader`: how far replicas are behind.
//! - [`verification`]: the account at the end, also for `pgchaos verify`; `look`: what is there.
//! - [`record_file`]: the record on disk.

mod alarms;
mod checker;
mod clock;
mod dialer;
mod exact_timer;
mod gate;
mod in_flight;
mod look;
pub mod notes;
mod outbox;
pub mod patroni_watch;
pub mod record_file;
mod recorder;
mod replica_reader;
pub mod run;
pub mod setup;
mod signal;
mod start_line;
mod threads;
pub mod verification;
mod writer;

pub use dialer::Dialer;
