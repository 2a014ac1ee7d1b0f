//! Outages of known length, made by the proxy or by the server itself: what the program says of them is true.
//!
//! The proxy's times and the program's are brought together by the wall clock: both take the start of something by it,
//! and go on by the monotonic clock. Neither is set while the tests run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests, and what they share"
)]

mod support;

#[path = "outages/ack_gaps.rs"]
mod ack_gaps;
#[path = "outages/clocks.rs"]
mod clocks;
#[path = "outages/deadlines.rs"]
mod deadlines;
#[path = "outages/lengths.rs"]
mod lengths;
#[path = "outages/silence.rs"]
mod silence;
#[path = "outages/storms.rs"]
mod storms;
