//! Every format of the report, of recorded runs and of sets of them: as it was when it was last looked at, and read
//! back by other programs' libraries.
//!
//! `PGCHAOS_PAPERS=write cargo test --test reports` writes `tests/reports/expected/` anew; read the difference.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "reports/command.rs"]
mod command;
#[path = "reports/comparison.rs"]
mod comparison;
#[path = "reports/expected.rs"]
mod expected;
#[path = "reports/junit_structure.rs"]
mod junit_structure;
#[path = "reports/readers.rs"]
mod readers;
#[path = "reports/samples.rs"]
mod samples;
