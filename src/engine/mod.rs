//! The engine: writers, pacing and recording. It knows no reporter; what happens leaves it as
//! [`Event`](crate::model::event::Event)s.
//!
//! - [`run`]: a whole run, from the first connect to the verified end.
//! - [`setup`]: waits for the cluster and makes the database objects.
//! - `writer`: one connection that writes; `alarms`: what wakes it beside answers, to the moment by
//!   `exact_timer`; `gate`: so that a thousand writers make no storm; `dialer`: one attempt, through
//!   every address of every host.
//! - [`descriptors`]: as many file descriptors as the writers need; `own_pauses`: when pgchaos itself
//!   does not run.
//! - `protocol`: whether statements are prepared or come with each write, for all writers.
//! - `start_line`: where writers wait for each other before the first write; `threads`: what they
//!   run on.
//! - `recorder`: the one task that owns the books, the outage clock and the record.
//! - `checker`: looks up recent writes after an outage; `followers`: which replicas follow the
//!   primary, where no Patroni tells of members. `stalls`: what writes without an answer wait for on
//!   the server.
//! - [`notes`]: what a drill does meanwhile.
//! - [`patroni_watch`]: who leads and what members are called, by Patroni's API.
//! - `replica_reader`: how far replicas are behind.
//! - [`verification`]: the account at the end, also for `pgchaos verify`; `patroni_word`: who leads
//!   then, by Patroni's API.
//! - [`record_file`]: the record on disk; `record_queue`: the way of a run's lines to it, which never
//!   waits; [`record_process`]: the process that alone waits for the disk.

mod alarms;
mod checker;
mod clock;
pub mod descriptors;
mod dialer;
mod exact_timer;
mod followers;
mod gate;
pub mod notes;
mod own_pauses;
pub mod patroni_watch;
mod patroni_word;
mod protocol;
pub mod record_file;
pub mod record_process;
mod record_queue;
mod recorder;
mod replica_reader;
pub mod run;
pub mod setup;
mod signal;
mod stalls;
mod start_line;
mod threads;
pub mod verification;
mod writer;

pub use dialer::Dialer;
