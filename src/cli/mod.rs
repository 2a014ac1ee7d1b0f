//! The command line: what can be said, and what it means once checked.
//!
//! - `command_line`: the whole, [`Cli`] and its commands; `parse`: reading it, and refusing a wrong
//!   one. Each command has its arguments in a file of its own: [`gen_args`], `verify_args`, …
//! - Groups of options that several commands share: [`connection`], [`summary_args`], [`log_args`],
//!   `record_args`. Values: [`values`] (durations, rates and percentages as people write them;
//!   scenarios use them too), [`run_id`], [`patroni_url`], [`haproxy_url`], [`members_option`],
//!   `file_name`.
//! - `help`: examples, and the options that ask for help; [`manual`]: completions and manual pages.
//! - `usage_hints`: known mistakes; [`environment`]: misspelt variables; [`redaction`] and
//!   [`process_title`]: no password in a message or in the process list.
//! - [`exit`]: how the program ends.
//!
//! Every long option also reads `PGCHAOS_<NAME>`. `-h` is the host where there is one, as in psql,
//! and help elsewhere; `--help` and `-?` are help everywhere.

mod arguments;
mod command_line;
pub mod connection;
#[cfg(unix)]
pub mod demo_args;
#[cfg(unix)]
pub mod drill_args;
pub mod environment;
pub mod exit;
mod file_name;
pub mod gen_args;
pub mod haproxy_url;
mod headings;
mod help;
#[cfg(unix)]
pub mod lab_args;
pub mod log_args;
pub mod manual;
pub mod manual_args;
pub mod members_option;
pub mod objects_args;
mod parse;
pub mod patroni_url;
pub mod predict_args;
pub mod process_title;
pub mod record_args;
pub mod redaction;
pub mod report_args;
pub mod run_id;
pub mod runs_args;
pub mod summary_args;
mod usage_hints;
pub mod verify_args;

pub use crate::model::load::values;
pub use command_line::{Cli, Command, HelpArgs, WriteRecordArgs, command};
