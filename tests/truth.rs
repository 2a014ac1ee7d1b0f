//! A corpus of known truths: runs on real servers with an end that is known without pgchaos, from psql and from a proxy that
//! reads the wire, and what pgchaos says of them.
//!
//! `cargo test --test truth` runs all of them and prints one line a case; words after `--test truth` pick those with one
//! of them in their name. CONTRIBUTING.md tells how to add one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests, and what they share"
)]

#[path = "truth/answers.rs"]
mod answers;
#[path = "truth/books.rs"]
mod books;
#[path = "truth/endings.rs"]
mod endings;
#[path = "truth/harness.rs"]
mod harness;
#[path = "truth/one_server.rs"]
mod one_server;
#[path = "truth/outages.rs"]
mod outages;
#[path = "truth/pair.rs"]
mod pair;
#[path = "truth/rows.rs"]
mod rows;
#[path = "truth/single.rs"]
mod single;
mod support;
#[path = "truth/tables.rs"]
mod tables;
#[path = "truth/two_primaries.rs"]
mod two_primaries;
#[path = "truth/untruths.rs"]
mod untruths;

#[cfg(target_os = "linux")]
#[path = "truth/lab.rs"]
mod lab;
#[cfg(target_os = "linux")]
#[path = "truth/poolers.rs"]
mod poolers;
#[cfg(target_os = "linux")]
#[path = "lab/test_lab.rs"]
#[allow(dead_code, reason = "the lab's own tests use all of it")]
mod test_lab;

use std::process::ExitCode;

use harness::Case;

fn main() -> ExitCode {
    let cases: &[&[Case]] = &[
        untruths::CASES,
        answers::CASES,
        rows::CASES,
        tables::CASES,
        single::CASES,
        endings::CASES,
        outages::kinds::CASES,
        outages::lag::CASES,
        outages::open::CASES,
        outages::partial::CASES,
        outages::rejections::CASES,
        outages::stalls::CASES,
        pair::CASES,
        two_primaries::CASES,
        #[cfg(target_os = "linux")]
        outages::dialling::CASES,
        #[cfg(target_os = "linux")]
        poolers::CASES,
        #[cfg(target_os = "linux")]
        lab::CASES,
        #[cfg(target_os = "linux")]
        outages::kinds_on_lab::CASES,
        #[cfg(target_os = "linux")]
        outages::whose_on_lab::CASES,
    ];
    harness::run(&cases.concat())
}
