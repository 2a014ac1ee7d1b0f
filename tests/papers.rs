//! README.md and docs/ say what the program says.
//!
//! - Each block of `console` in a page is typed into a shell, in a folder with the records of `tests/papers/runs/`, and
//!   must print what the page shows. A line `…` stands for any number of lines.
//! - A block after `<!-- replay: FILE -->` is the log that the program writes of these recorded events.
//! - What stands between `<!-- generated: NAME -->` and `<!-- end of NAME -->` is made from the program: its options, the
//!   events of a record, the JSON summary.
//! - Tables of classes, kinds and exit codes name each one, links lead somewhere, and README stays short.
//!
//! `PGCHAOS_PAPERS=write cargo test --test papers` writes what the program says into the pages.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "papers/console.rs"]
mod console;
#[path = "papers/fields.rs"]
mod fields;
#[path = "papers/links.rs"]
mod links;
#[path = "papers/lists.rs"]
mod lists;
#[path = "papers/options.rs"]
mod options;
#[path = "papers/pages.rs"]
mod pages;
#[path = "papers/replay.rs"]
mod replay;
#[path = "papers/source.rs"]
mod source;
