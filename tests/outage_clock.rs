//! The outage clock: literal histories in, whole outages out.
//!
//! A history says what is told to the clock and when, in milliseconds since the start of the run. Between two things
//! time passes in steps of 25 ms, as in the recorder.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
#![allow(
    dead_code,
    unreachable_pub,
    reason = "samples are shared, and each test crate uses its own part"
)]

#[path = "outage_clock/histories.rs"]
mod histories;
#[path = "outage_clock/kinds.rs"]
mod kinds;
#[path = "outage_clock/measures.rs"]
mod measures;
#[path = "outage_clock/reference.rs"]
mod reference;
#[path = "support/samples.rs"]
mod samples;
