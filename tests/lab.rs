//! `pgchaos lab` with the real programs: up, broken, mended, down, and nothing left.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests, and what they share"
)]

mod support;

#[path = "lab/cut_off.rs"]
mod cut_off;
#[path = "lab/dependencies.rs"]
mod dependencies;
#[path = "lab/doors.rs"]
mod doors;
#[path = "lab/parts.rs"]
mod parts;
#[path = "lab/refusals.rs"]
mod refusals;
#[path = "lab/story.rs"]
mod story;
#[path = "lab/test_lab.rs"]
mod test_lab;
#[path = "lab/tls.rs"]
mod tls;
