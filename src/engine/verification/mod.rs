//! The account at the end: the ledger against the server that decides.
//!
//! Presence can be seen at any time. Absence can be decided only here: on the server that the rule
//! names ([`crate::model::cluster::decision`]), when the rule names the same server before and after
//! the look. An acknowledged write that is absent then is lost, whatever goes on. One in doubt is
//! decided when no session of the run is left there that could still commit it.
//!
//! - [`verifier`]: the verification, from the first look to the account; `patience`: how long it
//!   waits for a cluster that is not ready.
//! - [`survey`]: which server decides; `patroni_answers`: which member leads then, by Patroni's API.
//! - [`subject`]: what is verified.
//! - `presence_scan`: which writes the server holds; `whereabouts`: what other servers hold.

mod patience;
mod patroni_answers;
mod presence_scan;
pub mod subject;
pub mod survey;
pub mod verifier;
mod whereabouts;

pub use subject::Subject;
pub use survey::Site;
pub use verifier::{VerificationStep, verify};
