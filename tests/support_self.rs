//! The support code keeps its promises: without that, a green test of pgchaos would say nothing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests, and what they share"
)]

mod support;

#[path = "support/self_tests/client.rs"]
mod client;
#[path = "support/self_tests/helpers.rs"]
mod helpers;
#[path = "support/self_tests/leftovers.rs"]
mod leftovers;
#[path = "support/self_tests/postgres.rs"]
mod postgres;
#[path = "support/self_tests/proxy.rs"]
mod proxy;
#[path = "support/self_tests/traps.rs"]
mod traps;
#[path = "support/self_tests/wire.rs"]
mod wire;
