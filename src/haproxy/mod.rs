//! HAProxy: what its page says of the servers that it sends to, and what its configuration says of its checks.
//!
//! - [`url`]: where the page is, with the user and the password that it may ask for.
//! - [`page`]: one look at it, with a deadline and a bound on its answer.
//! - `table`: the CSV that it answers with, as the states of servers.
//! - [`configuration`]: the checks of a backend's servers, from `haproxy.cfg`.
//! - [`error`]: what a look can end with.
//!
//! It judges no run: what it tells goes into the record beside what the load has seen.

pub mod configuration;
pub mod error;
pub mod page;
mod table;
pub mod url;

pub use error::HaproxyError;
pub use page::HaproxyPage;
pub use url::HaproxyUrl;

#[cfg(test)]
mod tests;
