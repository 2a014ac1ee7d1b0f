//! Drills through the program itself: what is broken is mended, and what is judged is true.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests, and what they share"
)]

mod support;

#[path = "drill/broken_on_purpose.rs"]
mod broken_on_purpose;
#[path = "drill/hooks.rs"]
mod hooks;
#[path = "drill/loss.rs"]
mod loss;
#[path = "drill/refused.rs"]
mod refused;
#[path = "lab/test_lab.rs"]
#[allow(dead_code, reason = "the lab's own tests use all of it")]
mod test_lab;
