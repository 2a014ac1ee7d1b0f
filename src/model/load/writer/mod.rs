//! One writer, as a state and a step: what comes to it, and what it does then, in which order.
//!
//! It waits for nothing and sends nothing itself; `engine/writer` does both. So the order in which
//! things are told is decided here, and tested with literal histories.
//!
//! - `step`: the state and the one step; [`Writer`](step::Writer).
//! - [`input`]: what comes to it; [`action`]: what it does; [`rules`]: what holds for all writers.
//! - `writer_core`: what it keeps from one session to the next; `session_in_use`: what it knows of
//!   the session in use; [`in_flight`]: the requests on that without an answer; `step_context`: the
//!   time of a step, and where its actions go.
//! - `answers`, `session_end`, `silence`, `sending`: what it makes of an answer, of the end of a
//!   session, of the time, and of a turn to send.
//! - [`batch`]: what it tells; [`open_batch`]: that in the making; [`written`]: a write told by
//!   itself.
//!
//! # The table
//!
//! A writer looks for a session, has one, or has ended. A request is answered, or it is left
//! without an answer when its session is left; so each write has one outcome.
//!
//! | state | input | actions, in their order |
//! |---|---|---|
//! | without a session | an attempt failed | none; it is out, and owes a probe |
//! | | it waited too long, or the load ended | tell that it has no session; it is out |
//! | | opened | none; slots that came due meanwhile are skipped, but one |
//! | | it is to end | tell the batch, with what is skipped; done |
//! | with a session | acknowledged | what was refused, if it was out · read, if one is due · others may connect · tell, if it was out, if it is the first of the session, if nothing follows soon, or if the batch is old |
//! | | refused: one write's fate | tell, if nothing follows soon or the batch is old |
//! | | refused: no write is taken | tell the trouble with the write that it rejects; then the session is left once all is answered |
//! | | refused for so long that it is out | tell the trouble with the write; the session is kept |
//! | | no row | tell the trouble with the write in doubt; then it is left as above |
//! | | read back | tell the batch and the ids, where writes are told one by one |
//! | | read refused | none; it is counted |
//! | | an answer that proves nothing, or the session's end | leave · tell the trouble with every write without an outcome in doubt · reconnect |
//! | | a time: the oldest request is late | ask for its fault; with it as above |
//! | | a time: silence for too long | have a look taken · tell the stall, once until an acknowledgement |
//! | | a time: the batch is old | tell |
//! | | all taken | send what is due · if all is answered and it leaves or is done: tell, close, reconnect or done · else wait |
//! | | all taken, once it is time to stop | if it is out: a write at a time, until one is acknowledged, until it is decided, or for 10 s; else wait for what is in flight, then tell, wait for the others, close, done |
//! | | stopped at once | tell what is in flight as in doubt · done |
//!
//! After an answer during a silence that was told, the first action is that no look is needed any
//! more.

pub mod action;
mod answers;
pub mod batch;
pub mod in_flight;
pub mod input;
pub mod open_batch;
pub mod rules;
mod sending;
mod session_end;
mod session_in_use;
mod silence;
pub mod step;
mod step_context;
#[cfg(test)]
mod tests;
mod writer_core;
pub mod written;
