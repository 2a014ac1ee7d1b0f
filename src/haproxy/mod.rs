//! HAProxy's page: which servers it sends to, by its own word.
//!
//! - [`url`]: where the page is, with the user and the password that it may ask for.
//! - [`page`]: one look at it, with a deadline and a bound on its answer.
//! - `table`: the CSV that it answers with, as the states of servers.
//! - [`error`]: what a look can end with.
//!
//! It judges no run: what it tells goes into the record beside what the load has seen.

pub mod error;
pub mod page;
mod table;
pub mod url;

pub use error::HaproxyError;
pub use page::HaproxyPage;
pub use url::HaproxyUrl;

#[cfg(test)]
mod tests;
