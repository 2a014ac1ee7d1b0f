//! The record on a disk that is slow, full or hung: the load, its account and the end of the run stay as they are, and
//! what became of the record is said.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests, and what they share"
)]
#![allow(unreachable_pub, reason = "parts of one test crate")]
#![cfg(target_os = "linux")]

mod support;

#[path = "disks/disk.rs"]
mod disk;
#[path = "disks/outputs.rs"]
mod outputs;
#[path = "disks/trouble.rs"]
mod trouble;
