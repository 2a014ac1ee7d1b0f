//! What becomes of every write, through the program itself and a real server: nothing is lost that is there, nothing is
//! fine that is not, and what cannot be known is said.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests, and what they share"
)]

mod support;

#[path = "accounting/crash.rs"]
mod crash;
#[path = "accounting/doubt.rs"]
mod doubt;
#[path = "accounting/ending.rs"]
mod ending;
#[path = "accounting/failover.rs"]
mod failover;
#[path = "accounting/fates.rs"]
mod fates;
#[path = "accounting/group.rs"]
mod group;
#[path = "accounting/looks.rs"]
mod looks;
#[path = "accounting/progress.rs"]
mod progress;
#[path = "accounting/proof.rs"]
mod proof;
#[path = "accounting/verdicts.rs"]
mod verdicts;
#[path = "accounting/walk.rs"]
mod walk;
