//! Patroni's API when something else than Patroni answers, or a Patroni of another version: a small
//! server says what the test wants.
//!
//! What this machine's Patroni answers is tested with a cluster, in `patroni.rs`.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "patroni_api/beside_a_load.rs"]
mod beside_a_load;
#[path = "patroni_api/convergence.rs"]
mod convergence;
#[path = "patroni_api/failures.rs"]
mod failures;
#[path = "patroni_api/predict.rs"]
mod predict;
#[path = "patroni_api/server.rs"]
mod server;
mod support;
#[path = "patroni_api/turns.rs"]
mod turns;
#[path = "patroni_api/versions.rs"]
mod versions;
