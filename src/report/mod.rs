//! The report floor: events become log lines, a summary becomes text or a file.
//!
//! Everything here but [`console`] and [`status_row`] is pure: the offset of local time, colour and the width of
//! the terminal come in as arguments, so that every line can be tested as a literal. It knows
//! [`model`](crate::model) and nothing else: not where events come from, nor where text goes.
//!
//! - [`text_log`], [`json_log`]: events as they happen, for people and for programs.
//! - [`summary_text`]: the page of text that ends a run.
//! - [`export`]: a summary as a file, by the file's ending; [`summary_json`], [`markdown`],
//!   [`csv`], [`junit`] and [`html`] are its formats.
//! - [`comparison`]: several runs in each of these formats.
//! - [`demo`]: the words around the demo.
//! - [`drill`]: what a drill will do, and what it came to.
//! - [`runs`]: the list of recorded runs.
//! - [`console`]: the one place that writes to standard error while a log goes on; [`status_row`]: the
//!   row below it that changes, and is gone in the end.
//! - [`whose_words`]: an outage's parts and their owners.
//! - [`numbers`], [`words`], [`layout`]: numbers, writes and outages, and whole lines in words.
//!   Foreign text passes [`foreign`](crate::model::foreign) on its way out.

pub mod comparison;
pub mod console;
pub mod csv;
pub mod demo;
pub mod drill;
pub mod export;
pub mod html;
mod json_layout;
pub mod json_log;
pub mod junit;
pub mod layout;
pub mod markdown;
pub mod numbers;
pub mod runs;
pub mod status_row;
pub mod summary_json;
pub mod summary_text;
pub mod text_log;
pub mod whose_words;
pub mod words;

#[cfg(test)]
mod fixtures;
